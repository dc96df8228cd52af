/*
 * candidate.c - `holdfast candidate`: list, show, never-processed, import. Those that write one, and the upload:
 * candidate_write.c.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/candidate.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "holdfast/candidate.h"
#include "holdfast/policy.h"

#define IMPORT_BYTES_MAX ((size_t)1 << 30) /* of candidates in memory */

static const struct column candidate_columns[] = {
	{.name = "id", .kind = COLUMN_INT},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "command"},
	{.name = "value", .kind = COLUMN_INT, .help = "how much a success is worth; above 0"},
	{.name = "success_chance", .kind = COLUMN_NUMBER, .title = "CHANCE", .help = "0 to 1"},
	{.name = "publish_policy", .title = "POLICY"},
	{.name = "context"},
	{.name = "change_set"},
	{0},
};

enum { CANDIDATE_CELLS = ARRAY_LEN(candidate_columns) - 1 };

static void candidate_cells(const struct hf_candidate *candidate, struct cell cells[CANDIDATE_CELLS])
{
	const struct cell filled[CANDIDATE_CELLS] = {cell_int(candidate->id),
	                                             cell_text(candidate->codebase),
	                                             cell_text(candidate->campaign),
	                                             cell_text(candidate->command),
	                                             cell_int_or_null(candidate->has_value, candidate->value),
	                                             candidate->has_success_chance
	                                                     ? cell_number(candidate->success_chance)
	                                                     : cell_null(),
	                                             cell_text(candidate->publish_policy),
	                                             cell_text(candidate->context),
	                                             cell_text(candidate->change_set)};
	memcpy(cells, filled, sizeof(filled));
}

