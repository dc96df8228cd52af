/*
 * codebase.c - `holdfast codebase`: list, show, set, delete, import, import-debian.
 */
#include <string.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "cli/sources.h"
#include "holdfast/codebase.h"

enum { UPLOAD_FILE_MAX = 16 << 20 };

static const struct column codebase_columns[] = {
	{.name = "name", .help = "of the source tree"},
	{.name = "vcs_type", .title = "VCS", .help = "git, svn, ... or null"},
	{.name = "branch_url", .help = "where the branch is, branch name included"},
	{.name = "url", .title = "", .help = "of the repository"},
	{.name = "branch", .title = "", .help = "name of the branch, null for the default one"},
	{.name = "subpath", .help = "within the repository; empty = root, null = unknown"},
	{.name = "vcs_last_revision", .title = "", .help = "that was seen there last"},
	{.name = "web_url", .title = "", .help = "for people"},
	{.name = "hostname", .title = "", .help = "derived from branch_url"},
	{.name = "value", .kind = COLUMN_INT, .help = "how many others build with it"},
	{.name = "inactive", .kind = COLUMN_BOOL, .title = "", .help = "not to be worked on"},
	{0},
};

static void codebase_cells(const struct hf_codebase *codebase, struct cell *cells)
{
	const struct cell filled[] = {cell_text(codebase->name),
	                              cell_text(codebase->vcs_type),
	                              cell_text(codebase->branch_url),
	                              cell_text(codebase->url),
	                              cell_text(codebase->branch),
	                              cell_text(codebase->subpath),
	                              cell_text(codebase->vcs_last_revision),
	                              cell_text(codebase->web_url),
	                              cell_text(codebase->hostname),
	                              cell_int_or_null(codebase->has_value, codebase->value),
	                              cell_bool(codebase->inactive)};
	memcpy(cells, filled, sizeof(filled));
}

