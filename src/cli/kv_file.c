/*
 * kv_file.c - holdfast kv export and copy: everything out of a store, in constant memory. kv_import.c reads it back.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/kv_write.h"
#include "holdfast/kv_file.h"

#define PREFIX_OPTION                                                                  \
	{                                                                              \
		.name = "prefix", .arg = "KEY", .help = "only keys that begin with it" \
	}

const struct cmd_option kv_export_options[] = {KV_STORE_OPTIONS, KV_ENCODING_OPTION, PREFIX_OPTION, {0}};
const struct cmd_option kv_copy_options[] = {
	{.name = "from", .arg = "URL", .help = "the store that is read"},
	{.name = "to", .arg = "URL", .help = "the store that is written"},
	{.name = "namespace", .arg = "NAME", .help = "that is read, and written unless --to-namespace is given"},
	{.name = "to-namespace", .arg = "NAME", .help = "that is written"},
	PREFIX_OPTION,
	{.name = "replace", .kind = OPTION_FLAG, .help = "what stands in the namespace that is written goes"},
	{.name = "merge", .kind = OPTION_FLAG, .help = "it stays, but for keys that come"},
	KV_ENCODING_OPTION,
	{0},
};

static enum hf_status prefix_range(struct cli *cli, struct hf_kv_range *ret_range, hf_error *err)
{
	const char *prefix = cli_text(cli, "prefix");
	*ret_range = (struct hf_kv_range){.how.deadline = cli->deadline};
	if (!prefix)
		return HF_OK;
	return kv_bytes_of(cli->arena, "--prefix", hf_str_of(prefix), kv_encoding(cli), &ret_range->prefix, err);
}

/* ---- export ---- */

struct exporting {
	struct cli *cli;
	struct out *out;
	hf_arena *arena; /* of one line */
};

static enum hf_status write_line(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	struct exporting *exporting = user;
	struct cell cells[KV_ENTRY_COLUMNS];
	hf_arena_reset(exporting->arena);
	enum hf_status status = kv_entry_cells(exporting->cli, entry, exporting->arena, cells, err);
	return status == HF_OK ? out_row(exporting->out, cells, err) : status;
}

/* `file` gets one object a line, whatever the format of the command's own words is. */
static enum hf_status export_to(struct cli *cli, hf_kv *kv, FILE *file, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new((size_t)8 * HF_KV_VALUE_BYTES_MAX);
	const struct out_options options = {.format = OUT_NDJSON, .quiet = true};
	struct out lines, *own = cli->out;
	struct exporting exporting = {cli, &lines, arena};
	struct hf_kv_range range;
	enum hf_status status = arena ? prefix_range(cli, &range, err) : error_nomem(err);
	if (status == HF_OK)
		status = out_init(&lines, file, &options, err);
	if (status != HF_OK)
		return status;
	cli->out = &lines; /* cells in the form of the file */
	status = out_list(&lines, kv_entry_columns, err);
	if (status == HF_OK)
		status = hf_kv_scan(kv, &range, write_line, &exporting, err);
	if (status == HF_OK)
		status = out_list_end(&lines, err);
	if (status == HF_OK)
		status = out_flush(&lines, err);
	cli->out = own;
	out_deinit(&lines);
	return status;
}

/* Where a link leads, if the path is one: the file changes there, and the link stays. */
static enum hf_status behind_links(const char *path, char ret_place[PATH_MAX], hf_error *err)
{
	struct stat status;
	if (realpath(path, ret_place))
		return HF_OK;
	if (lstat(path, &status) == 0)
		return error_set(err, HF_E_FAILED, "could not write %s: it is a link that leads nowhere", path);
	if (snprintf(ret_place, PATH_MAX, "%s", path) >= PATH_MAX)
		return error_set(err, HF_E_USAGE, "the path of the file is too long");
	return HF_OK;
}

/* Beside it and then over it: nobody sees half a file. */
static enum hf_status export_beside(struct cli *cli, hf_kv *kv, const char *name, hf_error *err)
{
	char path[PATH_MAX];
	enum hf_status status = behind_links(name, path, err);
	if (status != HF_OK)
		return status;
	struct hf_str beside = arena_printf(cli->arena, "%s.new", path);
	FILE *file = beside.ptr ? fopen(beside.ptr, "we") : NULL;
	if (!beside.ptr)
		return error_nomem(err);
	if (!file)
		return error_errno(err, HF_E_FAILED, "could not make %s", beside.ptr);
	status = export_to(cli, kv, file, err);
	bool whole = status == HF_OK && fsync(fileno(file)) == 0;
	whole = fclose(file) == 0 && whole;
	if (whole && rename(beside.ptr, path) == 0)
		return HF_OK;
	if (status == HF_OK)
		status = error_errno(err, HF_E_FAILED, "could not write %s", path);
	(void)unlink(beside.ptr);
	return status;
}

