/* How often a call on PostgreSQL waits for the server, as include/holdfast/kv.h tells: a relay between the two counts
 * the messages that ask for an answer now, Sync and Query. Each call is made twice before, so that its statements are
 * prepared. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../check.h"
#include "../fixture.h"
#include "base/macros.h"
#include "holdfast/holdfast.h"
#include "holdfast/kv.h"
#include "holdfast/kv_lock.h"

/* ---- the relay ---- */

enum { LINES = 16, SOCKET_NAME = 100 };

/* Where a stream of messages stands. The first has no type. */
struct reader {
	bool begun;
	uint8_t head[5];
	size_t have, skip; /* of the head; bytes that are left of the message */
};

struct line {
	int client, server;
	struct reader reader;
};

static struct relay {
	char folder[SOCKET_NAME], server[SOCKET_NAME];
	int listener;
	int stop[2];
	struct line lines[LINES];
	size_t nlines;
	atomic_int trips;
	pthread_t thread;
} relay;

static void count_message(struct reader *reader)
{
	const uint8_t *size = reader->head + (reader->begun ? 1 : 0);
	uint32_t len = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3];
	if (reader->begun && (reader->head[0] == 'S' || reader->head[0] == 'Q'))
		atomic_fetch_add(&relay.trips, 1);
	reader->skip = len - 4;
	reader->have = 0;
	reader->begun = true;
}

static void read_stream(struct reader *reader, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t step = reader->skip < len ? reader->skip : len;
		if (step == 0) {
			reader->head[reader->have++] = *bytes;
			step = 1;
			if (reader->have == (reader->begun ? 5 : 4))
				count_message(reader);
		} else {
			reader->skip -= step;
		}
		bytes += step;
		len -= step;
	}
}

static bool hand_on(int from, int to, struct reader *reader)
{
	static uint8_t bytes[65536];
	ssize_t got = read(from, bytes, sizeof(bytes));
	if (got <= 0)
		return false;
	if (reader)
		read_stream(reader, bytes, (size_t)got);
	for (ssize_t done = 0, put; done < got; done += put)
		if ((put = send(to, bytes + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static struct sockaddr_un address_of(const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/.s.PGSQL.5432", folder);
	return address;
}

static void take_client(void)
{
	const struct sockaddr_un address = address_of(relay.server);
	struct line line = {.client = accept(relay.listener, NULL, NULL), .server = socket(AF_UNIX, SOCK_STREAM, 0)};
	if (line.client < 0 || relay.nlines == LINES ||
	    connect(line.server, (const struct sockaddr *)&address, sizeof(address)) != 0)
		abort();
	relay.lines[relay.nlines++] = line;
}

static void end_line(size_t i)
{
	close(relay.lines[i].client);
	close(relay.lines[i].server);
	relay.lines[i] = relay.lines[--relay.nlines];
}

static void *carry(UNUSED void *user)
{
	for (;;) {
		struct pollfd watched[2 + 2 * LINES] = {{.fd = relay.stop[0], .events = POLLIN},
		                                        {.fd = relay.listener, .events = POLLIN}};
		size_t n = relay.nlines;
		for (size_t i = 0; i < n; i++) {
			watched[2 + 2 * i] = (struct pollfd){.fd = relay.lines[i].client, .events = POLLIN};
			watched[3 + 2 * i] = (struct pollfd){.fd = relay.lines[i].server, .events = POLLIN};
		}
		poll(watched, 2 + 2 * n, -1);
		if (watched[0].revents)
			return NULL;
		for (size_t i = n; i-- > 0;) {
			struct line *line = &relay.lines[i];
			bool alive = !watched[2 + 2 * i].revents || hand_on(line->client, line->server, &line->reader);
			if (!alive || (watched[3 + 2 * i].revents && !hand_on(line->server, line->client, NULL)))
				end_line(i);
		}
		if (watched[1].revents)
			take_client();
	}
}

/* `url` with the relay's folder in place of the server's. */
static void relay_start(const char *url, char *ret_url, size_t size)
{
	const char *host = strstr(url, "host=");
	assert_non_null(host);
	size_t len = strcspn(host + 5, "&");
	assert_true(len < sizeof(relay.server));
	snprintf(relay.server, sizeof(relay.server), "%.*s", (int)len, host + 5);
	snprintf(relay.folder, sizeof(relay.folder), "/tmp/hf-trips-XXXXXX");
	assert_non_null(mkdtemp(relay.folder));
	const struct sockaddr_un address = address_of(relay.folder);
	relay.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(relay.listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(relay.listener, LINES), 0);
	assert_int_equal(pipe(relay.stop), 0);
	assert_int_equal(pthread_create(&relay.thread, NULL, carry, NULL), 0);
	snprintf(ret_url, size, "%.*s%s%s", (int)(host + 5 - url), url, relay.folder, host + 5 + len);
}

static void relay_stop(void)
{
	const struct sockaddr_un address = address_of(relay.folder);
	assert_int_equal(write(relay.stop[1], "", 1), 1);
	pthread_join(relay.thread, NULL);
	while (relay.nlines > 0)
		end_line(0);
	close(relay.listener);
	close(relay.stop[0]);
	close(relay.stop[1]);
	unlink(address.sun_path);
	rmdir(relay.folder);
}

/* ---- calls ---- */

struct state {
	hf_kv *kv;
	hf_arena *arena;
	struct hf_kv_lock lock;
};

static enum hf_status put_new(struct state *state, int round, hf_error *err)
{
	static const char *const keys[] = {"new0", "new1", "new2"};
	const struct hf_kv_put absent = {.flags = HF_KV_IF_ABSENT};
	return hf_kv_put(state->kv, hf_kv_text(keys[round]), HF_KV_KEY("v"), &absent, err);
}

static enum hf_status put_taken(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_kv_put absent = {.flags = HF_KV_IF_ABSENT};
	enum hf_status status = hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &absent, err);
	return status == HF_CONFLICT ? HF_OK : HF_E_FAILED;
}

static enum hf_status put_plain(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), NULL, err);
}

static enum hf_status get(struct state *state, UNUSED int round, hf_error *err)
{
	struct hf_kv_entry entry;
	return hf_kv_get(state->kv, HF_KV_KEY("k"), NULL, state->arena, &entry, err);
}

enum { MANY = 2000 };

static enum hf_status put_keys(struct state *state, size_t count, size_t different, hf_error *err)
{
	static char texts[MANY][8];
	static struct hf_bytes keys[MANY];
	for (size_t i = 0; i < count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "m%05zu", i % different);
		keys[i] = hf_kv_text(texts[i]);
	}
	return hf_kv_put_many(state->kv, keys, keys, count, NULL, err);
}

