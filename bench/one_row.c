/*
 * one_row.c - one row by primary key: a query table of the kind `holdfast gen` writes, against hand-written libpq.
 *
 *     build/bench/bench-one-row [SECONDS_PER_RUN [RUNS]]
 *
 * Both sides run in one process on one session of a private server each, take turns (11 runs each by default), send
 * the same statement prepared and binary, decode the same columns into the same struct and copy its text into memory
 * of their own. This process and both backends are pinned to one core. The hand-written side knows its statement, so
 * it has no tables, no deadline, no metrics, and checks nothing but that the row is there.
 *
 * Prints JSON: medians of operations per second and of client CPU per call, and the ratios of ours to theirs, where
 * each run is compared with the one next to it.
 */
#include <endian.h>
#include <libpq-fe.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include "holdfast/holdfast.h"
#include "holdfast/server.h"

#ifndef BENCH_COMMIT
#define BENCH_COMMIT "unknown"
#endif

enum { ROWS = 10000, RUNS_MAX = 101, BATCH = 256 };

#define SQL                                                                                                            \
	"SELECT id, codebase, campaign, bucket, priority, estimated_duration_us, refresh, requester, scheduled_at "    \
	"FROM item WHERE id = $1"

struct item {
	int32_t id;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str bucket;
	int64_t priority;
	int64_t estimated_duration_us;
	bool refresh;
	struct hf_str requester;
	bool has_requester;
	struct hf_timestamp scheduled_at;
};

struct item_in {
	int32_t id;
};

/* ---- ours ---- */

static const struct hf_field item_params[] = {{"id", &hf_type_int4, offsetof(struct item_in, id), HF_NEVER_NULL}};
static const struct hf_field item_columns[] = {
	{"id", &hf_type_int4, offsetof(struct item, id), HF_NEVER_NULL},
	{"codebase", &hf_type_text, offsetof(struct item, codebase), HF_NEVER_NULL},
	{"campaign", &hf_type_text, offsetof(struct item, campaign), HF_NEVER_NULL},
	{"bucket", &hf_type_text, offsetof(struct item, bucket), HF_NEVER_NULL},
	{"priority", &hf_type_int8, offsetof(struct item, priority), HF_NEVER_NULL},
	{"estimated_duration_us", &hf_type_int8, offsetof(struct item, estimated_duration_us), HF_NEVER_NULL},
	{"refresh", &hf_type_bool, offsetof(struct item, refresh), HF_NEVER_NULL},
	{"requester", &hf_type_text, offsetof(struct item, requester), offsetof(struct item, has_requester)},
	{"scheduled_at", &hf_type_timestamp, offsetof(struct item, scheduled_at), HF_NEVER_NULL},
};
static const struct hf_query item_query = {.abi = HF_QUERY_ABI,
					   .flags = HF_QUERY_READ_ONLY,
					   .name = "item_by_id",
					   .sql = SQL,
					   .sql_len = sizeof(SQL) - 1,
					   .statement = "hf_5f1d3c0a9b7e2468",
					   .params = item_params,
					   .nparams = 1,
					   .columns = item_columns,
					   .ncolumns = sizeof(item_columns) / sizeof(item_columns[0]),
					   .row_size = sizeof(struct item)};

static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "bench-one-row: %s: %s\n", what, why);
	exit(1);
}

static int64_t ours(hf_where where, hf_arena *arena, int32_t id)
{
	static hf_error err = HF_ERROR_INIT; /* untouched by success, so that one serves all calls */
	struct item item;
	struct item_in in = {id};
	hf_arena_reset(arena);
	if (hf_query_one(where, &item_query, &in, arena, &item, &err) != HF_OK)
		give_up("our query", err.message);
	return item.priority + item.scheduled_at.us + (int64_t)item.codebase.len + item.codebase.ptr[0];
}

/* ---- theirs ---- */

struct memory {
	char bytes[4096];
	size_t used;
};

static int64_t int8_at(const PGresult *result, int column)
{
	uint64_t raw;
	memcpy(&raw, PQgetvalue(result, 0, column), sizeof(raw));
	return (int64_t)be64toh(raw);
}

static struct hf_str text_at(const PGresult *result, int column, struct memory *memory)
{
	size_t len = (size_t)PQgetlength(result, 0, column);
	if (len >= sizeof(memory->bytes) - memory->used)
		give_up("their query", "text is too long");
	char *copy = memory->bytes + memory->used;
	memcpy(copy, PQgetvalue(result, 0, column), len + 1);
	memory->used += len + 1;
	return (struct hf_str){copy, len};
}

