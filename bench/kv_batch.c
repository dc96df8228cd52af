/*
 * kv_batch.c - many puts in one call, against the seed's way: a statement a row, not prepared, in one transaction.
 *
 *     build/bench/bench-kv-batch URL ROWS COUNT DELAY_US RUNS [ours]
 *
 * With DELAY_US both go through a relay that hands on each byte so much later. "ours" leaves the other sides and the
 * warming out.
 *
 * Each session first puts WARM rows in one call or statement: a session that is new maps each page of shared_buffers
 * when it first meets it, which costs more than the row, and a pool's sessions are not new.
 */
#include <stdlib.h>
#include <string.h>

#include "kv_common.h"
#include "kv_relay.h"

#define PUT_PLAIN                                                                                                 \
	"INSERT INTO plain (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, " \
	"expires_at = EXCLUDED.expires_at"
#define PUT_SEED                                                                                                 \
	"INSERT INTO seed (key, value, created_at, updated_at) VALUES ($1, $2, now(), now()) ON CONFLICT (key) " \
	"DO UPDATE SET value = EXCLUDED.value, updated_at = now()"
#define WARM_ROWS                                                                                        \
	"SELECT DISTINCT convert_to('key:' || lpad((i * 611953 % $1::bigint)::text, 20, '0'), 'UTF8'), " \
	"decode(repeat('ab', 256), 'hex') FROM generate_series(1, $2::bigint) AS i "
#define WARM_PLAIN                                                                                             \
	"INSERT INTO plain (key, value) " WARM_ROWS "ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, " \
	"expires_at = EXCLUDED.expires_at"
#define WARM_SEED                                  \
	"INSERT INTO seed (key, value) " WARM_ROWS \
	"ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, updated_at = now()"

enum { WARM = 100000 };

struct batch {
	long count, rows;
	char (*names)[KV_KEY_LEN + 1];
	uint8_t (*bytes)[KV_VALUE_LEN];
	struct hf_bytes *keys, *values;
};

static void *take_memory(size_t count, size_t size)
{
	void *memory = calloc(count, size);
	if (!memory)
		give_up("memory", "short");
	return memory;
}

static void batch_new(struct batch *batch, long count, long rows)
{
	size_t n = (size_t)count;
	*batch = (struct batch){.count = count, .rows = rows};
	batch->names = take_memory(n, sizeof(*batch->names));
	batch->bytes = take_memory(n, sizeof(*batch->bytes));
	batch->keys = take_memory(n, sizeof(*batch->keys));
	batch->values = take_memory(n, sizeof(*batch->values));
	for (size_t i = 0; i < n; i++) {
		batch->keys[i] = (struct hf_bytes){(uint8_t *)batch->names[i], KV_KEY_LEN};
		batch->values[i] = (struct hf_bytes){batch->bytes[i], KV_VALUE_LEN};
	}
}

static void batch_free(struct batch *batch)
{
	free(batch->names);
	free(batch->bytes);
	free(batch->keys);
	free(batch->values);
}

/* Different keys in no order: a prime that does not divide a round number of rows. */
static void batch_fill(struct batch *batch, long run)
{
	long start = run * 104729;
	for (long i = 0; i < batch->count; i++) {
		kv_key(batch->names[i], (start + i * 611953) % batch->rows);
		kv_value(batch->bytes[i], (uint64_t)(start + i));
	}
}

static double ours(hf_kv *kv, const struct batch *batch)
{
	hf_error err = HF_ERROR_INIT;
	double start = wall_seconds();
	if (hf_kv_put_many(kv, batch->keys, batch->values, (size_t)batch->count, NULL, &err) != HF_OK)
		give_up("put_many", err.message);
	return (wall_seconds() - start) * 1e3;
}

static double theirs(PGconn *pg, const char *put, const struct batch *batch)
{
	static const int binary[] = {1, 1}, lengths[] = {KV_KEY_LEN, KV_VALUE_LEN};
	double start = wall_seconds();
	kv_command(pg, "BEGIN");
	for (long i = 0; i < batch->count; i++) {
		const char *values[] = {batch->names[i], (const char *)batch->bytes[i]};
		PQclear(kv_expect(pg, PQexecParams(pg, put, 2, NULL, values, lengths, binary, 1), PGRES_COMMAND_OK));
	}
	kv_command(pg, "COMMIT");
	return (wall_seconds() - start) * 1e3;
}

static void warm_ours(hf_kv *kv, long rows)
{
	struct batch batch;
	batch_new(&batch, rows < WARM ? rows : WARM, rows);
	batch_fill(&batch, 1);
	ours(kv, &batch);
	batch_free(&batch);
}

static void warm_theirs(PGconn *pg, const char *put, long rows)
{
	char all[24], some[24];
	const char *values[] = {all, some};
	snprintf(all, sizeof(all), "%ld", rows);
	snprintf(some, sizeof(some), "%ld", rows < WARM ? rows : WARM);
	PQclear(kv_expect(pg, PQexecParams(pg, put, 2, NULL, values, NULL, NULL, 1), PGRES_COMMAND_OK));
}

int main(int argc, char **argv)
{
	static const char usage[] = "bench-kv-batch URL ROWS COUNT DELAY_US RUNS [ours]";
	double ms[3][RUNS_MAX];
	struct bench bench;
	struct batch batch;
	struct kv_relay relay = {0};
	if (argc < 6 || argc > 7)
		give_up("usage", usage);
	long rows = kv_number(argv[2], usage), count = kv_number(argv[3], usage);
	long delay_us = kv_number(argv[4], usage), runs = kv_number(argv[5], usage);
	bool both = argc == 6;
	if (count < 1 || rows < count || runs < 1 || runs > RUNS_MAX)
		give_up("usage", usage);
	bench_attach(&bench, argv[1]);
	const char *url = delay_us ? kv_relay_start(&relay, argv[1], delay_us) : argv[1];
	hf_kv *kv = kv_open(bench.ctx, url, 1);
	PGconn *pg = both ? kv_session(url) : NULL;
	if (both) {
		warm_ours(kv, rows);
		warm_theirs(pg, WARM_SEED, rows);
		warm_theirs(pg, WARM_PLAIN, rows);
	}
	batch_new(&batch, count, rows);
	for (int i = -1; i < (int)runs; i++) { /* one to warm up, unless it is long */
		if (i < 0 && count > 1000)
			continue;
		batch_fill(&batch, i + 1);
		int at = i < 0 ? 0 : i;
		ms[0][at] = ours(kv, &batch);
		ms[1][at] = both ? theirs(pg, PUT_SEED, &batch) : 0;
		ms[2][at] = both ? theirs(pg, PUT_PLAIN, &batch) : 0;
	}
	printf("{\"count\": %ld, \"delay_us\": %ld, \"samples\": {", count, delay_us);
	print_samples("holdfast_ms", ms[0], (int)runs, 3);
	printf(", ");
	print_samples("seed_ms", ms[1], (int)runs, 3);
	printf(", ");
	print_samples("plain_loop_ms", ms[2], (int)runs, 3);
	printf("}}\n");
	batch_free(&batch);
	PQfinish(pg);
	hf_kv_close(kv);
	kv_relay_stop(&relay);
	bench_close(&bench);
	return 0;
}
