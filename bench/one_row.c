/*
 * one_row.c - one row by key: the generated queue_item() against hand-written libpq, in several forms.
 *
 *     build/bench/bench-one-row [SECONDS_PER_RUN [RUNS [FORM...]]]
 *
 * All sides run in this process, each on a session of its own of one private server, and take turns every 40 ms,
 * the order moving on by one each time. They send the same statement prepared, with binary parameter and result, decode the same
 * eleven columns (four texts, three of them nullable, an enum, an interval) into the same struct and copy text into
 * memory of their own. This process and all backends are pinned to one core. The hand-written sides know their
 * statement: no tables, no deadline, no metrics, a name of one letter, and they check no more than that the row is there.
 *
 * The forms of the hand-written side differ in how they wait:
 *     exec      PQexecPrepared
 *     send      PQsendQueryPrepared, then PQgetResult until it answers NULL
 *     poll      PQsendQueryPrepared, then poll(2) and PQconsumeInput by hand until libpq is not busy
 *     epoll     as poll, by an epoll descriptor that was set up once and watches for edges
 *     blocking  as poll, but libpq's socket was made blocking behind its back and PQconsumeInput itself waits: one
 *               system call less. Not a use that libpq documents; told, but not what we must reach.
 */
#include <endian.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common.h"
#include "queries/janitor/queue.h"

enum { ROWS = 10000, BATCH = 64, SLICES = 25, SIDES_MAX = 6 };

#define SQL                                                                                                            \
	"SELECT id, codebase, suite::text AS campaign, bucket, priority, context, command, estimated_duration, "       \
	"refresh, requester, change_set FROM queue WHERE id = $1"

struct memory {
	char bytes[4096];
	size_t used;
};

struct side {
	const char *name;
	int64_t (*one)(struct side *side, int32_t id); /* reads a row; its checksum */
	hf_connection *connection;                     /* ours */
	hf_arena *arena;
	PGconn *pg; /* theirs */
	int epoll;
	struct memory memory;
	int64_t sum; /* so that nothing is optimised away */
	double ops[RUNS_MAX];
	double cpu_us[RUNS_MAX];
};

static int64_t checksum(const struct queue_list_row *row)
{
	return row->id + row->priority + (row->has_estimated_duration ? row->estimated_duration.us : 0) +
	       (int64_t)row->codebase.len + row->codebase.ptr[row->codebase.len - 1] + (int64_t)row->bucket +
	       (row->has_requester ? row->requester.ptr[0] : 0) + row->has_change_set +
	       (row->has_context ? row->context.ptr[0] : 0) + row->campaign.ptr[0];
}

/* ---- ours ---- */

static int64_t ours(struct side *side, int32_t id)
{
	static hf_error err = HF_ERROR_INIT; /* untouched by success, so that one serves all calls */
	struct queue_list_row row;
	struct queue_item_in in = {.id = id};
	hf_arena_reset(side->arena);
	if (queue_item(hf_on_connection(side->connection), &in, side->arena, &row, &err) != HF_OK)
		give_up("our query", err.message);
	return checksum(&row);
}

/* ---- theirs ---- */

static inline int64_t int8_of(const char *at)
{
	uint64_t raw;
	memcpy(&raw, at, sizeof(raw));
	return (int64_t)be64toh(raw);
}

static inline int32_t int4_of(const char *at)
{
	uint32_t raw;
	memcpy(&raw, at, sizeof(raw));
	return (int32_t)be32toh(raw);
}

static inline struct hf_str text_at(const PGresult *result, int column, struct memory *memory)
{
	size_t len = (size_t)PQgetlength(result, 0, column);
	if (len >= sizeof(memory->bytes) - memory->used)
		give_up("their query", "text is too long");
	char *copy = memory->bytes + memory->used;
	memcpy(copy, PQgetvalue(result, 0, column), len + 1);
	memory->used += len + 1;
	return (struct hf_str){copy, len};
}

static inline bool nullable_at(const PGresult *result, int column, struct memory *memory, struct hf_str *ret_text)
{
	if (PQgetisnull(result, 0, column))
		return false;
	*ret_text = text_at(result, column, memory);
	return true;
}

/* The labels by what tells them apart soonest. */
static enum queue_bucket bucket_of(const char *label, int len)
{
	switch (len) {
	case 4:
		return QUEUE_BUCKET_HOOK;
	case 6:
		return QUEUE_BUCKET_MANUAL;
	case 7:
		return label[0] == 'd' ? QUEUE_BUCKET_DEFAULT : QUEUE_BUCKET_CONTROL;
	case 10:
		return QUEUE_BUCKET_RESCHEDULE;
	case 12:
		return QUEUE_BUCKET_MISSING_DEPS;
	case 13:
		return QUEUE_BUCKET_UPDATE_NEW_MP;
	case 18:
		return QUEUE_BUCKET_UPDATE_EXISTING_MP;
	default:
		return QUEUE_BUCKET_UNRECOGNIZED;
	}
}