static enum hf_status put_few(struct state *state, UNUSED int round, hf_error *err)
{
	return put_keys(state, 100, 100, err);
}

static enum hf_status put_many(struct state *state, UNUSED int round, hf_error *err)
{
	return put_keys(state, MANY, MANY, err);
}

static enum hf_status put_repeated(struct state *state, UNUSED int round, hf_error *err)
{
	return put_keys(state, 100, 90, err);
}

static enum hf_status delete_plain(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_delete(state->kv, HF_KV_KEY("m00000"), NULL, NULL, err);
}

static enum hf_status delete_many(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_bytes keys[] = {HF_KV_KEY("m00001"), HF_KV_KEY("m00002")};
	return hf_kv_delete_many(state->kv, keys, 2, NULL, NULL, err);
}

static enum hf_status increment(struct state *state, UNUSED int round, hf_error *err)
{
	int64_t sum;
	return hf_kv_increment(state->kv, HF_KV_KEY("sum"), 1, NULL, &sum, err);
}

static enum hf_status append(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_append(state->kv, HF_KV_KEY("k"), HF_KV_KEY("+"), NULL, err);
}

static enum hf_status touch(struct state *state, UNUSED int round, hf_error *err)
{
	return hf_kv_touch(state->kv, HF_KV_KEY("k"), 3600000000, NULL, err);
}

static enum hf_status compare_and_set(struct state *state, UNUSED int round, hf_error *err)
{
	enum hf_status status =
		hf_kv_compare_and_set(state->kv, HF_KV_KEY("no"), HF_KV_KEY("1"), HF_KV_KEY("2"), NULL, err);
	return status == HF_NOT_FOUND ? HF_OK : HF_E_FAILED;
}

