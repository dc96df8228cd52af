/*
 * kv_bench.c - holdfast kv bench: how fast this store is from here. One caller, entries of one length, in a namespace
 * of its own that is emptied behind it; what is measured are calls of kv.h, each waited for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/kv.h"

#define SCRATCH "holdfast-bench"
enum { BATCH = 1000, KEY_BYTES = 24, CLEAN_MS = 5000 };

const struct cmd_option kv_bench_options[] = {
	KV_STORE_OPTIONS,
	{.name = "entries",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = 10000000,
         .help = "how many (default 10000)"},
	{.name = "bytes", .arg = "N", .kind = OPTION_INT, .min = 0, .max = 1 << 20, .help = "of a value (default 100)"},
	{0},
};
const struct column kv_bench_columns[] = {
	{"call", COLUMN_TEXT, NULL, "put, get, apply and get-many of a thousand, scan"},
	{"count", COLUMN_INT, NULL, "calls"},
	{"entries_per_s", COLUMN_INT, NULL, NULL},
	{"p50_s", COLUMN_DURATION, NULL, "half of the calls took no longer"},
	{"p99_s", COLUMN_DURATION, NULL, NULL},
	{"max_s", COLUMN_DURATION, NULL, NULL},
	{0},
};

struct benching {
	struct cli *cli;
	hf_kv *kv;
	int64_t entries;
	struct hf_bytes value;
	char (*names)[KEY_BYTES]; /* of a batch */
	struct hf_bytes *keys, *values;
};

/* Keys in an order that is nobody's. */
static struct hf_bytes key_of(const struct benching *benching, int64_t i, char name[KEY_BYTES])
{
	uint64_t mixed = (uint64_t)(i % benching->entries) * UINT64_C(0x9e3779b97f4a7c15);
	int len = snprintf(name, KEY_BYTES, "%016llx", (unsigned long long)mixed);
	return (struct hf_bytes){(const uint8_t *)name, (size_t)len};
}

static size_t fill_batch(const struct benching *benching, int64_t from)
{
	int64_t left = benching->entries - from;
	size_t n = left < BATCH ? (size_t)left : BATCH;
	for (size_t i = 0; i < n; i++) {
		benching->keys[i] = key_of(benching, from + (int64_t)i, benching->names[i]);
		benching->values[i] = benching->value;
	}
	return n;
}

/* ---- calls ---- */

static enum hf_status do_put(const struct benching *benching, int64_t from, size_t *ret_done, hf_error *err)
{
	char name[KEY_BYTES];
	*ret_done = 1;
	return hf_kv_put(benching->kv, key_of(benching, from, name), benching->value, NULL, err);
}

static enum hf_status do_get(const struct benching *benching, int64_t from, size_t *ret_done, hf_error *err)
{
	char name[KEY_BYTES];
	struct hf_kv_entry entry;
	hf_arena *arena = hf_arena_new(0);
	*ret_done = 1;
	enum hf_status status = arena ? hf_kv_get(benching->kv, key_of(benching, from, name), NULL, arena, &entry, err)
	                              : error_nomem(err);
	hf_arena_free(arena);
	return status;
}

static enum hf_status do_apply(const struct benching *benching, int64_t from, size_t *ret_done, hf_error *err)
{
	*ret_done = fill_batch(benching, from);
	return hf_kv_put_many(benching->kv, benching->keys, benching->values, *ret_done, NULL, err);
}

static enum hf_status do_get_many(const struct benching *benching, int64_t from, size_t *ret_done, hf_error *err)
{
	struct hf_kv_entry *entries = calloc(BATCH, sizeof(*entries));
	hf_arena *arena = hf_arena_new((size_t)4 << 30);
	*ret_done = fill_batch(benching, from);
	enum hf_status status =
		entries && arena ? hf_kv_get_many(benching->kv, benching->keys, *ret_done, NULL, arena, entries, err)
				 : error_nomem(err);
	hf_arena_free(arena);
	free(entries);
	return status;
}

static enum hf_status see(UNUSED void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	return HF_OK;
}

static enum hf_status do_scan(const struct benching *benching, UNUSED int64_t from, size_t *ret_done, hf_error *err)
{
	*ret_done = (size_t)benching->entries;
	return hf_kv_scan(benching->kv, NULL, see, NULL, err);
}

static const struct {
	enum hf_kv_call call;
	enum hf_status (*run)(const struct benching *benching, int64_t from, size_t *ret_done, hf_error *err);
} calls[] = {{HF_KV_CALL_PUT, do_put},
             {HF_KV_CALL_GET, do_get},
             {HF_KV_CALL_APPLY, do_apply},
             {HF_KV_CALL_GET_MANY, do_get_many},
             {HF_KV_CALL_SCAN, do_scan}};