static void decode(const PGresult *result, struct memory *memory, struct queue_list_row *row)
{
	memory->used = 0;
	row->id = int4_of(PQgetvalue(result, 0, 0));
	row->codebase = text_at(result, 1, memory);
	row->campaign = text_at(result, 2, memory);
	row->bucket = bucket_of(PQgetvalue(result, 0, 3), PQgetlength(result, 0, 3));
	row->priority = int8_of(PQgetvalue(result, 0, 4));
	row->has_context = nullable_at(result, 5, memory, &row->context);
	row->has_command = nullable_at(result, 6, memory, &row->command);
	row->has_estimated_duration = !PQgetisnull(result, 0, 7);
	if (row->has_estimated_duration) {
		const char *at = PQgetvalue(result, 0, 7);
		row->estimated_duration = (struct hf_interval){int8_of(at), int4_of(at + 8), int4_of(at + 12)};
	}
	row->has_refresh = !PQgetisnull(result, 0, 8);
	row->refresh = row->has_refresh && PQgetvalue(result, 0, 8)[0] != 0;
	row->has_requester = nullable_at(result, 9, memory, &row->requester);
	row->has_change_set = nullable_at(result, 10, memory, &row->change_set);
}

static int64_t read_row(struct side *side, PGresult *result)
{
	struct queue_list_row row;
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		give_up("their query", PQerrorMessage(side->pg));
	decode(result, &side->memory, &row);
	PQclear(result);
	return checksum(&row);
}

static const int four_bytes[] = {4}, binary[] = {1};

static int64_t by_exec(struct side *side, int32_t id)
{
	uint32_t wire = htobe32((uint32_t)id);
	const char *values[] = {(const char *)&wire};
	return read_row(side, PQexecPrepared(side->pg, "q", 1, values, four_bytes, binary, 1));
}

static void send_id(struct side *side, int32_t id)
{
	uint32_t wire = htobe32((uint32_t)id);
	const char *values[] = {(const char *)&wire};
	if (!PQsendQueryPrepared(side->pg, "q", 1, values, four_bytes, binary, 1))
		give_up("their query", PQerrorMessage(side->pg));
}

static int64_t take_row(struct side *side)
{
	int64_t sum = read_row(side, PQgetResult(side->pg));
	while (PQgetResult(side->pg))
		give_up("their query", "a second result");
	return sum;
}

static int64_t by_send(struct side *side, int32_t id)
{
	send_id(side, id);
	return take_row(side);
}

static int64_t by_poll(struct side *side, int32_t id)
{
	struct pollfd watched = {.fd = PQsocket(side->pg), .events = POLLIN};
	send_id(side, id);
	while (PQisBusy(side->pg)) {
		poll(&watched, 1, -1);
		PQconsumeInput(side->pg);
	}
	return take_row(side);
}

static int64_t by_epoll(struct side *side, int32_t id)
{
	struct epoll_event event;
	send_id(side, id);
	while (PQisBusy(side->pg)) {
		epoll_wait(side->epoll, &event, 1, -1);
		PQconsumeInput(side->pg);
	}
	return take_row(side);
}

static int64_t by_blocking(struct side *side, int32_t id)
{
	send_id(side, id);
	while (PQisBusy(side->pg))
		PQconsumeInput(side->pg);
	return take_row(side);
}

/* ---- setting up ---- */

static void fill(hf_connection *connection)
{
	bench_sql(connection, "INSERT INTO codebase (name) SELECT 'codebase-' || i FROM generate_series(1, 10000) i");
	bench_sql(connection, "INSERT INTO queue (codebase, suite, command, priority, context, estimated_duration, "
			      "refresh, requester) "
			      "SELECT 'codebase-' || i, 'lintian-fixes', 'lintian-brush --diligence 1', i % 1000, "
			      "CASE WHEN i % 2 = 0 THEN '1.2-' || i END, i * interval '1 second', i % 5 = 0, "
			      "CASE WHEN i % 3 = 0 THEN 'someone@example.com' END FROM generate_series(1, 10000) i");
	/* The schema finds an item by id by a scan, as the original does; here the server should not hide the client. */
	bench_sql(connection, "CREATE UNIQUE INDEX ON queue (id)");
	bench_sql(connection, "VACUUM ANALYZE queue");
}

static void open_theirs(struct side *side, const char *url)
{
	side->pg = PQconnectdb(url);
	if (PQstatus(side->pg) != CONNECTION_OK)
		give_up("connect", PQerrorMessage(side->pg));
	PGresult *prepared = PQprepare(side->pg, "q", SQL, 0, NULL);
	if (PQresultStatus(prepared) != PGRES_COMMAND_OK)
		give_up("prepare", PQresultErrorMessage(prepared));
	PQclear(prepared);
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	if (side->one == by_epoll) {
		side->epoll = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(side->epoll, EPOLL_CTL_ADD, PQsocket(side->pg), &event);
	}
	if (side->one == by_blocking)
		fcntl(PQsocket(side->pg), F_SETFL, fcntl(PQsocket(side->pg), F_GETFL) & ~O_NONBLOCK);
}

