/*
 * kv_write.h - entries on their way into a store: gathered, and written a thousand or eight megabytes at a time.
 *
 * Each batch is stored or not as a whole. Memory is that of one batch and one entry more.
 */
#ifndef CLI_KV_WRITE_H
#define CLI_KV_WRITE_H

#include "cli/kv.h"
#include "holdfast/kv_file.h"

enum { KV_WRITER_ENTRIES = 1000, KV_WRITER_BYTES = 8 << 20 };

struct kv_writer {
	struct cli *cli;
	hf_kv *kv; /* NULL: only count */
	hf_arena *arena;
	struct hf_kv_write writes[KV_WRITER_ENTRIES];
	size_t count, bytes;
	int64_t stored, stored_bytes; /* in all */
	int64_t expired;              /* passed over: their time was up */
	int64_t started_us;
	int64_t ahead_us;                  /* the clock of the store is, of this machine's */
	uint8_t last[HF_KV_KEY_BYTES_MAX]; /* the last key that was stored */
	size_t last_len;
};

/** @param what for progress: "importing". */
enum hf_status kv_writer_open(struct kv_writer *writer, struct cli *cli, hf_kv *kv, const char *what, hf_error *err);
void kv_writer_close(struct kv_writer *writer);
/** The time on the store's clock, in microseconds since 1970. */
int64_t kv_writer_now(const struct kv_writer *writer);
/** Copies what it takes. expires_us (HF_KV_NEVER = none) counts by the store's clock. */
enum hf_status kv_writer_add(struct kv_writer *writer, const struct hf_kv_entry *entry, hf_error *err);
/** Write what is left. */
enum hf_status kv_writer_flush(struct kv_writer *writer, hf_error *err);
/** What was stored, as an object of kv_file_columns. */
enum hf_status kv_writer_report(struct kv_writer *writer, hf_error *err);

/* ---- what files and copies share ---- */

/** In the arena of the run. */
enum hf_status kv_digest_text(struct cli *cli, const struct hf_kv_digest *digest, struct cell *ret_cell, hf_error *err);
/** hf_kv_progress_fn of `user`, a struct cli. */
enum hf_status kv_show_progress(void *user, uint64_t entries, hf_error *err);
/** An object of kv_file_columns. */
enum hf_status kv_report_copied(struct cli *cli, const struct hf_kv_copied *copied, int64_t started_us, hf_error *err);

/** import of other programs' tables (kv_foreign.c). */
enum hf_status kv_foreign_import(struct cli *cli, hf_error *err);

#endif
