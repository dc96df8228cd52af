/*
 * kv_watch.c - holdfast kv feed and kv watch: the change feed of a namespace, turned on and off, and followed.
 */
#include "holdfast/kv_watch.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/kv.h"

/* ---- feed ---- */

const struct cmd_option kv_feed_options[] = {
	KV_STORE_OPTIONS,
	{.name = "keep",
         .arg = "DUR",
         .kind = OPTION_DURATION,
         .min = 1,
         .max = HF_KV_TTL_MAX_US / 1000,
         .help = "how long changes are kept (default 1d)"},
	{.name = "keep-changes",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT64_C(1000000000000),
         .help = "how many at most (default 1000000)"},
	{0},
};
const struct column kv_feed_columns[] = {
	{"on", COLUMN_BOOL, NULL, NULL},
	{"changes", COLUMN_INT, NULL, "kept now"},
	{"keep_s", COLUMN_DURATION, NULL, "how long"},
	{"keep_changes", COLUMN_INT, NULL, "how many at most"},
	{"since", COLUMN_TIME, NULL, "null: the store does not say"},
	{"held_s", COLUMN_DURATION, NULL, "how long a transaction has held changes back by now"},
	{0},
};

static enum hf_status show_feed(struct cli *cli, hf_kv *kv, hf_error *err)
{
	struct cell cells[6] = {cell_bool(false)};
	struct hf_kv_feed feed = {0};
	enum hf_status status = hf_kv_feed_show(kv, &feed, err);
	if (status != HF_OK && status != HF_NOT_FOUND)
		return status;
	for (size_t i = 1; i < ARRAY_LEN(cells); i++)
		cells[i] = cell_null();
	if (status == HF_OK) {
		cells[0] = cell_bool(true);
		cells[1] = cell_int(feed.changes);
		cells[2] = cell_duration((double)feed.keep_us / 1e6);
		cells[3] = cell_int(feed.keep_changes);
		cells[4] = kv_cell_time(feed.since_us);
		cells[5] = cell_duration((double)feed.held_us / 1e6);
	}
	return out_object(cli->out, kv_feed_columns, cells, err);
}

static enum hf_status turn(struct cli *cli, hf_kv *kv, bool on, hf_error *err)
{
	const struct hf_kv_feed feed = {.keep_us = cli_int(cli, "keep", 0) * 1000,
	                                .keep_changes = cli_int(cli, "keep-changes", 0)};
	if (cli->globals.dry_run)
		return HF_OK;
	return on ? hf_kv_feed_on(kv, &feed, err) : hf_kv_feed_off(kv, err);
}

enum hf_status kv_feed_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_str word = hf_str_of(cli_arg(cli, 0));
	bool on = str_eq(word, HF_STR("on")), off = str_eq(word, HF_STR("off"));
	if (word.ptr && !on && !off)
		return error_set(err, HF_E_USAGE, "\"%.40s\" is neither on nor off", word.ptr);
	if (!on && (cli_given(cli, "keep") || cli_given(cli, "keep-changes")))
		return error_set(err, HF_E_USAGE, "--keep and --keep-changes go with: kv feed on");
	enum hf_status status =
		word.ptr && !cli->globals.dry_run ? kv_open(cli, &kv, err) : kv_open_to_read(cli, &kv, err);
	if (status == HF_OK && word.ptr)
		status = turn(cli, kv, on, err);
	return status == HF_OK ? show_feed(cli, kv, err) : status;
}

/* ---- watch ---- */

const struct cmd_option kv_watch_options[] = {
	KV_STORE_OPTIONS,
	KV_ENCODING_OPTION,
	{.name = "from", .arg = "TOKEN", .help = "go on behind the change that had this token"},
	{.name = "count", .arg = "N", .kind = OPTION_INT, .min = 1, .max = INT64_MAX, .help = "end after N changes"},
	{.name = "values", .kind = OPTION_FLAG, .help = "read the value too, as it is by now"},
	{0},
};
const struct column kv_watch_columns[] = {
	{"kind", COLUMN_TEXT, NULL, "put, touch, delete, expire, clear, restore"},
	{"key", COLUMN_JSON, NULL, "null: clear, restore"},
	{"rev", COLUMN_INT, NULL, "of the entry that was put, touched or removed"},
	{"at", COLUMN_TIME, NULL, NULL},
	{"value", COLUMN_JSON, NULL, "--values: as it is by now; null: gone"},
	{"token", COLUMN_TEXT, "", "--from goes on behind this change"},
	{0},
};

struct following {
	struct cli *cli;
	hf_kv_watch *watch;
	hf_arena *scratch;
	int64_t shown, wanted; /* 0 = all */
	bool lines;            /* for people */
};

