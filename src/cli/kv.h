/*
 * kv.h (cli) - what the files of `holdfast kv` share: the store that a run works on (kv_store.c), bytes as people and
 * programs write them (kv_bytes.c), and the verbs that the table in kv.c names.
 */
#ifndef CLI_KV_H
#define CLI_KV_H

#include "cli/cli.h"
#include "holdfast/kv.h"

/* ---- the store ---- */

#define KV_STORE_OPTIONS                                                                                  \
	{.name = "store", .arg = "URL", .help = "lmdb:PATH, redis://HOST, memory:, or a PostgreSQL URL"}, \
	{                                                                                                 \
		.name = "namespace", .arg = "NAME", .help = "of the store (default \"default\")"          \
	}

/** The store that --store, -d, --private, --demo, HOLDFAST_KV_URL or the configuration names, else the database.
 *  Close it with hf_kv_close(). */
enum hf_status kv_open(struct cli *cli, hf_kv **ret_kv, hf_error *err);
/** The same without making tables, or a folder. */
enum hf_status kv_open_as_is(struct cli *cli, hf_kv **ret_kv, hf_error *err);
/** For who takes all that is there elsewhere, where an empty namespace that is mistaken would be a success: without
 *  making anything. */
enum hf_status kv_open_source(struct cli *cli, hf_kv **ret_kv, hf_error *err);
/** For who reads: without making a folder. */
enum hf_status kv_open_to_read(struct cli *cli, hf_kv **ret_kv, hf_error *err);
/** For who writes, by kv_writer: a dry run makes nothing; where there would be something to make *ret_kv is NULL. */
enum hf_status kv_open_target(struct cli *cli, hf_kv **ret_kv, hf_error *err);

/* What is made where it is not there. */
enum kv_making { KV_MAKE_ALL = 0, KV_MAKE_NAMESPACE, KV_MAKE_NOTHING };
/** Another one, by its URL. */
enum hf_status kv_open_url(struct cli *cli, const char *url, const char *name_space, enum kv_making making,
                           hf_kv **ret_kv, hf_error *err);
/** Another one likewise, as kv_open_target(). */
enum hf_status kv_open_target_url(struct cli *cli, const char *url, const char *name_space, hf_kv **ret_kv,
                                  hf_error *err);
/** For CLEANUP(). */
static inline void kv_closep(hf_kv **kv)
{
	hf_kv_close(*kv);
}

/* ---- bytes ---- */

/* auto: text is what it is; "\x6100" are hexadecimal digits, so that what is shown can be typed. */
enum kv_encoding { KV_AUTO = 0, KV_UTF8, KV_HEX, KV_BASE64, KV_RAW };
#define KV_ENCODING_OPTION                                                                                       \
	{                                                                                                        \
		.name = "encoding", .arg = "FORM", .kind = OPTION_CHOICE, .choices = "auto|utf8|hex|base64|raw", \
		.help = "of keys and values: auto, utf8, hex, base64 or raw"                                     \
	}

#define KV_TOKEN_OPTION                                                                                              \
	{                                                                                                            \
		.name = "token", .arg = "HEX",                                                                       \
		.help = "32 digits of your choice: with them it happens once, however often it is sent (PostgreSQL)" \
	}

/* How a verb writes, and what came of it. */
struct kv_how {
	struct hf_kv_how how;
	struct hf_uuid token;
	bool repeated; /* it had happened before */
};
/** With --token. HF_E_USAGE. */
enum hf_status kv_how(struct cli *cli, struct kv_how *ret_how, hf_error *err);

enum kv_encoding kv_encoding(const struct cli *cli);
/** An argument as bytes; what is decoded is in the arena. @param what "KEY": for the message. HF_E_USAGE. */
enum hf_status kv_bytes_of(hf_arena *arena, const char *what, struct hf_str text, enum kv_encoding encoding,
                           struct hf_bytes *ret_bytes, hf_error *err);
/** Bytes as a cell of kind COLUMN_JSON: {"utf8": ...}, {"hex": ...} or {"base64": ...} in JSON, else their text. In the
 *  arena. HF_E_INPUT bytes that are no UTF-8 where that is asked for. */