static bool is_wanted(const struct side *side, char **names, int count)
{
	bool wanted = count == 0;
	for (int i = 0; i < count; i++)
		wanted = wanted || strcmp(names[i], side->name) == 0;
	return wanted;
}

/* Opens the sides that are asked for; their number. */
static int open_sides(const struct bench *bench, struct side *sides, char **names, int count)
{
	static const struct side all[SIDES_MAX] = {{.name = "holdfast", .one = ours},
						   {.name = "exec", .one = by_exec},
						   {.name = "send", .one = by_send},
						   {.name = "poll", .one = by_poll},
						   {.name = "epoll", .one = by_epoll},
						   {.name = "blocking", .one = by_blocking}};
	int opened = 0;
	for (int i = 0; i < SIDES_MAX; i++) {
		struct side *side = &sides[opened];
		if (!is_wanted(&all[i], names, count))
			continue;
		*side = all[i];
		if (side->one != ours)
			open_theirs(side, hf_server_url(bench->server));
		else
			side->connection = bench_connect(bench);
		side->arena = hf_arena_new(0);
		opened++;
	}
	return opened;
}

static bool pin_all(struct side *sides, int count, int core)
{
	bool pinned = pin(0, core);
	for (int i = 0; i < count; i++)
		pinned = pin(sides[i].pg ? PQbackendPID(sides[i].pg)
					 : hf_connection_backend_pid(sides[i].connection),
			     core) &&
			 pinned;
	return pinned;
}

static void close_sides(struct side *sides, int count)
{
	for (int i = 0; i < count; i++) {
		PQfinish(sides[i].pg);
		hf_connection_free(sides[i].connection);
		hf_arena_free(sides[i].arena);
	}
}

/* ---- measuring ---- */

static int32_t next_id(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (int32_t)((*seed >> 8) % ROWS) + 1;
}

struct spent {
	long count;
	double wall, cpu;
};

static void run_slice(struct side *side, double seconds, uint32_t seed, struct spent *spent)
{
	double cpu = cpu_seconds(), start = wall_seconds(), now = start;
	while (now - start < seconds) {
		for (int i = 0; i < BATCH; i++)
			side->sum += side->one(side, next_id(&seed));
		spent->count += BATCH;
		now = wall_seconds();
	}
	spent->wall += now - start;
	spent->cpu += cpu_seconds() - cpu;
}

/* One run of every side, in slices that take turns, so that what else the machine does meets all of them alike. */
static void run_once(struct side *sides, int count, double seconds, int run)
{
	struct spent spent[SIDES_MAX] = {{0}};
	for (int slice = 0; slice < SLICES; slice++)
		for (int turn = 0; turn < count; turn++) {
			int at = (turn + slice + run) % count;
			run_slice(&sides[at], seconds / SLICES, (uint32_t)(run * SLICES + slice) + 1, &spent[at]);
		}
	for (int i = 0; i < count; i++) {
		sides[i].ops[run] = (double)spent[i].count / spent[i].wall;
		sides[i].cpu_us[run] = spent[i].cpu * 1e6 / (double)spent[i].count;
	}
}

static void check(struct side *sides, int count)
{
	for (int32_t id = 1; id <= ROWS; id += 7)
		for (int i = 1; i < count; i++)
			if (sides[i].one(&sides[i], id) != sides[0].one(&sides[0], id))
				give_up("check", "the sides read different rows");
}

static void print(const struct bench *bench, const struct side *sides, int count, int runs, double seconds, bool pinned)
{
	hf_connection *connection = bench_connect(bench);
	printf("{\"seconds_per_run\": %g, \"pinned\": %s, \"libpq\": %d, ", seconds, pinned ? "true" : "false",
	       PQlibVersion());
	print_server(connection);
	printf(", \"samples\": {");
	for (int i = 0; i < count; i++) {
		printf("%s\"%s\": {", i ? ", " : "", sides[i].name);
		print_samples("ops_per_s", sides[i].ops, runs, 0);
		printf(", ");
		print_samples("client_cpu_us", sides[i].cpu_us, runs, 3);
		printf("}");
	}
	printf("}}\n");
	hf_connection_free(connection);
}

int main(int argc, char **argv)
{
	static struct side sides[SIDES_MAX];
	struct bench bench = {0};
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1.0;
	int runs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 11;
	if (!(seconds > 0 && seconds <= 3600) || runs < 1 || runs > RUNS_MAX)
		give_up("usage", "bench-one-row [SECONDS_PER_RUN [RUNS [FORM...]]]");
	bench_open(&bench);
	hf_connection *filler = bench_connect(&bench);
	fill(filler);
	hf_connection_free(filler);
	int count = open_sides(&bench, sides, argv + 3, argc > 3 ? argc - 3 : 0);
	bool pinned = pin_all(sides, count, sched_getcpu());
	check(sides, count);
	for (int run = 0; run < runs; run++)
		run_once(sides, count, seconds, run);
	print(&bench, sides, count, runs, seconds, pinned);
	close_sides(sides, count);
	bench_close(&bench);
	return 0;
}