static void decode_item(const PGresult *result, struct memory *memory, struct item *ret_item)
{
	uint32_t id;
	memcpy(&id, PQgetvalue(result, 0, 0), sizeof(id));
	ret_item->id = (int32_t)be32toh(id);
	ret_item->codebase = text_at(result, 1, memory);
	ret_item->campaign = text_at(result, 2, memory);
	ret_item->bucket = text_at(result, 3, memory);
	ret_item->priority = int8_at(result, 4);
	ret_item->estimated_duration_us = int8_at(result, 5);
	ret_item->refresh = PQgetvalue(result, 0, 6)[0] != 0;
	ret_item->has_requester = !PQgetisnull(result, 0, 7);
	if (ret_item->has_requester)
		ret_item->requester = text_at(result, 7, memory);
	ret_item->scheduled_at.us = int8_at(result, 8);
}

static int64_t theirs(PGconn *pg, struct memory *memory, int32_t id)
{
	uint32_t wire = htobe32((uint32_t)id);
	const char *values[] = {(const char *)&wire};
	static const int lengths[] = {4}, formats[] = {1};
	struct item item;
	PGresult *result = PQexecPrepared(pg, "item_by_id", 1, values, lengths, formats, 1);
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		give_up("their query", PQresultErrorMessage(result));
	memory->used = 0;
	decode_item(result, memory, &item);
	PQclear(result);
	return item.priority + item.scheduled_at.us + (int64_t)item.codebase.len + item.codebase.ptr[0];
}

/* ---- measuring ---- */

struct side {
	double ops[RUNS_MAX];
	double cpu_us[RUNS_MAX];
};

struct setup {
	hf_context *ctx;
	hf_server *server;
	hf_connection *connection;
	hf_arena *arena;
	PGconn *pg;
	struct memory memory;
	int64_t sum; /* so that nothing is optimised away, and both sides are seen to read the same */
};

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double cpu_now(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

static double wall_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int32_t next_id(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (int32_t)((*seed >> 8) % ROWS) + 1;
}

static void run_batch(struct setup *setup, bool is_ours, uint32_t *seed)
{
	for (int i = 0; i < BATCH; i++)
		setup->sum += is_ours ? ours(hf_on_connection(setup->connection), setup->arena, next_id(seed))
				      : theirs(setup->pg, &setup->memory, next_id(seed));
}

static void run_once(struct setup *setup, bool is_ours, double seconds, struct side *side, int run)
{
	uint32_t seed = (uint32_t)run + 1;
	double cpu = cpu_now(), start = wall_now(), now = start;
	long count = 0;
	while (now - start < seconds) {
		run_batch(setup, is_ours, &seed);
		count += BATCH;
		now = wall_now();
	}
	side->ops[run] = (double)count / (now - start);
	side->cpu_us[run] = (cpu_now() - cpu) * 1e6 / (double)count;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
	double sorted[RUNS_MAX];
	memcpy(sorted, values, (size_t)count * sizeof(*values));
	qsort(sorted, (size_t)count, sizeof(*sorted), by_size);
	return sorted[count / 2];
}

static double median_ratio(const double *a, const double *b, int count)
{
	double ratios[RUNS_MAX];
	for (int i = 0; i < count; i++)
		ratios[i] = a[i] / b[i];
	return median(ratios, count);
}

/* ---- setting up ---- */

static void sql(hf_connection *connection, const char *text)
{
	hf_error err = HF_ERROR_INIT;
	if (hf_sql_exec(hf_on_connection(connection), hf_str_of(text), NULL, 0, NULL, &err) != HF_OK)
		give_up(text, err.message);
}

static void fill(hf_connection *connection)
{
	sql(connection, "CREATE TABLE item (id int PRIMARY KEY, codebase text NOT NULL, campaign text NOT NULL, "
			"bucket text NOT NULL, priority bigint NOT NULL, estimated_duration_us bigint NOT NULL, "
			"refresh bool NOT NULL, requester text, scheduled_at timestamp NOT NULL)");
	sql(connection, "INSERT INTO item SELECT i, 'codebase-' || i, 'lintian-fixes', 'default', i % 1000, i * 1000, "
			"i % 2 = 0, CASE WHEN i % 3 = 0 THEN 'someone@example.com' END, "
			"timestamp '2024-01-01' + i * interval '1 minute' FROM generate_series(1, 10000) i");
	sql(connection, "VACUUM ANALYZE item");
}

static void open_theirs(struct setup *setup)
{
	setup->pg = PQconnectdb(hf_server_url(setup->server));
	if (PQstatus(setup->pg) != CONNECTION_OK)
		give_up("connect", PQerrorMessage(setup->pg));
	PGresult *prepared = PQprepare(setup->pg, "item_by_id", SQL, 0, NULL);
	if (PQresultStatus(prepared) != PGRES_COMMAND_OK)
		give_up("prepare", PQresultErrorMessage(prepared));
	PQclear(prepared);
}

static void open_ours(struct setup *setup)
{
	hf_error err = HF_ERROR_INIT;
	hf_settings *settings = NULL;
	if (hf_context_new(NULL, &setup->ctx, &err) != HF_OK ||
	    hf_server_start(setup->ctx, NULL, HF_DEADLINE_DEFAULT, &setup->server, &err) != HF_OK ||
	    hf_settings_new(setup->ctx, &settings, &err) != HF_OK ||
	    hf_settings_parse(settings, hf_server_url(setup->server), &err) != HF_OK ||
	    hf_connection_open(setup->ctx, settings, NULL, HF_DEADLINE_DEFAULT, &setup->connection, &err) != HF_OK)
		give_up("private server", err.message);
	hf_settings_free(settings);
	setup->arena = hf_arena_new(0);
	fill(setup->connection);
}

static bool pin(int pid, int core)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	return sched_setaffinity(pid, sizeof(set), &set) == 0;
}

