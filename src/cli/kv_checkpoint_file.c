/*
 * kv_checkpoint_file.c - holdfast kv checkpoint export, import and verify: checkpoints as files.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/kv_checkpoint.h"
#include "cli/kv_write.h"
#include "holdfast/values.h"

const struct column kv_checkpoint_file_columns[] = {
	{"id", COLUMN_TEXT, NULL, "of the checkpoint"},
	{"since", COLUMN_TEXT, NULL, "of the one that it follows; null: it is whole"},
	{"namespace", COLUMN_TEXT, NULL, NULL},
	{"created", COLUMN_TIME, NULL, "when the checkpoint was made"},
	{"entries", COLUMN_INT, NULL, "that are put"},
	{"deleted", COLUMN_INT, NULL, "keys that are taken away"},
	{"bytes", COLUMN_INT, NULL, "of keys and values"},
	{"file_bytes", COLUMN_INT, NULL, "null: a checkpoint of the store"},
	{"digest", COLUMN_TEXT, NULL, "of the entries that are put"},
	{0},
};
enum { FILE_COLUMNS = 9 };

static enum hf_status file_cells(struct cli *cli, const struct hf_kv_file *file, struct cell *ret_cells, hf_error *err)
{
	ret_cells[1] = cell_null();
	ret_cells[2] = cell_text(file->name_space);
	ret_cells[3] = kv_cell_time(file->created_us);
	ret_cells[4] = cell_int((int64_t)file->puts.row_count);
	ret_cells[5] = cell_int((int64_t)file->deletes);
	ret_cells[6] = cell_int((int64_t)file->puts.data_size);
	ret_cells[7] = file->bytes ? cell_int((int64_t)file->bytes) : cell_null();
	enum hf_status status = kv_id_text(cli, &file->id, &ret_cells[0], err);
	if (status == HF_OK && file->incremental)
		status = kv_id_text(cli, &file->parent, &ret_cells[1], err);
	return status == HF_OK ? kv_digest_text(cli, &file->puts.digest, &ret_cells[8], err) : status;
}

/* ---- export ---- */

static enum hf_status since_option(struct cli *cli, struct hf_uuid *ret_since, bool *ret_given, hf_error *err)
{
	const char *text = cli_text(cli, "since");
	*ret_given = text != NULL;
	if (!text || hf_uuid_from_text(hf_str_of(text), ret_since) == HF_OK)
		return HF_OK;
	return error_set(err, HF_E_USAGE, "--since: \"%s\" is no id of a checkpoint", text);
}

enum hf_status kv_checkpoint_export_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const char *path = cli_arg(cli, 1);
	struct hf_uuid id, since;
	struct hf_kv_file file;
	struct cell cells[FILE_COLUMNS];
	bool has_since;
	struct hf_kv_export how = {.progress = kv_show_progress, .user = cli, .deadline = cli->deadline};
	enum hf_status status = kv_id_argument(cli, 0, &id, err);
	if (status == HF_OK && !*path)
		status = error_set(err, HF_E_USAGE, "the path of the file is empty");
	if (status == HF_OK)
		status = since_option(cli, &since, &has_since, err);
	if (status == HF_OK)
		status = kv_open_to_read(cli, &kv, err);
	if (status != HF_OK)
		return status;
	how.since = has_since ? &since : NULL;
	progress_start(&cli->progress, "exporting", 0, hf_now_monotonic_us(cli->ctx));
	status = hf_kv_checkpoint_export(kv, &id, path, &how, cli->arena, &file, err);
	progress_end(&cli->progress);
	if (status != HF_OK || strcmp(path, "-") == 0)
		return status;
	status = file_cells(cli, &file, cells, err);
	return status == HF_OK ? out_object(cli->out, kv_checkpoint_file_columns, cells, err) : status;
}

/* ---- files ---- */

struct files {
	const char *paths[HF_KV_FILES_MAX];
	size_t count;
};

static enum hf_status files_given(const struct cli *cli, struct files *ret_files, hf_error *err)
{
	size_t count = 0;
	for (const char *path; (path = cli_arg(cli, count)) != NULL; count++) {
		if (count == HF_KV_FILES_MAX)
			return error_set(err, HF_E_USAGE, "more than %d files", HF_KV_FILES_MAX);
		ret_files->paths[count] = path;
	}
	ret_files->count = count;
	return HF_OK;
}

enum hf_status kv_checkpoint_import_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	int64_t started_us = hf_now_monotonic_us(cli->ctx);
	const struct hf_kv_import how = {.replace = cli_given(cli, "replace"),
	                                 .progress = kv_show_progress,
	                                 .user = cli,
	                                 .deadline = cli->deadline};
	struct hf_kv_copied copied;
	struct files files;
	enum hf_status status = files_given(cli, &files, err);
	if (status == HF_OK)
		status = kv_open(cli, &kv, err);
	if (status != HF_OK)
		return status;
	progress_start(&cli->progress, "importing", 0, started_us);
	status = hf_kv_import(kv, files.paths, files.count, &how, &copied, err);
	progress_end(&cli->progress);
	if (status == HF_CONFLICT && !how.replace)
		error_hint(err, "--replace puts the checkpoint in their place");
	return status == HF_OK ? kv_report_copied(cli, &copied, started_us, err) : status;
}

/* ---- verify ---- */

static enum hf_status show_files(struct cli *cli, const struct hf_kv_file *files, size_t count, hf_error *err)
{
	struct cell cells[FILE_COLUMNS];
	enum hf_status status = out_list(cli->out, kv_checkpoint_file_columns, err);
	for (size_t i = 0; status == HF_OK && i < count; i++) {
		status = file_cells(cli, &files[i], cells, err);
		if (status == HF_OK)
			status = out_row(cli->out, cells, err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

static enum hf_status verify_point(struct cli *cli, const struct hf_uuid *id, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_checkpoint point;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_checkpoint_verify(kv, id, cli->arena, &point, err);
	if (status != HF_OK)
		return status;
	const struct hf_kv_file told = {.id = *id,
	                                .name_space = hf_str_of(config_text(cli->config, "kv.namespace")),
	                                .created_us = point.created_us,
	                                .puts = {point.row_count, point.data_size, point.digest}};
	return show_files(cli, &told, 1, err);
}

enum hf_status kv_checkpoint_verify_verb(struct cli *cli, hf_error *err)
{
	struct hf_kv_file told[HF_KV_FILES_MAX];
	struct hf_uuid id;
	struct files files;
	enum hf_status status = files_given(cli, &files, err);
	if (status == HF_OK && files.count == 1 && hf_uuid_from_text(hf_str_of(files.paths[0]), &id) == HF_OK)
		return verify_point(cli, &id, err);
	if (status == HF_OK)
		status = hf_kv_file_verify(cli->ctx, files.paths, files.count, cli->arena, told, err);
	return status == HF_OK ? show_files(cli, told, files.count, err) : status;
}
