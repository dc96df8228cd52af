/*
 * kv_list.c - pages of a thousand keys, against a range scan by hand.
 *
 *     build/bench/bench-kv-list URL ROWS RUNS [ours]
 */
#include <stdlib.h>
#include <string.h>

#include "kv_common.h"

enum { PAGE = 1000, PAGES = 30 };

#define SCAN "SELECT key FROM plain WHERE key > $1 AND (expires_at IS NULL OR expires_at > now()) ORDER BY key LIMIT $2"

struct lists {
	hf_kv *kv;
	hf_arena *arena;
	PGconn *pg;
	char kept[PAGE][KV_KEY_LEN];
	long rows;
	uint64_t seed;
};

static void ours(struct lists *lists, long after)
{
	char key[KV_KEY_LEN + 1];
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_entry *entries;
	size_t count = 0;
	struct hf_kv_range range = {.limit = PAGE, .how.keys_only = true};
	kv_key(key, after);
	if (after >= 0)
		range.after = (struct hf_bytes){(uint8_t *)key, KV_KEY_LEN};
	hf_arena_reset(lists->arena);
	if (hf_kv_list(lists->kv, &range, lists->arena, &entries, &count, &err) != HF_OK || count != PAGE)
		give_up("list", err.message);
}

static void theirs(struct lists *lists, long after)
{
	static const int binary[] = {1, 1}, lengths[] = {KV_KEY_LEN, 8};
	static const char limit[] = {0, 0, 0, 0, 0, 0, PAGE >> 8, (char)(PAGE & 0xff)};
	char key[KV_KEY_LEN + 1];
	const char *values[] = {key, limit};
	kv_key(key, after);
	PGresult *result =
		kv_expect(lists->pg, PQexecPrepared(lists->pg, "l", 2, values, lengths, binary, 1), PGRES_TUPLES_OK);
	if (PQntuples(result) != PAGE)
		give_up("their list", "another number of keys");
	for (int i = 0; i < PAGE; i++)
		memcpy(lists->kept[i], PQgetvalue(result, i, 0), KV_KEY_LEN);
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
	static const char *const names[] = {"holdfast_us", "libpq_us", "page_1_us", "page_900_us"};
	static struct lists lists;
	double us[4][RUNS_MAX] = {{0}};
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
		kv_prepare(lists.pg, "l", SCAN);
	}
	for (int i = 0; i < (int)runs; i++) {
		us[0][i] = slice(&lists, ours, -2);
		us[1][i] = lists.pg ? slice(&lists, theirs, -2) : 0;
		us[2][i] = slice(&lists, ours, -1);
		us[3][i] = slice(&lists, ours, rows / 10 * 9 - PAGE - 1);
	}
	printf("{\"samples\": {");
	for (int i = 0; i < 4; i++) {
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