static enum hf_status show_row(void *user, const struct hf_candidate *candidate, hf_error *err)
{
	struct cell cells[CANDIDATE_CELLS];
	candidate_cells(candidate, cells);
	return out_row(user, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	hf_where where;
	struct hf_candidate_filter filter = {.after = (int32_t)cli_int(cli, "after", 0),
	                                     .campaign = text_or_null(cli_text(cli, "campaign")),
	                                     .codebase = text_or_null(cli_text(cli, "codebase")),
	                                     .publish_policy = text_or_null(cli_text(cli, "policy")),
	                                     .change_set = text_or_null(cli_text(cli, "change-set"))};
	enum hf_status status = out_list(cli->out, candidate_columns, err);
	filter.limit = out_fetch_limit(cli->out);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_candidate_list(where, &filter, show_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

enum hf_status candidate_id(struct cli *cli, int32_t *ret_id, hf_error *err)
{
	int64_t number;
	if (!str_to_i64(hf_str_of(cli_arg(cli, 0)), &number) || number < 1 || number > INT32_MAX)
		return error_set(err, HF_E_USAGE, "\"%.40s\" is no id of a candidate", cli_arg(cli, 0));
	*ret_id = (int32_t)number;
	return HF_OK;
}

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	hf_where where;
	int32_t id;
	struct hf_candidate candidate;
	struct cell cells[CANDIDATE_CELLS];
	enum hf_status status = candidate_id(cli, &id, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_candidate_get(where, id, cli->arena, &candidate, err);
	if (status != HF_OK)
		return status;
	candidate_cells(&candidate, cells);
	return out_object(cli->out, candidate_columns, cells, err);
}

static enum hf_status run_never_processed(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, candidate_columns, &where, err);
	if (status == HF_OK)
		status = hf_candidate_never_processed(where, (int32_t)cli_int(cli, "after", 0),
		                                      text_or_null(cli_text(cli, "campaign")),
		                                      out_fetch_limit(cli->out), show_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- import from JSON ---- */

struct import {
	const struct hf_candidate *candidates; /* of a file, or the one pattern for all codebases */
	size_t count;
	struct hf_str vcs, mode;
	struct hf_changes changes;
};

static enum hf_status import_file_tx(hf_where tx, void *user, hf_error *err)
{
	struct import *import = user;
	return hf_candidate_import(tx, import->candidates, import->count, &import->changes, err);
}

static enum hf_status import_file(struct cli *cli, const char *path, struct hf_changes *ret_changes, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(IMPORT_BYTES_MAX);
	struct hf_candidate *candidates;
	struct import import = {.count = 0};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_candidate_read(path, arena, &candidates, &import.count, err);
	if (status != HF_OK)
		return status;
	import.candidates = candidates;
	status = cli_write(cli, import_file_tx, &import, err);
	*ret_changes = import.changes;
	return status;
}

/* ---- import for all codebases ---- */

static enum hf_status import_all_tx(hf_where tx, void *user, hf_error *err)
{
	struct import *import = user;
	const struct hf_policy_rule rule = {.role = HF_STR("main"), .mode = import->mode};
	const struct hf_policy policy = {.name = import->candidates->publish_policy, .rules = &rule, .nrules = 1};
	enum hf_status status = HF_OK;
	if (import->mode.ptr)
		status = hf_policy_put(tx, &policy, 1, HF_POLICY_RULES, NULL, err);
	if (status != HF_OK)
		return status;
	return hf_candidate_import_all(tx, import->candidates, import->vcs, &import->changes, err);
}

static enum hf_status import_all(struct cli *cli, struct hf_changes *ret_changes, hf_error *err)
{
	const char *vcs = cli_text(cli, "vcs");
	struct hf_candidate pattern = {.campaign = text_or_null(cli_text(cli, "campaign")),
	                               .command = text_or_null(cli_text(cli, "command")),
	                               .context = text_or_null(cli_text(cli, "context")),
	                               .publish_policy = text_or_null(cli_text(cli, "policy")),
	                               .has_value = cli_given(cli, "value"),
	                               .value = (int32_t)cli_int(cli, "value", 0)};
	struct import import = {.candidates = &pattern,
	                        .vcs = vcs ? hf_str_of(vcs) : HF_STR("git"),
	                        .mode = text_or_null(cli_text(cli, "mode"))};
	if (!pattern.campaign.ptr || !pattern.command.ptr) {
		error_set(err, HF_E_USAGE,
		          "candidate import needs a FILE, or --campaign and --command for all codebases");
		error_hint(err, "holdfast candidate import --help shows both forms");
		return HF_E_USAGE;
	}
	if (import.mode.ptr && !pattern.publish_policy.ptr)
		pattern.publish_policy = pattern.campaign;
	enum hf_status status = cli_write(cli, import_all_tx, &import, err);
	*ret_changes = import.changes;
	return status;
}

static enum hf_status run_import(struct cli *cli, hf_error *err)
{
	struct hf_changes changes = {0};
	const char *path = cli_arg(cli, 0);
	enum hf_status status = path ? import_file(cli, path, &changes, err) : import_all(cli, &changes, err);
	if (status != HF_OK)
		return status;
	struct written written = {.what = "candidates",
	                          .changed = changes.inserted + changes.updated,
	                          .unchanged = changes.unchanged};
	return out_written(cli->out, &written, err);
}

static const struct cmd_option list_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "policy", .arg = "NAME", .help = "only those with this publish policy"},
	{.name = "change-set", .arg = "ID", .help = "only those of this change set"},
	{.name = "after",
         .arg = "ID",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT32_MAX,
         .help = "start behind this candidate"},
	{0},
};

static const struct cmd_option never_processed_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "after",
         .arg = "ID",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT32_MAX,
         .help = "start behind this candidate"},
	{0},
};

static const struct cmd_option import_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "without FILE: the campaign"},
	{.name = "command", .arg = "TEXT", .help = "without FILE: what to run"},
	{.name = "value",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT32_MAX,
         .help = "without FILE: the value"},
	{.name = "context", .arg = "TEXT", .help = "without FILE: the context"},
	{.name = "policy", .arg = "NAME", .help = "without FILE: the publish policy"},
	{.name = "mode",
         .arg = "MODE",
         .help = "create that policy (default: named like the campaign) with this mode of role main"},
	{.name = "vcs",
         .arg = "TYPE",
         .kind = OPTION_CHOICE,
         .choices = VCS_TYPE_WORDS,
         .help = "without FILE: codebases of this version control system (default: git)"},
	{0},
};

