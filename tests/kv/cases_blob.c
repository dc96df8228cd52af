/*
 * cases_blob.c - conformance: values in chunks, from streams and to them.
 */
#include <stdlib.h>

#include "holdfast/kv_blob.h"
#include "holdfast/kv_checkpoint.h"
#include "steps.h"

enum { CHUNK = HF_KV_BLOB_CHUNK_BYTES, MANIFEST = 72, CHUNK_HEAD = 4 };
static const struct hf_bytes chunks = BYTES("\0hf:blob\0");

/* Bytes by their place, so that each part of a stream is known. */
static uint8_t byte_at(uint64_t at, uint8_t salt)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16) + salt);
}

struct source {
	uint64_t bytes, at;
	uint8_t salt;
	uint64_t fails_at; /* 0 = it does not */
};

/* Parts of many lengths. */
static enum hf_status give(void *user, uint8_t *place, size_t room, size_t *ret_bytes, UNUSED hf_error *err)
{
	struct source *source = user;
	uint64_t left = source->bytes - source->at, part = 1 + source->at % 70001;
	size_t n = (size_t)(left < part ? left : part);
	if (source->fails_at && source->at >= source->fails_at)
		return HF_E_INPUT;
	n = n < room ? n : room;
	for (size_t i = 0; i < n; i++)
		place[i] = byte_at(source->at + i, source->salt);
	source->at += n;
	*ret_bytes = n;
	return HF_OK;
}

struct sink {
	uint64_t at, wrong, stop_at;
	uint8_t salt;
};

static enum hf_status take(void *user, struct hf_bytes part, UNUSED hf_error *err)
{
	struct sink *sink = user;
	for (size_t i = 0; i < part.len; i++)
		sink->wrong += part.ptr[i] != byte_at(sink->at + i, sink->salt);
	sink->at += part.len;
	return sink->stop_at && sink->at >= sink->stop_at ? HF_STOP : HF_OK;
}

static struct hf_kv_blob put(struct kv_test *t, struct hf_bytes key, uint64_t bytes, uint8_t salt)
{
	struct source source = {.bytes = bytes, .salt = salt};
	struct hf_kv_blob blob = {0};
	WANT_OK(hf_kv_blob_put(t->kv, key, give, &source, NULL, &blob, &t->err));
	WANT_INT(blob.bytes, bytes);
	return blob;
}

static struct hf_kv_blob is(struct kv_test *t, struct hf_bytes key, uint64_t bytes, uint8_t salt)
{
	struct sink sink = {.salt = salt};
	struct hf_kv_blob blob = {0};
	WANT_OK(hf_kv_blob_read(t->kv, key, 0, UINT64_MAX, NULL, take, &sink, &blob, &t->err));
	WANT_INT(sink.at, bytes);
	WANT_INT(sink.wrong, 0);
	WANT_INT(blob.bytes, bytes);
	return blob;
}

static uint64_t chunk_keys(struct kv_test *t)
{
	uint64_t count = 0;
	WANT_OK(hf_kv_count(t->kv, &(struct hf_kv_range){.prefix = chunks}, &count, &t->err));
	return count;
}

static void every_length(struct kv_test *t)
{
	static const uint64_t lengths[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 12345};
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct hf_kv_blob stored = put(t, B("k"), lengths[i], (uint8_t)i), shown;
		bool chunked = lengths[i] > CHUNK;
		struct hf_kv_blob read = is(t, B("k"), lengths[i], (uint8_t)i);
		WANT_OK(hf_kv_blob_show(t->kv, B("k"), NULL, &shown, &t->err));
		WANT_INT(stored.chunked, chunked);
		WANT_INT(shown.chunked, chunked);
		WANT_INT(shown.bytes, lengths[i]);
		WANT_INT(read.rev, stored.rev);
		WANT_INT(memcmp(stored.sha256, read.sha256, sizeof(stored.sha256)), 0);
		WANT_INT(chunk_keys(t), chunked ? 1 + (lengths[i] + CHUNK - 1) / CHUNK : 0);
	}
}

