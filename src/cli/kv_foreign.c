/*
 * kv_foreign.c - holdfast kv import of what other programs keep in PostgreSQL: the tables of the state backend that
 * this one takes the place of, and Dapr's. Read in the order of keys, written as every import is; what was cut short
 * goes on behind the last key, or is simply done once more.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/kv_write.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_foreign.h"
#include "holdfast/values.h"

DEFINE_OWNED(settings, hf_settings *, hf_settings_free)
DEFINE_OWNED(connection, hf_connection *, hf_connection_free)

struct foreign {
	struct cli *cli;
	hf_kv *kv;
	hf_where where; /* the database that is read */
	struct hf_kv_foreign from;
	struct kv_writer *writer;
};

static enum hf_status take(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	return kv_writer_add(user, entry, err);
}

/* ---- checkpoints ---- */

static enum hf_status check_empty(struct foreign *foreign, hf_error *err)
{
	uint64_t count = 0;
	if (!foreign->kv) /* it is not made yet */
		return HF_OK;
	enum hf_status status = hf_kv_count(foreign->kv, NULL, &count, err);
	if (status != HF_OK || count == 0)
		return status;
	error_set(err, HF_CONFLICT, "the namespace has %llu entries", (unsigned long long)count);
	error_hint(err, "checkpoints are made again one after the other, which takes an empty one: --namespace NAME");
	return HF_CONFLICT;
}

static enum hf_status clear(struct foreign *foreign, hf_error *err)
{
	const struct hf_kv_how how = {.deadline = foreign->cli->deadline};
	enum hf_status status = foreign->writer->kv ? hf_kv_clear(foreign->kv, &how, NULL, err) : HF_OK;
	if (status == HF_OK)
		foreign->cli->stored = 0;
	return status;
}

/* The namespace becomes what the checkpoint has, and that is a checkpoint again. */
static enum hf_status bring_checkpoint(struct foreign *foreign, const struct hf_kv_foreign_checkpoint *point,
                                       hf_error *err)
{
	char name[HF_UUID_TEXT_MAX];
	struct hf_kv_checkpoint made;
	hf_uuid_to_text(&point->id, name);
	const struct hf_kv_checkpoint_new how = {.name = name, .metadata = point->metadata};
	enum hf_status status =
		hf_kv_foreign_checkpoint(foreign->where, &foreign->from, &point->id, take, foreign->writer, err);
	if (status == HF_OK)
		status = kv_writer_flush(foreign->writer, err);
	if (status == HF_OK && foreign->writer->kv)
		status = hf_kv_checkpoint_create(foreign->kv, &how, foreign->cli->arena, &made, err);
	if (status != HF_OK) {
		error_prefix(err, "checkpoint %s", name);
		return status;
	}
	return clear(foreign, err);
}

static enum hf_status bring_checkpoints(struct foreign *foreign, hf_error *err)
{
	struct hf_kv_foreign_checkpoint *points = NULL;
	size_t count = 0;
	enum hf_status status = check_empty(foreign, err);
	if (status == HF_OK)
		status = hf_kv_foreign_checkpoints(foreign->where, &foreign->from, foreign->cli->arena, &points, &count,
		                                   err);
	for (size_t i = 0; status == HF_OK && i < count; i++)
		status = bring_checkpoint(foreign, &points[i], err);
	return status;
}

/* ---- entries ---- */

/* What was stored before it ended need not be stored again. */
static void hint_at_last(const struct foreign *foreign, hf_error *err)
{
	const struct kv_writer *writer = foreign->writer;
	char hex[2 * HF_KV_KEY_BYTES_MAX + 1];
	if (writer->stored == 0 || cli_given(foreign->cli, "with-checkpoints"))
		return;
	for (size_t i = 0; i < writer->last_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", writer->last[i]);
	error_hint(err, "%lld entries are stored; go on behind them   --after '\\x%.400s'", (long long)writer->stored,
	           hex);
}

static enum hf_status bring_entries(struct foreign *foreign, hf_error *err)
{
	bool dapr = cli_given(foreign->cli, "from-dapr");
	enum hf_status status =
		dapr ? hf_kv_foreign_dapr(foreign->where, &foreign->from, take, foreign->writer, err)
		     : hf_kv_foreign_entries(foreign->where, &foreign->from, take, foreign->writer, err);
	if (status == HF_OK)
		status = kv_writer_flush(foreign->writer, err);
	if (status != HF_OK)
		hint_at_last(foreign, err);
	return status;
}

static enum hf_status bring_all(struct foreign *foreign, hf_error *err)
{
	foreign->writer = calloc(1, sizeof(*foreign->writer));
	if (!foreign->writer)
		return error_nomem(err);
	enum hf_status status = kv_writer_open(foreign->writer, foreign->cli, foreign->kv, "importing", err);
	if (status == HF_OK && cli_given(foreign->cli, "with-checkpoints"))
		status = bring_checkpoints(foreign, err);
	if (status == HF_OK)
		status = bring_entries(foreign, err);
	if (status == HF_OK)
		status = kv_writer_report(foreign->writer, err);
	kv_writer_close(foreign->writer);
	free(foreign->writer);
	return status;
}

/* ---- the verb ---- */

static enum hf_status options_of(struct foreign *foreign, hf_error *err)
{
	struct cli *cli = foreign->cli;
	const char *after = cli_text(cli, "after");
	if (cli_given(cli, "from-seed-tables") && cli_given(cli, "from-dapr"))
		return error_set(err, HF_E_USAGE, "--from-seed-tables and --from-dapr are two sources");
	if (cli_given(cli, "with-checkpoints") && (cli_given(cli, "from-dapr") || after))
		return error_set(err, HF_E_USAGE,
		                 "--with-checkpoints goes with --from-seed-tables, and not with --after");
	foreign->from =
		(struct hf_kv_foreign){.schema = cli_text(cli, "from-schema"), .table = cli_text(cli, "from-table")};
	if (!after)
		return HF_OK;
	return kv_bytes_of(cli->arena, "--after", hf_str_of(after), KV_AUTO, &foreign->from.after, err);
}

static enum hf_status connect_to(struct cli *cli, const char *url, hf_connection **ret_connection, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	enum hf_status status = hf_settings_new(cli->ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, err);
	if (status == HF_OK)
		status = hf_connection_open(cli->ctx, settings, NULL, cli->deadline, ret_connection, err);
	if (status != HF_OK)
		error_prefix(err, "the database that is read");
	return status;
}

enum hf_status kv_foreign_import(struct cli *cli, hf_error *err)
{
	CLEANUP(connection_freep) hf_connection *source = NULL;
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const char *seed = cli_text(cli, "from-seed-tables"), *url = seed ? seed : cli_text(cli, "from-dapr");
	struct foreign foreign = {.cli = cli};
	enum hf_status status = options_of(&foreign, err);
	if (status == HF_OK)
		status = connect_to(cli, url, &source, err);
	if (status == HF_OK)
		status = kv_open_target(cli, &kv, err);
	if (status != HF_OK)
		return status;
	foreign.kv = kv;
	foreign.where = hf_until(hf_on_connection(source), cli->deadline);
	return bring_all(&foreign, err);
}