const struct cmd candidate_commands[] = {
	{.noun = "candidate",
         .verb = "list",
         .summary = "list candidates in the order in which they were added",
         .options = list_options,
         .columns = candidate_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast candidate list --campaign lintian-fixes",
                      "holdfast candidate list --codebase bash --json",
                      "holdfast candidate list --after 1000 --limit 50"},
         .test_effect = "test_candidate_list_is_ordered_and_filtered",
         .test_refusal = "test_candidate_list_refuses_a_bad_id"},
	{.noun = "candidate",
         .verb = "show",
         .args = "ID",
         .summary = "show one candidate",
         .columns = candidate_columns,
         .run = run_show,
         .examples = {"holdfast candidate show 17", "holdfast candidate show 17 --json",
                      "holdfast candidate show 17 --json=command,value"},
         .test_effect = "test_candidate_show_prints_every_field",
         .test_refusal = "test_candidate_show_refuses_an_unknown_id"},
	{.noun = "candidate",
         .verb = "set",
         .args = "CODEBASE CAMPAIGN",
         .summary = "create a candidate, or change what the flags name",
         .about = "An empty text makes a member null. Nothing is scheduled: see schedule one.",
         .options = candidate_set_options,
         .columns = candidate_set_columns,
         .run = candidate_set_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast candidate set bash lintian-fixes --command lintian-brush",
                      "holdfast candidate set bash lintian-fixes --value 30 --chance 0.8",
                      "holdfast candidate set bash lintian-fixes --policy '' --dry-run"},
         .test_effect = "test_candidate_set_creates_and_changes",
         .test_refusal = "test_candidate_set_refuses_what_cannot_be"},
	{.noun = "candidate",
         .verb = "delete",
         .args = "ID",
         .summary = "remove a candidate and its entry in the queue",
         .columns = candidate_delete_columns,
         .run = candidate_delete_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast candidate delete 17", "holdfast candidate delete 17 --dry-run",
                      "holdfast candidate delete 17 --json"},
         .test_effect = "test_candidate_delete_takes_its_entry_along",
         .test_refusal = "test_candidate_delete_refuses_an_unknown_id"},
	{.noun = "candidate",
         .verb = "upload",
         .args = "FILE",
         .summary = "create or replace candidates from JSON and schedule them",
         .about = "FILE (- is stdin) holds what the Janitor takes: one array of objects with codebase, campaign, and "
                  "optionally command, value, success_chance, context, change_set, publish-policy, bucket, requester "
                  "and followup_for. Entries whose codebase, campaign or policy is unknown are passed over, and the "
                  "exit code is 10; any other mistake undoes all.",
         .options = candidate_upload_options,
         .run = candidate_upload_verb,
         .flags = CMD_LIST | CMD_WRITES,
         .examples = {"holdfast candidate upload candidates.json",
                      "holdfast candidate upload - --campaign lintian-fixes=lintian-brush",
                      "holdfast candidate upload candidates.json --json | jq .success"},
         .test_effect = "test_candidate_upload_stores_and_schedules",
         .test_refusal = "test_candidate_upload_undoes_all_for_a_mistake"},
	{.noun = "candidate",
         .verb = "never-processed",
         .summary = "list candidates whose codebase was never tried in their campaign",
         .options = never_processed_options,
         .columns = candidate_columns,
         .run = run_never_processed,
         .flags = CMD_LIST,
         .examples = {"holdfast candidate never-processed --campaign lintian-fixes",
                      "holdfast candidate never-processed --limit 0 --json | jq length",
                      "holdfast candidate never-processed --after 1000 --limit 50"},
         .test_effect = "test_candidate_never_processed_leaves_out_what_ran",
         .test_refusal = "test_candidate_never_processed_refuses_a_bad_id"},
	{.noun = "candidate",
         .verb = "import",
         .args = "[FILE]",
         .summary = "insert or update candidates from JSON, or one for every codebase",
         .about = "FILE (- is stdin) holds one array of objects with codebase, campaign, command and optionally "
                  "context, "
                  "value, success_chance, publish_policy, change_set. All of them are stored or none. Without FILE a "
                  "candidate of --campaign is made for every active codebase.",
         .options = import_options,
         .run = run_import,
         .flags = CMD_WRITES,
         .examples = {"holdfast candidate import candidates.json", "generate | holdfast candidate import -",
                      "holdfast candidate import --campaign lintian-fixes --command true --value 10"},
         .test_effect = "test_candidate_import_stores_a_file",
         .test_refusal = "test_candidate_import_refuses_a_bad_entry"},
	{0},
};
