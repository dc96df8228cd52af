/*
 * claim.c - claim and finish, 16 workers at once, against pgbench sending the same statements.
 *
 *     build/bench/bench-claim SCRIPT [SECONDS [RUNS]]
 *
 * SCRIPT is the pgbench script (bench/claiming.py makes it from the metadata). Both sides have 16 sessions on one
 * server and a fresh queue of ENTRIES for each run, and take turns. Ours is 16 threads in hf_claim_next() and
 * hf_claim_finish().
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"

enum { WORKERS = 16, ENTRIES = 100000, SECONDS = 5, RUNS = 5 };

struct worker {
	hf_connection *connection;
	pthread_t thread;
	double until;
	long cycles;
};

static void *work(void *user)
{
	struct worker *worker = user;
	hf_where where = hf_on_connection(worker->connection);
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("bench")};
	hf_arena *arena = hf_arena_new(0);
	hf_error err = HF_ERROR_INIT;
	struct hf_claim claim;
	bool again;
	while (wall_seconds() < worker->until) {
		hf_arena_reset(arena);
		if (hf_claim_next(where, &options, arena, &claim, &err) != HF_OK ||
		    hf_claim_finish(where, claim.fence, options.holder, &again, &err) != HF_OK)
			give_up("claim", err.message);
		worker->cycles++;
	}
	hf_arena_free(arena);
	return NULL;
}

/* The queue is whole again; what was claimed before stays on record, as it does for a week. */
static void refill(hf_connection *connection)
{
	static const char insert[] = "INSERT INTO queue (codebase, suite, command, priority)"
				     " SELECT name, 'fixes', 'x', row_number() OVER () FROM codebase";
	const char *const steps[] = {
		"TRUNCATE queue",
		insert,
		"UPDATE holdfast.queue_claim SET state = 'released' WHERE state = 'leased'",
		"VACUUM ANALYZE queue",
		"VACUUM ANALYZE holdfast.queue_claim",
	};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		bench_sql(connection, steps[i]);
}

/* A day's history, so that plans are made for a table in use. */
static void make_history(hf_connection *connection)
{
	bench_sql(connection, "INSERT INTO holdfast.queue_claim (queue_id, generation, place, holder, state, attempt, "
	                      "attempts_max, until, "
	                      "ended_at) SELECT -n, 1, '(0,0)', 'bench', 'finished', 1, 5, now(), now() FROM "
	                      "generate_series(1, 20000) AS n");
}

static double ours(struct worker *workers, int seconds)
{
	double start = wall_seconds();
	long cycles = 0;
	for (int i = 0; i < WORKERS; i++) {
		workers[i].cycles = 0;
		workers[i].until = start + seconds;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			give_up("thread", "could not be made");
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		cycles += workers[i].cycles;
	}
	return (double)cycles / (wall_seconds() - start);
}

static double finished(hf_connection *connection)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	hf_arena *arena = hf_arena_new(0);
	if (hf_sql_one(hf_on_connection(connection),
	               HF_STR("SELECT count(*)::float8 FROM holdfast.queue_claim WHERE state = 'finished'"), NULL, 0,
	               arena, &row, &err) != HF_OK)
		give_up("count", err.message);
	double count = row.values[0].as.f;
	hf_arena_free(arena);
	return count;
}

/* Claims that were finished: a script that came second at an entry goes on with nothing, and pgbench counts it. */
static double theirs(const struct bench *bench, hf_connection *connection, const char *script, int seconds)
{
	char command[1024], line[256];
	double tps = 0, transactions = 0, before = finished(connection);
	int n = snprintf(command, sizeof(command), "pgbench -n -M prepared -c %d -j 2 -T %d -f '%s' '%s' 2>&1", WORKERS,
	                 seconds, script, hf_server_url(bench->server));
	FILE *output = n > 0 && (size_t)n < sizeof(command) ? popen(command, "r") : NULL;
	if (!output)
		give_up("pgbench", "could not be run");
	while (fgets(line, sizeof(line), output)) {
		const char *at = strstr(line, "tps = ");
		if (at)
			tps = strtod(at + 6, NULL);
		at = strstr(line, "actually processed: ");
		if (at)
			transactions = strtod(at + 20, NULL);
	}
	if (pclose(output) != 0 || tps <= 0 || transactions <= 0)
		give_up("pgbench", "failed");
	return tps * (finished(connection) - before) / transactions;
}

int main(int argc, char **argv)
{
	int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : SECONDS;
	int runs = argc > 3 ? (int)strtol(argv[3], NULL, 10) : RUNS;
	double mine[RUNS_MAX], other[RUNS_MAX];
	struct bench bench = {0};
	struct worker workers[WORKERS];
	char sql[128];
	if (argc < 2 || seconds < 1 || runs < 1 || runs > RUNS_MAX)
		give_up("usage", "bench-claim SCRIPT [SECONDS [RUNS]]");
	bench_open(&bench);
	hf_connection *connection = bench_connect(&bench);
	snprintf(sql, sizeof(sql), "INSERT INTO codebase (name) SELECT 'cb' || n FROM generate_series(1, %d) AS n",
	         ENTRIES);
	bench_sql(connection, sql);
	make_history(connection);
	for (int i = 0; i < WORKERS; i++)
		workers[i].connection = bench_connect(&bench);
	for (int i = 0; i < runs; i++) {
		refill(connection);
		mine[i] = ours(workers, seconds);
		refill(connection);
		other[i] = theirs(&bench, connection, argv[1], seconds);
	}
	printf("{\"workers\": %d, \"entries\": %d, \"seconds\": %d, ", WORKERS, ENTRIES, seconds);
	print_server(connection);
	printf(", \"samples\": {");
	print_samples("holdfast_cycles_per_s", mine, runs, 0);
	printf(", ");
	print_samples("pgbench_cycles_per_s", other, runs, 0);
	printf("}}\n");
	for (int i = 0; i < WORKERS; i++)
		hf_connection_free(workers[i].connection);
	hf_connection_free(connection);
	bench_close(&bench);
	return 0;
}