static bool pin_all(struct setup *setup, int core)
{
	bool self = pin(0, core);
	bool backends = pin(hf_connection_backend_pid(setup->connection), core) && pin(PQbackendPID(setup->pg), core);
	return self && backends;
}

static void close_all(struct setup *setup)
{
	PQfinish(setup->pg);
	hf_connection_free(setup->connection);
	hf_arena_free(setup->arena);
	hf_server_free(setup->server);
	hf_context_free(setup->ctx);
}

/* ---- report ---- */

static const char *setting_of(const struct setup *setup, const char *name, char value[64])
{
	const char *values[] = {name};
	PGresult *result = PQexecParams(setup->pg, "SELECT current_setting($1)", 1, NULL, values, NULL, NULL, 0);
	snprintf(value, 64, "%s", PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return value;
}

static void print_side(const char *name, const struct side *side, int runs)
{
	printf("  \"%s\": {\"ops_per_s\": %.0f, \"client_cpu_us\": %.3f},\n", name, median(side->ops, runs),
	       median(side->cpu_us, runs));
}

static void print_settings(const struct setup *setup)
{
	static const char *const names[] = {"server_version", "shared_buffers", "fsync", "jit", "plan_cache_mode"};
	printf("  \"server\": {");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char value[64];
		printf("%s\"%s\": \"%s\"", i ? ", " : "", names[i], setting_of(setup, names[i], value));
	}
	printf("},\n");
}

static void report(const struct setup *setup, const struct side *own, const struct side *hand, int runs, double seconds,
		   bool pinned)
{
	struct utsname machine;
	uname(&machine);
	printf("{\n  \"benchmark\": \"one_row\",\n  \"commit\": \"" BENCH_COMMIT "\",\n");
	printf("  \"machine\": \"%s %s\",\n  \"libpq\": %d,\n", machine.release, machine.machine, PQlibVersion());
	print_settings(setup);
	printf("  \"runs\": %d,\n  \"seconds_per_run\": %g,\n  \"pinned_to_one_core\": %s,\n", runs, seconds,
	       pinned ? "true" : "false");
	print_side("holdfast", own, runs);
	print_side("libpq", hand, runs);
	printf("  \"ops_ratio\": %.4f,\n  \"client_cpu_ratio\": %.4f\n}\n", median_ratio(own->ops, hand->ops, runs),
	       median_ratio(own->cpu_us, hand->cpu_us, runs));
}

int main(int argc, char **argv)
{
	static struct setup setup;
	static struct side own, hand;
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1.0;
	int runs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 11;
	if (!(seconds > 0 && seconds <= 3600) || runs < 1 || runs > RUNS_MAX)
		give_up("usage", "bench-one-row [SECONDS_PER_RUN [RUNS]]");
	open_ours(&setup);
	open_theirs(&setup);
	bool pinned = pin_all(&setup, sched_getcpu());
	if (ours(hf_on_connection(setup.connection), setup.arena, 42) != theirs(setup.pg, &setup.memory, 42))
		give_up("check", "the two sides read different rows");
	for (int run = 0; run < runs; run++) {
		bool ours_first = run % 2 == 0;
		run_once(&setup, ours_first, seconds, ours_first ? &own : &hand, run);
		run_once(&setup, !ours_first, seconds, ours_first ? &hand : &own, run);
	}
	report(&setup, &own, &hand, runs, seconds, pinned);
	close_all(&setup);
	return 0;
}