static enum hf_status measure(const struct benching *benching, size_t which, hf_error *err)
{
	struct cli *cli = benching->cli;
	struct hf_kv_latency latency;
	enum hf_status status = HF_OK;
	int64_t started_us = hf_now_monotonic_us(cli->ctx);
	for (int64_t at = 0; status == HF_OK && at < benching->entries;) {
		size_t done = 0;
		if (hf_context_interrupted(cli->ctx))
			return error_set(err, HF_E_INTERRUPTED, "interrupted");
		status = calls[which].run(benching, at, &done, err);
		at += (int64_t)done;
	}
	if (status != HF_OK)
		return status;
	double seconds = (double)(hf_now_monotonic_us(cli->ctx) - started_us) / 1e6;
	hf_kv_latency(benching->kv, calls[which].call, &latency);
	const struct cell cells[] = {cell_word(hf_kv_call_word(calls[which].call)),
	                             cell_int((int64_t)latency.count),
	                             cell_int((int64_t)((double)benching->entries / (seconds > 1e-6 ? seconds : 1e-6))),
	                             cell_duration((double)latency.p50_us / 1e6),
	                             cell_duration((double)latency.p99_us / 1e6),
	                             cell_duration((double)latency.max_us / 1e6)};
	return out_row(cli->out, cells, err);
}

/* Interrupted: nothing more is done in the run's context, so the namespace is emptied in one of its own. It is soon
 * over, or the next run does it. */
static void empty_behind(struct cli *cli)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	CLEANUP(kv_closep) hf_kv *scratch = NULL;
	hf_context *interrupted = cli->ctx, *own = NULL;
	if (hf_context_new(NULL, &own, NULL) != HF_OK)
		return;
	cli->ctx = own;
	const struct hf_kv_how how = {.deadline = hf_deadline_in(own, CLEAN_MS)};
	if (kv_open(cli, &kv, NULL) == HF_OK && hf_kv_namespace(kv, SCRATCH, &scratch, NULL) == HF_OK)
		hf_kv_clear(scratch, &how, NULL, NULL);
	hf_kv_close(scratch);
	hf_kv_close(kv);
	kv = scratch = NULL;
	cli->ctx = interrupted;
	hf_context_free(own);
}

/* What stands there is nobody's: it was left by one of these that was killed. */
static enum hf_status bench_all(const struct benching *benching, hf_error *err)
{
	const struct hf_kv_how how = {.deadline = benching->cli->deadline};
	enum hf_status status = hf_kv_clear(benching->kv, &how, NULL, err);
	if (status == HF_OK)
		status = out_list(benching->cli->out, kv_bench_columns, err);
	for (size_t i = 0; status == HF_OK && i < ARRAY_LEN(calls); i++)
		status = measure(benching, i, err);
	if (status == HF_OK)
		status = out_list_end(benching->cli->out, err);
	if (hf_context_interrupted(benching->cli->ctx))
		return status == HF_OK ? error_set(err, HF_E_INTERRUPTED, "interrupted") : status;
	enum hf_status cleared = hf_kv_clear(benching->kv, NULL, NULL, status == HF_OK ? err : NULL);
	return status == HF_OK ? cleared : status;
}

enum hf_status kv_bench_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	CLEANUP(kv_closep) hf_kv *scratch = NULL;
	size_t bytes = (size_t)cli_int(cli, "bytes", 100);
	struct benching benching = {.cli = cli, .entries = cli_int(cli, "entries", 10000)};
	uint8_t *value = hf_arena_alloc(cli->arena, bytes + 1);
	benching.names = hf_arena_alloc(cli->arena, BATCH * sizeof(*benching.names));
	benching.keys = hf_arena_alloc(cli->arena, 2 * BATCH * sizeof(*benching.keys));
	if (!value || !benching.names || !benching.keys)
		return error_nomem(err);
	benching.values = benching.keys + BATCH;
	uint64_t seed = 1; /* nothing that could be made shorter */
	for (size_t i = 0; i < bytes; i++)
		value[i] = (uint8_t)((seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407) >> 56);
	benching.value = (struct hf_bytes){value, bytes};
	enum hf_status status = kv_open(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_namespace(kv, SCRATCH, &scratch, err);
	benching.kv = scratch;
	if (status != HF_OK)
		return status;
	status = bench_all(&benching, err);
	if (hf_context_interrupted(cli->ctx)) {
		hf_kv_close(scratch); /* a folder is open once */
		hf_kv_close(kv);
		kv = scratch = NULL;
		empty_behind(cli);
	}
	return status;
}