enum hf_status kv_cell(struct cli *cli, struct hf_bytes bytes, hf_arena *arena, struct cell *ret_cell, hf_error *err);
/** Microseconds since 1970 as a time; HF_KV_NEVER is null. */
struct cell kv_cell_time(int64_t us);

extern const struct cmd_option kv_bench_options[];
extern const struct column kv_bench_columns[];
enum hf_status kv_bench_verb(struct cli *cli, hf_error *err);

/* ---- values in chunks (kv_blob.c) ---- */

/** @param path "-" is stdin. */
enum hf_status kv_blob_from_file(hf_kv *kv, struct hf_bytes key, const char *path, const struct hf_kv_put *put,
                                 hf_error *err);
/** All of it, or what --range says. */
enum hf_status kv_blob_to_stdout(struct cli *cli, hf_kv *kv, struct hf_bytes key, hf_error *err);

/* ---- entries ---- */

enum { KV_ENTRY_COLUMNS = 7 };
/* key, value, rev, created, updated, expires, metadata: what export writes and import reads. */
extern const struct column kv_entry_columns[KV_ENTRY_COLUMNS + 1];
/** @param ret_cells KV_ENTRY_COLUMNS of them, in the arena. */
enum hf_status kv_entry_cells(struct cli *cli, const struct hf_kv_entry *entry, hf_arena *arena, struct cell *ret_cells,
                              hf_error *err);
/** The first argument (and any) as a key. */
enum hf_status kv_key(struct cli *cli, size_t argument, struct hf_bytes *ret_key, hf_error *err);

/* ---- verbs: kv_entry.c, kv_range.c, kv_file.c, kv_watch.c ---- */

extern const struct cmd_option kv_health_options[];
extern const struct column kv_health_columns[], kv_stats_columns[];
enum hf_status kv_stats_verb(struct cli *cli, hf_error *err);
enum hf_status kv_health_verb(struct cli *cli, hf_error *err);

extern const struct cmd_option kv_ls_options[], kv_count_options[], kv_import_options[], kv_export_options[],
	kv_copy_options[], kv_feed_options[], kv_watch_options[];
extern const struct column kv_ls_columns[], kv_count_columns[], kv_file_columns[], kv_feed_columns[],
	kv_watch_columns[];
extern const struct column kv_changed_columns[], kv_get_columns[], kv_put_columns[], kv_exists_columns[],
	kv_ttl_columns[], kv_meta_columns[], kv_incr_columns[];
extern const struct cmd_option kv_expiry_options[];
extern const struct column kv_expiry_columns[];
enum hf_status kv_expiry_verb(struct cli *cli, hf_error *err);
enum hf_status kv_get_verb(struct cli *cli, hf_error *err);
enum hf_status kv_put_verb(struct cli *cli, hf_error *err);
enum hf_status kv_del_verb(struct cli *cli, hf_error *err);
enum hf_status kv_exists_verb(struct cli *cli, hf_error *err);
enum hf_status kv_ttl_verb(struct cli *cli, hf_error *err);
enum hf_status kv_touch_verb(struct cli *cli, hf_error *err);
enum hf_status kv_persist_verb(struct cli *cli, hf_error *err);
enum hf_status kv_meta_verb(struct cli *cli, hf_error *err);
enum hf_status kv_cas_verb(struct cli *cli, hf_error *err);
enum hf_status kv_incr_verb(struct cli *cli, hf_error *err);
enum hf_status kv_append_verb(struct cli *cli, hf_error *err);
enum hf_status kv_ls_verb(struct cli *cli, hf_error *err);
enum hf_status kv_scan_verb(struct cli *cli, hf_error *err);
enum hf_status kv_count_verb(struct cli *cli, hf_error *err);
enum hf_status kv_import_verb(struct cli *cli, hf_error *err);
enum hf_status kv_export_verb(struct cli *cli, hf_error *err);
enum hf_status kv_copy_verb(struct cli *cli, hf_error *err);
enum hf_status kv_feed_verb(struct cli *cli, hf_error *err);
enum hf_status kv_watch_verb(struct cli *cli, hf_error *err);

#endif
