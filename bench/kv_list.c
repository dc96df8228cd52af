/*
 * kv_list.c - pages of a thousand keys, against range scans by hand: keys alone against the plain table, keys with
 * revision and times against those columns of our own.
 *
 *     build/bench/bench-kv-list URL ROWS RUNS [ours]
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "kv_common.h"

enum { PAGE = 1000, PAGES = 30 };

#define LIVE "(expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)"
/* A limit that the planner knows: with a parameter it makes a plan for each page. */
#define SCAN "SELECT key FROM plain WHERE key > $1 AND " LIVE " ORDER BY key LIMIT 1000"
#define SCAN_HEADS                                                                                                 \
	"SELECT key, rev, created_at, updated_at, expires_at FROM state_entries WHERE namespace = 1 AND key > $1 " \
	"AND " LIVE " ORDER BY key LIMIT 1000"

struct head {
	char key[KV_KEY_LEN];
	int64_t rev, created, updated, expires;
};

struct lists {
	hf_kv *kv;
	hf_arena *arena;
	PGconn *pg;
	struct head kept[PAGE];
	long rows;
	uint64_t seed;
};

static void ours(struct lists *lists, long after, bool bare)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry *entries;
	size_t count = 0;
	struct hf_kv_range range = {.limit = PAGE, .bare = bare, .how.keys_only = true};
	kv_key(key, after);
	if (after >= 0)
		range.after = (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN};
	hf_arena_reset(lists->arena);
	if (hf_kv_list(lists->kv, &range, lists->arena, &entries, &count, &err) != HF_OK || count != PAGE)
		give_up("list", err.message);
}

static void our_keys(struct lists *lists, long after)
{
	ours(lists, after, true);
}

static void our_heads(struct lists *lists, long after)
{
	ours(lists, after, false);
}

static PGresult *their_page(struct lists *lists, const char *statement, long after)
{
	static const int binary[] = {1}, lengths[] = {KV_KEY_LEN};
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key};
	kv_key(key, after);
	PGresult *result = kv_expect(lists->pg, PQexecPrepared(lists->pg, statement, 1, values, lengths, binary, 1),
	                             PGRES_TUPLES_OK);
	if (PQntuples(result) != PAGE)
		give_up("their list", "another number of keys");
	return result;
}

static void their_keys(struct lists *lists, long after)
{
	PGresult *result = their_page(lists, "keys", after);
	for (int i = 0; i < PAGE; i++)
		memcpy(lists->kept[i].key, PQgetvalue(result, i, 0), KV_KEY_LEN);
	PQclear(result);
}

static int64_t number_at(const PGresult *result, int row, int column)
{
	int64_t number;
	memcpy(&number, PQgetvalue(result, row, column), sizeof(number));
	return (int64_t)be64toh((uint64_t)number);
}

static void their_heads(struct lists *lists, long after)
{
	PGresult *result = their_page(lists, "heads", after);
	for (int i = 0; i < PAGE; i++) {
		struct head *head = &lists->kept[i];
		memcpy(head->key, PQgetvalue(result, i, 0), KV_KEY_LEN);
		head->rev = number_at(result, i, 1);
		head->created = number_at(result, i, 2);
		head->updated = number_at(result, i, 3);
		head->expires = PQgetisnull(result, i, 4) ? 0 : number_at(result, i, 4);
	}
	PQclear(result);
}

static double slice(struct lists *lists, void (*one)(struct lists *lists, long after), long after)
{
	double start = wall_seconds();
	for (int i = 0; i < PAGES; i++)
		one(lists, after >= -1 ? after : (long)(kv_random(&lists->seed) % (uint64_t)(lists->rows - PAGE - 1)));
	return (wall_seconds() - start) * 1e6 / PAGES;
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-list URL ROWS RUNS [ours]";
	static const char *const names[] = {"holdfast_us",    "libpq_us",  "holdfast_heads_us",
	                                    "libpq_heads_us", "page_1_us", "page_900_us"};
	static struct lists lists;
	double us[6][RUNS_MAX] = {{0}};
	struct bench bench;
	if (argc < 4 || argc > 5)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), runs = kv_number(argv[3], usage);
	if (rows < 10 * PAGE || runs < 1 || runs > RUNS_MAX)
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	lists = (struct lists){.kv = kv_open(bench.ctx, argv[1], 1), .arena = hf_arena_new(0), .rows = rows, .seed = 1};
	if (argc == 4) {
		lists.pg = kv_session(argv[1]);
		kv_prepare(lists.pg, "keys", SCAN);
		kv_prepare(lists.pg, "heads", SCAN_HEADS);
	}
	for (int i = 0; i < (int)runs; i++) {
		us[0][i] = slice(&lists, our_keys, -2);
		us[1][i] = lists.pg ? slice(&lists, their_keys, -2) : 0;
		us[2][i] = slice(&lists, our_heads, -2);
		us[3][i] = lists.pg ? slice(&lists, their_heads, -2) : 0;
		us[4][i] = slice(&lists, our_keys, -1);
		us[5][i] = slice(&lists, our_keys, rows / 10 * 9 - PAGE - 1);
	}
	printf("{\"samples\": {");
	for (int i = 0; i < 6; i++) {
		printf("%s", i ? ", " : "");
		print_samples(names[i], us[i], (int)runs, 1);
	}
	printf("}}\n");
	PQfinish(lists.pg);
	hf_kv_close(lists.kv);
	hf_arena_free(lists.arena);
	bench_close(&bench);
	return 0;
}