/* A device or a pipe: something that has no size, and whose place no file may take. */
static bool is_no_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static enum hf_status export_into(struct cli *cli, hf_kv *kv, const char *path, hf_error *err)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return error_errno(err, HF_E_FAILED, "could not open %s", path);
	enum hf_status status = export_to(cli, kv, file, err);
	if (fclose(file) != 0 && status == HF_OK)
		status = error_errno(err, HF_E_FAILED, "could not write %s", path);
	return status;
}

enum hf_status kv_export_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const char *path = cli_arg(cli, 0);
	bool file = path && strcmp(path, "-") != 0;
	if (path && !*path)
		return error_set(err, HF_E_USAGE, "the path of the file is empty");
	enum hf_status status = kv_open_source(cli, &kv, err);
	if (status != HF_OK)
		return status;
	if (!file)
		return export_to(cli, kv, cli->out->file, err);
	return is_no_file(path) ? export_into(cli, kv, path, err) : export_beside(cli, kv, path, err);
}

/* ---- copy ---- */

struct copied_places {
	const char *from, *to, *from_name, *to_name;
	bool same; /* store */
};

static enum hf_status copy_entry(void *user, const struct hf_kv_entry *entry, hf_error *err)
{
	return kv_writer_add(user, entry, err);
}

/* Over what stands there, or only counted. */
static enum hf_status merge_all(struct cli *cli, hf_kv *from, hf_kv *to, const struct hf_kv_range *range, hf_error *err)
{
	struct kv_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return error_nomem(err);
	enum hf_status status = kv_writer_open(writer, cli, to, "copying", err);
	if (status == HF_OK)
		status = hf_kv_scan(from, range, copy_entry, writer, err);
	if (status == HF_OK)
		status = kv_writer_flush(writer, err);
	if (status == HF_OK)
		status = kv_writer_report(writer, err);
	kv_writer_close(writer);
	free(writer);
	return status;
}

static enum hf_status copy_all(struct cli *cli, hf_kv *from, hf_kv *to, hf_error *err)
{
	struct hf_kv_range range;
	struct hf_kv_copied copied;
	int64_t started_us = hf_now_monotonic_us(cli->ctx);
	enum hf_status status = prefix_range(cli, &range, err);
	if (status == HF_OK && cli_given(cli, "merge") && cli_given(cli, "replace"))
		status = error_set(err, HF_E_USAGE, "--merge and --replace exclude each other");
	if (status != HF_OK)
		return status;
	if (cli_given(cli, "merge") || cli->globals.dry_run)
		return merge_all(cli, from, to, &range, err);
	const struct hf_kv_import how = {.replace = cli_given(cli, "replace"),
	                                 .prefix = range.prefix,
	                                 .progress = kv_show_progress,
	                                 .user = cli,
	                                 .deadline = cli->deadline};
	progress_start(&cli->progress, "copying", 0, started_us);
	status = hf_kv_copy(from, to, &how, &copied, err);
	progress_end(&cli->progress);
	if (status == HF_CONFLICT && !how.replace)
		error_hint(err, "--replace puts the copy in their place, --merge over them");
	return status == HF_OK ? kv_report_copied(cli, &copied, started_us, err) : status;
}

/* What is read has to be there; once it is known to be, the namespace beside it that is written may be made. */
static enum hf_status open_both(struct cli *cli, const struct copied_places *places, hf_kv **ret_from, hf_kv **ret_to,
                                hf_error *err)
{
	enum kv_making making = KV_MAKE_NOTHING;
	enum hf_status status = kv_open_url(cli, places->from, places->from_name, making, ret_from, err);
	if (status == HF_OK && places->same && !cli->globals.dry_run) {
		hf_kv_close(*ret_from);
		*ret_from = NULL;
		status = kv_open_url(cli, places->from, places->from_name, KV_MAKE_NAMESPACE, ret_from, err);
	}
	if (status != HF_OK) {
		error_prefix(err, "--from");
		return status;
	}
	if (places->same)
		return cli->globals.dry_run ? HF_OK : hf_kv_namespace(*ret_from, places->to_name, ret_to, err);
	status = kv_open_target_url(cli, places->to, places->to_name, ret_to, err);
	if (status != HF_OK)
		error_prefix(err, "--to");
	return status;
}

enum hf_status kv_copy_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *from = NULL;
	CLEANUP(kv_closep) hf_kv *to = NULL;
	struct copied_places places = {.from = cli_text(cli, "from"),
	                               .to = cli_text(cli, "to"),
	                               .from_name = config_text(cli->config, "kv.namespace"),
	                               .to_name = cli_text(cli, "to-namespace")};
	if (!places.from || !places.to)
		return error_set(err, HF_E_USAGE, "--from and --to are needed, each the URL of a store");
	if (!places.to_name)
		places.to_name = places.from_name;
	places.same = strcmp(places.from, places.to) == 0;
	if (places.same && strcmp(places.from_name, places.to_name) == 0)
		return error_set(err, HF_E_USAGE,
		                 "--from and --to are one place: choose another store or --to-namespace");
	enum hf_status status = out_check_fields(cli->out, kv_file_columns, err);
	if (status == HF_OK)
		status = open_both(cli, &places, &from, &to, err);
	return status == HF_OK ? copy_all(cli, from, to, err) : status;
}