static enum hf_status show_row(void *user, const struct hf_codebase *codebase, hf_error *err)
{
	struct cell cells[ARRAY_LEN(codebase_columns)];
	codebase_cells(codebase, cells);
	return out_row(user, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	hf_where where;
	struct hf_codebase_filter filter = {.after = text_or_null(cli_text(cli, "after")),
	                                    .host = text_or_null(cli_text(cli, "host")),
	                                    .vcs_type = text_or_null(cli_text(cli, "vcs")),
	                                    .has_inactive = cli_given(cli, "inactive"),
	                                    .inactive = cli_int(cli, "inactive", 0) == 0};
	enum hf_status status = out_list(cli->out, codebase_columns, err);
	filter.limit = out_fetch_limit(cli->out);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_codebase_list(where, &filter, show_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	hf_where where;
	struct hf_codebase codebase;
	struct cell cells[ARRAY_LEN(codebase_columns)];
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_codebase_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &codebase, err);
	if (status != HF_OK)
		return status;
	codebase_cells(&codebase, cells);
	return out_object(cli->out, codebase_columns, cells, err);
}

/* ---- set ---- */

static const struct column set_columns[] = {
	{.name = "changed", .kind = COLUMN_INT},
	{.name = "created", .kind = COLUMN_BOOL, .help = "there was no such codebase"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct setting_job {
	struct hf_codebase codebase;
	unsigned parts;
	bool created;
};

static enum hf_status set_tx(hf_where tx, void *user, hf_error *err)
{
	struct setting_job *job = user;
	return hf_codebase_set(tx, &job->codebase, job->parts, &job->created, err);
}

/* A flag that was given makes its part change; "" makes it NULL, but for the sub-path, where it is the root. */
static void take_flag(struct cli *cli, const char *name, unsigned part, struct hf_str *into, unsigned *parts)
{
	if (!cli_given(cli, name))
		return;
	*parts |= part;
	*into = hf_str_of(cli_text(cli, name));
	if (into->len == 0 && part != HF_CODEBASE_SUBPATH)
		*into = (struct hf_str){NULL, 0};
}

static void fill_setting(struct cli *cli, struct setting_job *job)
{
	struct hf_codebase *codebase = &job->codebase;
	*job = (struct setting_job){.codebase = {.name = hf_str_of(cli_arg(cli, 0))}};
	take_flag(cli, "branch-url", HF_CODEBASE_PLACE, &codebase->branch_url, &job->parts);
	take_flag(cli, "url", HF_CODEBASE_PLACE, &codebase->url, &job->parts);
	take_flag(cli, "branch", HF_CODEBASE_PLACE, &codebase->branch, &job->parts);
	take_flag(cli, "subpath", HF_CODEBASE_SUBPATH, &codebase->subpath, &job->parts);
	take_flag(cli, "vcs", HF_CODEBASE_VCS_TYPE, &codebase->vcs_type, &job->parts);
	take_flag(cli, "revision", HF_CODEBASE_VCS_LAST_REVISION, &codebase->vcs_last_revision, &job->parts);
	take_flag(cli, "web-url", HF_CODEBASE_WEB_URL, &codebase->web_url, &job->parts);
	codebase->has_value = cli_given(cli, "value");
	codebase->value = (int32_t)cli_int(cli, "value", 0);
	codebase->inactive = cli_int(cli, "inactive", 1) == 0;
	job->parts |= codebase->has_value ? HF_CODEBASE_VALUE : 0;
	job->parts |= cli_given(cli, "inactive") ? HF_CODEBASE_INACTIVE : 0;
}

/* No choice of the flag itself, since "" makes it NULL. */
static enum hf_status check_vcs(const struct hf_codebase *codebase, hf_error *err)
{
	int64_t which;
	const char *vcs = codebase->vcs_type.ptr; /* a word of argv */
	return vcs ? cli_choice("--vcs", VCS_TYPE_WORDS, vcs, &which, err) : HF_OK;
}

static enum hf_status run_set(struct cli *cli, hf_error *err)
{
	struct setting_job job;
	fill_setting(cli, &job);
	enum hf_status status = check_vcs(&job.codebase, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, set_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, set_tx, &job, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(1), cell_bool(job.created), cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, set_columns, cells, err);
}

/* ---- delete ---- */

static enum hf_status delete_tx(hf_where tx, void *user, hf_error *err)
{
	return hf_codebase_delete(tx, *(const struct hf_str *)user, err);
}

static enum hf_status run_delete(struct cli *cli, hf_error *err)
{
	struct hf_str name = hf_str_of(cli_arg(cli, 0));
	struct written written = {.what = "codebases", .did = "removed", .changed = 1};
	enum hf_status status = cli_write(cli, delete_tx, &name, err);
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

/* ---- import ---- */

struct import_job {
	struct hf_str json;
	const struct hf_defects *keep;
	struct hf_changes changes;
};

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	struct import_job *job = user;
	return hf_codebase_upload(tx, job->json, job->keep, &job->changes, err);
}

static enum hf_status run_import(struct cli *cli, hf_error *err)
{
	struct import_job job = {.changes = {0}};
	enum hf_status status = cli_defects(cli, &job.keep, err);
	if (status == HF_OK)
		status = file_read(cli, cli_arg(cli, 0), UPLOAD_FILE_MAX, &job.json, err);
	if (status == HF_OK)
		status = cli_write(cli, import_tx, &job, err);
	if (status != HF_OK)
		return status;
	struct written written = {.what = "codebases",
	                          .changed = job.changes.inserted + job.changes.updated,
	                          .unchanged = job.changes.unchanged};
	return out_written(cli->out, &written, err);
}

/* ---- import-debian ---- */

static const struct column import_columns[] = {
	{.name = "changed", .kind = COLUMN_INT, .help = "codebases inserted or updated"},
	{.name = "inserted", .kind = COLUMN_INT},
	{.name = "updated", .kind = COLUMN_INT},
	{.name = "unchanged", .kind = COLUMN_INT},
	{.name = "records", .kind = COLUMN_INT, .help = "in the index"},
	{.name = "codebases", .kind = COLUMN_INT, .help = "newest records of each name"},
	{.name = "git", .kind = COLUMN_INT},
	{.name = "without_vcs", .kind = COLUMN_INT},
	{.name = "extra_source_only", .kind = COLUMN_INT, .help = "passed over"},
	{.name = "superseded", .kind = COLUMN_INT, .help = "older records of a name"},
	{.name = "shared_locations", .kind = COLUMN_INT, .help = "stored with an unknown sub-path"},
	{.name = "read_s", .kind = COLUMN_DURATION},
	{.name = "write_s", .kind = COLUMN_DURATION},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

static enum hf_status show_report(struct cli *cli, const struct hf_import_report *report, hf_error *err)
{
	const struct cell cells[] = {cell_int(report->inserted + report->updated),
	                             cell_int(report->inserted),
	                             cell_int(report->updated),
	                             cell_int(report->unchanged),
	                             cell_int((int64_t)report->records),
	                             cell_int((int64_t)report->codebases),
	                             cell_int((int64_t)report->git),
	                             cell_int((int64_t)report->no_vcs),
	                             cell_int((int64_t)report->extra_source_only),
	                             cell_int((int64_t)report->superseded),
	                             cell_int((int64_t)report->shared_locations),
	                             cell_duration((double)report->read_us / 1e6),
	                             cell_duration((double)report->write_us / 1e6),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, import_columns, cells, err);
}

static void show_progress(void *user, const char *step, int64_t done, int64_t total)
{
	struct cli *cli = user;
	int64_t now_us = hf_now_monotonic_us(cli->ctx);
	if (!cli->progress.what || strcmp(cli->progress.what, step) != 0)
		progress_start(&cli->progress, step, total, now_us);
	progress_update(&cli->progress, done, now_us);
}

static enum hf_status run_import_debian(struct cli *cli, hf_error *err)
{
	CLEANUP(sources_release) struct sources sources = SOURCES_INIT;
	struct hf_import_report report;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, import_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = sources_find(cli, &sources, err);
	if (status != HF_OK)
		return status;
	struct hf_import_options options = {.size = sizeof(options),
	                                    .path = sources.path,
	                                    .limit = (size_t)cli_int(cli, "first", 0),
	                                    .dry_run = cli->globals.dry_run,
	                                    .progress = show_progress,
	                                    .user = cli};
	status = hf_codebase_import_debian(where, &options, &report, err);
	progress_end(&cli->progress);
	if ((status == HF_E_INPUT || status == HF_E_LIMIT) && !err->sqlstate[0] && !err->hint[0]) {
		error_hint(err, "repair the file, or fetch it again; nothing was stored");
		return status;
	}
	return status == HF_OK ? show_report(cli, &report, err) : cli_rolled_back(status, err);
}

#define INACTIVE_OPTION(text)                                                                                   \
	{                                                                                                       \
		.name = "inactive", .arg = "yes|no", .kind = OPTION_CHOICE, .choices = "yes|no", .help = (text) \
	}

static const struct cmd_option list_options[] = {
	{.name = "host", .arg = "NAME", .help = "only codebases hosted there"},
	{.name = "vcs",
         .arg = "TYPE",
         .kind = OPTION_CHOICE,
         .choices = VCS_TYPE_WORDS,
         .help = "only those of this version control system"},
	INACTIVE_OPTION("only those that are not to be worked on, or only the others"),
	{.name = "after", .arg = "NAME", .help = "start behind this codebase"},
	{0},
};

static const struct cmd_option set_options[] = {
	{.name = "branch-url", .arg = "URL", .help = "where the branch is; sets url and branch too"},
	{.name = "url", .arg = "URL", .help = "of the repository"},
	{.name = "branch", .arg = "NAME", .help = "name of the branch at --url"},
	{.name = "subpath", .arg = "PATH", .help = "within the repository; empty is its root"},
	{.name = "vcs", .arg = "TYPE", .help = "version control system: git, bzr and others"},
	{.name = "revision", .arg = "REV", .help = "that was seen there last"},
	{.name = "web-url", .arg = "URL", .help = "for people"},
	{.name = "value",
         .arg = "N",
         .kind = OPTION_INT,
         .min = INT32_MIN,
         .max = INT32_MAX,
         .help = "how much it is worth beside the others"},
	INACTIVE_OPTION("whether it is put to rest"),
	{0},
};

static const struct cmd_option import_options[] = {
	SOURCES_OPTIONS,
	{.name = "first",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = 1000000,
         .help = "only the first N codebases"},
	{0},
};

const struct cmd codebase_commands[] = {
	{.noun = "codebase",
         .verb = "list",
         .summary = "list codebases by name",
         .options = list_options,
         .columns = codebase_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast codebase list --limit 20",
                      "holdfast codebase list --host salsa.debian.org --json=name,url",
                      "holdfast codebase list --after bash -o csv"},
         .test_effect = "test_codebase_list_is_ordered_and_filtered",
         .test_refusal = "test_codebase_list_refuses_an_unknown_field"},
	{.noun = "codebase",
         .verb = "show",
         .args = "NAME",
         .summary = "show one codebase",
         .columns = codebase_columns,
         .run = run_show,
         .examples = {"holdfast codebase show bash", "holdfast codebase show bash --json",
                      "holdfast --demo codebase show 0ad"},
         .test_effect = "test_codebase_show_prints_every_field",
         .test_refusal = "test_codebase_show_refuses_an_unknown_name"},
	{.noun = "codebase",
         .verb = "set",
         .args = "NAME",
         .summary = "create a codebase, or change what the flags name",
         .about = "An empty text makes a member null. The place is given whole: by --branch-url, or by --url with or "
                  "without --branch.",
         .options = set_options,
         .columns = set_columns,
         .run = run_set,
         .flags = CMD_WRITES,
         .examples = {"holdfast codebase set bash --branch-url https://h/bash,branch=main",
                      "holdfast codebase set bash --url https://h/bash --vcs git --value 7",
                      "holdfast codebase set bash --inactive yes --dry-run"},
         .test_effect = "test_codebase_set_creates_and_changes",
         .test_refusal = "test_codebase_set_refuses_what_cannot_be"},
	{.noun = "codebase",
         .verb = "delete",
         .args = "NAME",
         .summary = "remove a codebase that was never tried",
         .about = "Its candidates and its entries in the queue go with it. What has runs stays: see set --inactive.",
         .run = run_delete,
         .flags = CMD_WRITES,
         .examples = {"holdfast codebase delete bash", "holdfast codebase delete bash --dry-run",
                      "holdfast codebase delete bash --json"},
         .test_effect = "test_codebase_delete_takes_candidates_and_entries_along",
         .test_refusal = "test_codebase_delete_refuses_one_with_runs"},
	{.noun = "codebase",
         .verb = "import",
         .args = "FILE",
         .summary = "create or replace codebases from JSON, as the Janitor takes it",
         .about = "FILE (- is stdin) holds one array of objects with name, branch_url, url, branch, subpath, vcs_type, "
                  "vcs_last_revision, value and web_url. What is absent becomes null. All of them are stored or none.",
         .run = run_import,
         .flags = CMD_WRITES,
         .examples = {"holdfast codebase import codebases.json", "generate | holdfast codebase import -",
                      "holdfast codebase import codebases.json --dry-run"},
         .test_effect = "test_codebase_import_stores_every_entry",
         .test_refusal = "test_codebase_import_names_the_entry_and_the_member"},
	{.noun = "codebase",
         .verb = "import-debian",
         .summary = "make every source package of a Debian archive a codebase",
         .about =
                 "Reads the Sources index of a suite: through apt, which knows the mirror and checks the signature, "
                 "from a "
                 "URL (InRelease is fetched and checked too) or from a file. All of it is stored in one transaction or "
                 "nothing is. The value of a codebase is the number of other packages that build with it.",
         .options = import_options,
         .columns = import_columns,
         .run = run_import_debian,
         .flags = CMD_WRITES,
         .examples = {"holdfast codebase import-debian", "holdfast codebase import-debian --suite sid",
                      "holdfast codebase import-debian --sources Sources.xz --dry-run"},
         .test_effect = "test_codebase_import_debian_stores_the_extract",
         .test_refusal = "test_codebase_import_debian_refuses_a_truncated_index"},
	{0},
};