static enum hf_status mixed(struct state *state, int round, hf_error *err)
{
	static const char *const made[] = {"x0", "x1", "x2"}, *const gone[] = {"m00010", "m00011", "m00012"};
	struct hf_kv_result results[4];
	const struct hf_kv_write writes[] = {
		{.op = HF_KV_PUT, .key = hf_kv_text(made[round]), .value = HF_KV_KEY("v")},
		{.op = HF_KV_DELETE, .key = hf_kv_text(gone[round])},
		{.op = HF_KV_APPEND, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")},
		{.op = HF_KV_PUT, .key = HF_KV_KEY("k"), .value = HF_KV_KEY("v")},
	};
	return hf_kv_apply(state->kv, writes, ARRAY_LEN(writes), NULL, state->arena, results, err);
}

static enum hf_status fenced(struct state *state, UNUSED int round, hf_error *err)
{
	const struct hf_kv_fence fence = {state->lock.name, state->lock.owner, state->lock.fence};
	const struct hf_kv_put how = {.how = {.fence = &fence}};
	return hf_kv_put(state->kv, HF_KV_KEY("k"), HF_KV_KEY("v"), &how, err);
}

static enum hf_status transact(struct state *state, const char *value, hf_error *err)
{
	bool held;
	const struct hf_kv_write compare = {.op = HF_KV_READ,
	                                    .key = HF_KV_KEY("k"),
	                                    .if_value = hf_kv_text(value),
	                                    .flags = HF_KV_IF_VALUE};
	const struct hf_kv_write then = {.op = HF_KV_PUT, .key = HF_KV_KEY("l"), .value = HF_KV_KEY("v")};
	const struct hf_kv_txn txn = {.compare = &compare, .ncompare = 1, .then = &then, .nthen = 1};
	return hf_kv_transact(state->kv, &txn, NULL, state->arena, &held, NULL, err);
}

static enum hf_status transact_held(struct state *state, UNUSED int round, hf_error *err)
{
	return transact(state, "v", err);
}

static enum hf_status transact_not_held(struct state *state, UNUSED int round, hf_error *err)
{
	return transact(state, "another", err);
}

static enum hf_status clear(struct state *state, UNUSED int round, hf_error *err)
{
	uint64_t removed;
	return hf_kv_clear(state->kv, NULL, &removed, err);
}

/* ---- the test ---- */

static const struct call {
	const char *name;
	enum hf_status (*fn)(struct state *state, int round, hf_error *err);
	int trips;
} calls[] = {
	{"a put", put_plain, 1},
	{"a get", get, 1},
	{"puts of one step", put_few, 1},
	{"puts of many steps", put_many, 1},
	{"puts of a key twice", put_repeated, 1},
	{"a delete", delete_plain, 1},
	{"deletes", delete_many, 2},
	{"a put of what is absent", put_new, 3},
	{"a put that is refused", put_taken, 3},
	{"an increment", increment, 3},
	{"an append", append, 3},
	{"a touch", touch, 3},
	{"a comparison that fails", compare_and_set, 3},
	{"a mixed batch", mixed, 3},
	{"a put with a fence", fenced, 3},
	{"a transaction that holds", transact_held, 3},
	{"a transaction that does not", transact_not_held, 3},
	{"clearing", clear, 2},
};

static int trips_of(struct state *state, const struct call *call, int round)
{
	hf_error err = HF_ERROR_INIT;
	int before = atomic_load(&relay.trips);
	enum hf_status status = call->fn(state, round, &err);
	if (status != HF_OK)
		fail_msg("%s: %s, %s", call->name, hf_status_word(status), err.message);
	return atomic_load(&relay.trips) - before;
}

static void calls_wait_as_often_as_the_header_says(UNUSED void **user)
{
	char url[500];
	hf_error err = HF_ERROR_INIT;
	struct state state = {.arena = hf_arena_new(0)};
	const struct hf_kv_options options = {.size = sizeof(options),
	                                      .connections_min = 1,
	                                      .connections_max = 1,
	                                      .sweep_interval_ms = -1};
	relay_start(fixture_database(NULL), url, sizeof(url));
	EXPECT_OK(hf_kv_open(fixture_context(), url, &options, &state.kv, &err));
	EXPECT_OK(hf_kv_lock_try(state.kv, "l", "me", 3600000000, state.arena, &state.lock, &err));
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		trips_of(&state, &calls[i], 0); /* may make what the next find */
		trips_of(&state, &calls[i], 1);
		int trips = trips_of(&state, &calls[i], 2);
		if (trips != calls[i].trips)
			fail_msg("%s: %d round trips, not %d", calls[i].name, trips, calls[i].trips);
	}
	hf_kv_close(state.kv);
	relay_stop();
	hf_arena_free(state.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(calls_wait_as_often_as_the_header_says)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