static enum hf_status show_line(struct following *following, const struct cell *cells, hf_error *err)
{
	struct buf line;
	buf_init(&line, 1 << 30);
	buf_printf(&line, "%-7s ", cells[0].as.s.ptr);
	if (!cells[1].null)
		cell_show(&line, &cells[1], &following->cli->out->options);
	if (!cells[2].null)
		buf_printf(&line, "  rev %" PRId64, cells[2].as.i);
	if (!cells[4].null) {
		buf_printf(&line, "  ");
		cell_show(&line, &cells[4], &following->cli->out->options);
	}
	enum hf_status status = buf_ok(&line) ? HF_OK : error_nomem(err);
	if (status == HF_OK)
		out_text(following->cli->out, "%.*s\n", STR_ARG(buf_str(&line)));
	buf_deinit(&line);
	return status;
}

static enum hf_status show_event(struct following *following, const struct hf_kv_event *event, hf_error *err)
{
	char token[HF_KV_TOKEN_BYTES];
	struct cell cells[] = {cell_word(hf_kv_event_word(event->kind)),
	                       cell_null(),
	                       event->rev ? cell_int(event->rev) : cell_null(),
	                       kv_cell_time(event->at_us),
	                       cell_null(),
	                       cell_null()};
	enum hf_status status = HF_OK;
	hf_arena_reset(following->scratch);
	hf_kv_watch_token(following->watch, token);
	cells[5] = cell_word(token);
	if (event->key.ptr)
		status = kv_cell(following->cli, event->key, following->scratch, &cells[1], err);
	if (status == HF_OK && event->entry.rev)
		status = kv_cell(following->cli, event->entry.value, following->scratch, &cells[4], err);
	if (status == HF_OK)
		status = following->lines ? show_line(following, cells, err) : out_row(following->cli->out, cells, err);
	if (status == HF_OK)
		status = out_flush(following->cli->out, err);
	return status == HF_OK && following->cli->out->gone ? HF_STOP : status; /* nobody reads any more */
}

/* A signal or --timeout is how it ends, unless --count asked for more. */
static enum hf_status ended(const struct following *following, enum hf_status status, hf_error *err)
{
	struct cli *cli = following->cli;
	bool late = cli->deadline != HF_DEADLINE_DEFAULT && hf_now_monotonic_us(cli->ctx) >= cli->deadline;
	if (status != HF_OK && late && following->wanted)
		return error_set(err, HF_TIMEOUT, "%" PRId64 " of %" PRId64 " changes came", following->shown,
		                 following->wanted);
	bool cut = status == HF_E_INTERRUPTED || status == HF_TIMEOUT;
	return status == HF_STOP || (cut && (late || hf_context_interrupted(cli->ctx))) ? HF_OK : status;
}

static enum hf_status follow(struct following *following, hf_error *err)
{
	struct hf_kv_event event;
	enum hf_status status = HF_OK;
	while (status == HF_OK && (following->wanted == 0 || following->shown < following->wanted)) {
		status = hf_kv_watch_next(following->watch, following->cli->deadline, &event, err);
		if (status == HF_OK)
			status = show_event(following, &event, err);
		following->shown += status == HF_OK;
	}
	return ended(following, status, err);
}

static enum hf_status open_watch(struct following *following, hf_kv *kv, hf_error *err)
{
	struct cli *cli = following->cli;
	struct hf_kv_watch_options options = {.size = sizeof(options),
	                                      .from = cli_text(cli, "from"),
	                                      .values = cli_given(cli, "values"),
	                                      .deadline = cli->deadline};
	enum hf_status status = HF_OK;
	if (cli_arg(cli, 0))
		status = kv_bytes_of(cli->arena, "PREFIX", hf_str_of(cli_arg(cli, 0)), kv_encoding(cli),
		                     &options.prefix, err);
	return status == HF_OK ? hf_kv_watch_open(kv, &options, &following->watch, err) : status;
}

enum hf_status kv_watch_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct following following = {.cli = cli, .scratch = scratch, .wanted = cli_int(cli, "count", 0)};
	following.lines = cli->globals.format == OUT_TABLE;
	cli->out->options.limit = 0; /* counted here */
	if (cli->globals.format == OUT_JSON)
		cli->out->options.format = OUT_NDJSON;
	enum hf_status status = scratch ? kv_open_to_read(cli, &kv, err) : error_nomem(err);
	if (status == HF_OK)
		status = open_watch(&following, kv, err);
	if (status == HF_OK && !following.lines)
		status = out_list(cli->out, kv_watch_columns, err);
	if (status == HF_OK)
		status = follow(&following, err);
	hf_kv_watch_close(following.watch);
	return status == HF_OK && !following.lines ? out_list_end(cli->out, err) : status;
}
