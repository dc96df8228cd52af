/*
 * kv_write.c - see kv_write.h.
 */
#include "cli/kv_write.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/error.h"

const struct column kv_file_columns[] = {
	{"changed", COLUMN_INT, NULL, "entries stored"},
	{"bytes", COLUMN_INT, NULL, "of their keys and values"},
	{"expired", COLUMN_INT, NULL, "passed over: their time was up"},
	{"took_s", COLUMN_DURATION, NULL, NULL},
	{"dry_run", COLUMN_BOOL, NULL, NULL},
	{"digest", COLUMN_TEXT, NULL, "as a checkpoint has it; null: put, not copied"},
	{0},
};

enum hf_status kv_digest_text(struct cli *cli, const struct hf_kv_digest *digest, struct cell *ret_cell, hf_error *err)
{
	char text[2 * HF_KV_DIGEST_BYTES + 1];
	digest_hex(digest->bytes, text);
	struct hf_str copy = hf_arena_str(cli->arena, hf_str_of(text));
	*ret_cell = cell_text(copy);
	return copy.ptr ? HF_OK : error_nomem(err);
}

enum hf_status kv_show_progress(void *user, uint64_t entries, UNUSED hf_error *err)
{
	struct cli *cli = user;
	progress_update(&cli->progress, (int64_t)entries, hf_now_monotonic_us(cli->ctx));
	return HF_OK;
}

enum hf_status kv_report_copied(struct cli *cli, const struct hf_kv_copied *copied, int64_t started_us, hf_error *err)
{
	double seconds = (double)(hf_now_monotonic_us(cli->ctx) - started_us) / 1e6;
	struct cell cells[] = {cell_int((int64_t)copied->sums.row_count),
	                       cell_int((int64_t)copied->sums.data_size),
	                       cell_int((int64_t)copied->expired),
	                       cell_duration(seconds),
	                       cell_bool(false),
	                       cell_null()};
	enum hf_status status = kv_digest_text(cli, &copied->sums.digest, &cells[5], err);
	return status == HF_OK ? out_object(cli->out, kv_file_columns, cells, err) : status;
}

enum hf_status kv_writer_open(struct kv_writer *writer, struct cli *cli, hf_kv *kv, const char *what, hf_error *err)
{
	int64_t now_us = hf_now_monotonic_us(cli->ctx);
	writer->cli = cli;
	writer->kv = cli->globals.dry_run ? NULL : kv;
	writer->count = writer->bytes = 0;
	writer->stored = writer->stored_bytes = writer->expired = 0;
	writer->last_len = 0;
	writer->started_us = now_us;
	writer->arena = hf_arena_new((size_t)2 * HF_KV_VALUE_BYTES_MAX);
	if (!writer->arena)
		return error_nomem(err);
	progress_start(&cli->progress, what, 0, now_us);
	int64_t here_us = hf_now_wall_us(cli->ctx), there_us = 0;
	enum hf_status status = kv ? hf_kv_now(kv, cli->deadline, &there_us, err) : HF_OK;
	writer->ahead_us = kv && status == HF_OK ? there_us - here_us : 0;
	return status;
}

int64_t kv_writer_now(const struct kv_writer *writer)
{
	return hf_now_wall_us(writer->cli->ctx) + writer->ahead_us;
}

void kv_writer_close(struct kv_writer *writer)
{
	hf_arena_free(writer->arena);
	writer->arena = NULL;
}

enum hf_status kv_writer_flush(struct kv_writer *writer, hf_error *err)
{
	const struct hf_kv_how how = {.deadline = writer->cli->deadline};
	enum hf_status status = HF_OK;
	if (hf_context_interrupted(writer->cli->ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted");
	if (writer->kv && writer->count > 0)
		status = hf_kv_apply(writer->kv, writer->writes, writer->count, &how, NULL, NULL, err);
	if (status != HF_OK)
		return status;
	if (writer->count > 0) {
		struct hf_bytes last = writer->writes[writer->count - 1].key;
		memcpy(writer->last, last.ptr, last.len);
		writer->last_len = last.len;
	}
	writer->stored += (int64_t)writer->count;
	writer->stored_bytes += (int64_t)writer->bytes;
	writer->cli->stored += writer->kv ? (int64_t)writer->count : 0;
	writer->count = writer->bytes = 0;
	hf_arena_reset(writer->arena);
	progress_update(&writer->cli->progress, writer->stored, hf_now_monotonic_us(writer->cli->ctx));
	return HF_OK;
}

static bool keep(hf_arena *arena, struct hf_bytes bytes, struct hf_bytes *ret_copy)
{
	struct hf_str copy = hf_arena_str(arena, (struct hf_str){(const char *)bytes.ptr, bytes.len});
	*ret_copy = (struct hf_bytes){(const uint8_t *)copy.ptr, bytes.len};
	return copy.ptr != NULL;
}

enum hf_status kv_writer_add(struct kv_writer *writer, const struct hf_kv_entry *entry, hf_error *err)
{
	struct hf_kv_write *write = &writer->writes[writer->count];
	size_t bytes = entry->key.len + entry->value.len;
	int64_t ttl_us = 0;
	if (entry->expires_us != HF_KV_NEVER) {
		ttl_us = entry->expires_us - kv_writer_now(writer);
		ttl_us = ttl_us > HF_KV_TTL_MAX_US ? HF_KV_TTL_MAX_US : ttl_us;
		if (ttl_us <= 0) {
			writer->expired++;
			return HF_OK;
		}
	}
	*write = (struct hf_kv_write){.op = HF_KV_PUT,
	                              .ttl_us = ttl_us,
	                              .created_us = entry->created_us > 0 ? entry->created_us : 0,
	                              .flags = ttl_us ? 0 : HF_KV_NO_TTL};
	bool kept = keep(writer->arena, entry->key, &write->key) && keep(writer->arena, entry->value, &write->value);
	if (kept && entry->metadata.ptr) {
		write->metadata = hf_arena_str(writer->arena, entry->metadata);
		kept = write->metadata.ptr != NULL;
	}
	if (!kept)
		return error_nomem(err);
	writer->count++;
	writer->bytes += bytes;
	bool full = writer->count == KV_WRITER_ENTRIES || writer->bytes >= KV_WRITER_BYTES;
	return full ? kv_writer_flush(writer, err) : HF_OK;
}

enum hf_status kv_writer_report(struct kv_writer *writer, hf_error *err)
{
	struct cli *cli = writer->cli;
	double seconds = (double)(hf_now_monotonic_us(cli->ctx) - writer->started_us) / 1e6;
	progress_end(&cli->progress);
	const struct cell cells[] = {cell_int(writer->stored),        cell_int(writer->stored_bytes),
	                             cell_int(writer->expired),       cell_duration(seconds),
	                             cell_bool(cli->globals.dry_run), cell_null()};
	return out_object(cli->out, kv_file_columns, cells, err);
}