static void ranges(struct kv_test *t)
{
	static const uint64_t ends[] = {0,      1, 4096, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5, 2 * CHUNK + 99,
	                                1 << 30};
	const uint64_t bytes = 2 * CHUNK + 100;
	struct hf_kv_blob blob;
	put(t, B("k"), bytes, 1);
	put(t, B("short"), 5000, 1);
	for (size_t i = 0; i < ARRAY_LEN(ends) * ARRAY_LEN(ends) * 2; i++) {
		uint64_t from = ends[i / 2 % ARRAY_LEN(ends)], n = ends[i / 2 / ARRAY_LEN(ends)];
		uint64_t all = i % 2 ? 5000 : bytes, left = from < all ? all - from : 0;
		struct sink sink = {.at = from, .salt = 1};
		WANT_OK(hf_kv_blob_read(t->kv, i % 2 ? B("short") : B("k"), from, n, NULL, take, &sink, &blob,
		                        &t->err));
		WANT_INT(sink.at - from, n < left ? n : left);
		WANT_INT(sink.wrong, 0);
		WANT_INT(blob.bytes, all);
	}
	struct sink sink = {.salt = 1, .stop_at = 1};
	WANT_OK(hf_kv_blob_read(t->kv, B("k"), 0, UINT64_MAX, NULL, take, &sink, NULL, &t->err));
	WANT_INT(sink.at, CHUNK);
	WANT(hf_kv_blob_read(t->kv, B("none"), 0, 1, NULL, take, &sink, NULL, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_blob_show(t->kv, B("none"), NULL, &blob, &t->err), HF_NOT_FOUND);
}

static void replaced_and_removed(struct kv_test *t)
{
	bool existed = false;
	put(t, B("k"), 2 * CHUNK, 1);
	put(t, B("k"), CHUNK + 1, 2);
	is(t, B("k"), CHUNK + 1, 2);
	WANT_INT(chunk_keys(t), 3);
	put(t, B("k"), 10, 3);
	is(t, B("k"), 10, 3);
	WANT_INT(chunk_keys(t), 0);
	put(t, B("k"), CHUNK + 1, 4);
	WANT_OK(hf_kv_blob_delete(t->kv, B("k"), NULL, &existed, &t->err));
	WANT_INT(existed, true);
	WANT_INT(kv_live(t), 0);
	WANT_OK(hf_kv_blob_delete(t->kv, B("k"), NULL, &existed, &t->err));
	WANT_INT(existed, false);
}

/* Whatever stops a put: what stood there stands there, and nothing is left of it. */
static void refused(struct kv_test *t)
{
	struct source source = {.bytes = 2 * CHUNK, .salt = 2};
	int64_t rev = 0, old = put(t, B("k"), CHUNK + 1, 1).rev;
	struct hf_kv_put how = {.flags = HF_KV_IF_ABSENT, .ret_rev = &rev};
	WANT(hf_kv_blob_put(t->kv, B("k"), give, &source, &how, NULL, &t->err), HF_CONFLICT);
	WANT_INT(rev, old);
	source = (struct source){.bytes = 3 * CHUNK, .salt = 2, .fails_at = 2 * CHUNK};
	WANT(hf_kv_blob_put(t->kv, B("k"), give, &source, NULL, NULL, &t->err), HF_E_INPUT);
	source = (struct source){.bytes = 10, .fails_at = 5};
	struct hf_kv_put wrong = {.flags = HF_KV_IF_VALUE};
	WANT(hf_kv_blob_put(t->kv, B("k"), give, &source, &wrong, NULL, &t->err), HF_E_USAGE);
	wrong.flags = HF_KV_KEEP_TTL;
	WANT(hf_kv_blob_put(t->kv, B("k"), give, &source, &wrong, NULL, &t->err), HF_E_USAGE);
	is(t, B("k"), CHUNK + 1, 1);
	WANT_INT(chunk_keys(t), 3);
	source = (struct source){.bytes = 2 * CHUNK, .salt = 3};
	how = (struct hf_kv_put){.flags = HF_KV_IF_REV,
	                         .if_rev = old,
	                         .metadata = HF_STR("[1]"),
	                         .ttl_us = SECONDS(60)};
	WANT_OK(hf_kv_blob_put(t->kv, B("k"), give, &source, &how, NULL, &t->err));
	WANT_TRUE(is(t, B("k"), 2 * CHUNK, 3).expires_us > 0);
}

static enum hf_status give_bytes(void *user, uint8_t *place, size_t room, size_t *ret_bytes, UNUSED hf_error *err)
{
	struct hf_bytes *rest = user;
	size_t n = rest->len < room ? rest->len : room;
	memcpy(place, rest->ptr, n);
	rest->ptr += n;
	rest->len -= n;
	*ret_bytes = n;
	return HF_OK;
}

static void manifest_alike(struct kv_test *t)
{
	struct hf_kv_entry entry;
	put(t, B("k"), CHUNK + 1, 1);
	WANT_OK(hf_kv_get(t->kv, B("k"), NULL, t->arena, &entry, &t->err));
	WANT_INT(entry.value.len, MANIFEST);
	struct hf_kv_blob blob;
	/* A stream of the same bytes is a value, not what they describe. */
	struct hf_bytes rest = entry.value;
	WANT_OK(hf_kv_blob_put(t->kv, B("copy"), give_bytes, &rest, NULL, &blob, &t->err));
	WANT_INT(blob.chunked, true);
	WANT_INT(blob.bytes, MANIFEST);
}

static void swept(struct kv_test *t)
{
	uint64_t removed = 99;
	put(t, B("kept"), CHUNK + 1, 1);
	put(t, B("put over"), CHUNK + 1, 2);
	put(t, B("deleted"), CHUNK + 1, 3);
	kv_put(t, B("put over"), B("v"), 0);
	WANT_OK(hf_kv_delete(t->kv, B("deleted"), NULL, NULL, &t->err));
	WANT_INT(chunk_keys(t), 9);
	WANT(hf_kv_blob_sweep(t->kv, -1, 0, &removed, &t->err), HF_E_USAGE);
	WANT_OK(hf_kv_blob_sweep(t->kv, SECONDS(3600), 0, &removed, &t->err));
	WANT_INT(removed, 0);
	kv_rig_pass(t->rig, 2000);
	WANT_OK(hf_kv_blob_sweep(t->kv, 1000, 0, &removed, &t->err));
	WANT_INT(removed, 2);
	WANT_INT(chunk_keys(t), 3);
	is(t, B("kept"), CHUNK + 1, 1);
	kv_look(t, B("put over"), B("v"), NULL, 0);
}

/* Who was swept away in the middle learns it at the end. */
struct swept_source {
	struct source source;
	struct kv_test *t;
};
static enum hf_status give_and_sweep(void *user, uint8_t *place, size_t room, size_t *ret_bytes, hf_error *err)
{
	struct swept_source *source = user;
	struct kv_test *t = source->t;
	uint64_t removed;
	if (source->source.at > CHUNK + 1 && source->source.at < CHUNK + 200000) {
		kv_rig_pass(t->rig, 2000);
		WANT_OK(hf_kv_blob_sweep(t->kv, 1000, 0, &removed, &t->err));
	}
	return give(&source->source, place, room, ret_bytes, err);
}
static void swept_while_written(struct kv_test *t)
{
	struct swept_source source = {.source = {.bytes = 3 * CHUNK}, .t = t};
	kv_put(t, B("k"), B("old"), 0);
	WANT(hf_kv_blob_put(t->kv, B("k"), give_and_sweep, &source, NULL, NULL, &t->err), HF_CONFLICT);
	kv_look(t, B("k"), B("old"), NULL, 0);
	WANT_INT(chunk_keys(t), 0);
}

static void damaged(struct kv_test *t)
{
	struct hf_kv_entry *entries = NULL;
	size_t count = 0;
	struct sink sink = {.salt = 1};
	put(t, B("k"), CHUNK + 10, 1);
	WANT_OK(hf_kv_list(t->kv, &(struct hf_kv_range){.prefix = chunks, .how.keys_only = true}, t->arena, &entries,
	                   &count, &t->err));
	WANT_INT(count, 3);
	struct hf_kv_entry last;
	WANT_OK(hf_kv_get(t->kv, entries[2].key, NULL, t->arena, &last, &t->err));
	WANT_INT(last.value.len, CHUNK_HEAD + 10);
	uint8_t copy[CHUNK_HEAD + 10];
	memcpy(copy, last.value.ptr, sizeof(copy));
	copy[6] ^= 4;
	WANT_OK(hf_kv_put(t->kv, last.key, (struct hf_bytes){copy, sizeof(copy)}, NULL, &t->err));
	WANT(hf_kv_blob_read(t->kv, B("k"), CHUNK, 1, NULL, take, &sink, NULL, &t->err), HF_E_CORRUPT);
	WANT_INT(sink.at, 0);
	WANT_OK(hf_kv_put(t->kv, last.key, (struct hf_bytes){copy, sizeof(copy) - 1}, NULL, &t->err));
	WANT(hf_kv_blob_read(t->kv, B("k"), CHUNK, 1, NULL, take, &sink, NULL, &t->err), HF_E_CORRUPT);
	WANT_OK(hf_kv_delete(t->kv, last.key, NULL, NULL, &t->err));
	WANT(hf_kv_blob_read(t->kv, B("k"), CHUNK, 1, NULL, take, &sink, NULL, &t->err), HF_CONFLICT);
	WANT_OK(hf_kv_blob_read(t->kv, B("k"), 0, 5, NULL, take, &sink, NULL, &t->err));
	WANT_INT(sink.at, 5);
	WANT_INT(sink.wrong, 0);
}

static void in_checkpoints(struct kv_test *t)
{
	struct hf_kv_checkpoint point;
	struct hf_kv_restored restored;
	if (!(hf_kv_capabilities(t->kv) & HF_KV_CAN_CHECKPOINT))
		return;
	put(t, B("k"), 2 * CHUNK + 1, 1);
	WANT_OK(hf_kv_checkpoint_create(t->kv, NULL, t->arena, &point, &t->err));
	put(t, B("k"), CHUNK + 7, 2);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &point.id, NULL, &restored, &t->err));
	is(t, B("k"), 2 * CHUNK + 1, 1);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &restored.undo, NULL, &restored, &t->err));
	is(t, B("k"), CHUNK + 7, 2);
}

const struct kv_case kv_cases_blob[] = {
	{.name = "blobs of every length come back", .run = every_length},
	{.name = "blobs are read in part", .run = ranges},
	{.name = "nothing stays of a blob that was replaced or removed", .run = replaced_and_removed},
	{.name = "a blob that is refused leaves what was there", .run = refused},
	{.name = "what looks like a manifest is a value", .run = manifest_alike},
	{.name = "chunks of no blob are swept", .run = swept},
	{.name = "a blob that was swept while it was written is refused", .run = swept_while_written},
	{.name = "a damaged chunk is not handed out", .run = damaged},
	{.name = "checkpoints have blobs", .run = in_checkpoints},
	{0},
};
