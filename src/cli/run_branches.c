/*
 * run_branches.c - `holdfast run` branches, set-absorbed, followups, delete: what a run leaves behind.
 */
#include <string.h>

#include "base/error.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "holdfast/result_branch.h"

/* ---- branches ---- */

const struct column run_branches_columns[] = {
	{.name = "run_id"},
	{.name = "role"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "absorbed", .kind = COLUMN_BOOL, .help = "it has landed; null counts as no"},
	{.name = "remote_name", .title = ""},
	{.name = "base_revision", .title = "BASE"},
	{.name = "revision"},
	{0},
};

static enum hf_status branch_row(void *user, const struct hf_result_branch *branch, hf_error *err)
{
	const struct cell cells[] = {cell_text(branch->run_id),
	                             cell_text(branch->role),
	                             cell_text(branch->codebase),
	                             cell_text(branch->campaign),
	                             branch->has_absorbed ? cell_bool(branch->absorbed) : cell_null(),
	                             cell_text(branch->remote_name),
	                             cell_text(branch->base_revision),
	                             cell_text(branch->revision)};
	return out_row(user, cells, err);
}

/* RUN/PART of --after; a role or a candidate has no slash, an id may. */
static enum hf_status read_place(struct cli *cli, const char *what, const char *form, struct hf_str *ret_run,
                                 struct hf_str *ret_part, hf_error *err)
{
	const char *text = cli_text(cli, "after"), *slash = strrchr(text, '/');
	if (!slash) {
		error_set(err, HF_E_USAGE, "--after names no %s", what);
		error_hint(err, "%s of the last %s of the page before", form, what);
		return HF_E_USAGE;
	}
	*ret_run = (struct hf_str){text, (size_t)(slash - text)};
	*ret_part = hf_str_of(slash + 1);
	return HF_OK;
}

enum hf_status run_branches_verb(struct cli *cli, hf_error *err)
{
	struct hf_result_branch_filter filter = {.run_id = text_or_null(cli_text(cli, "run")),
	                                         .revision = text_or_null(cli_text(cli, "revision")),
	                                         .codebase = text_or_null(cli_text(cli, "codebase")),
	                                         .has_absorbed = cli_given(cli, "absorbed"),
	                                         .absorbed = cli_int(cli, "absorbed", 1) == 0,
	                                         .limit = out_fetch_limit(cli->out)};
	struct hf_result_branch place;
	hf_where where;
	enum hf_status status = HF_OK;
	if (cli_given(cli, "after")) {
		status = read_place(cli, "branch", "RUN/ROLE", &place.run_id, &place.role, err);
		filter.after = &place;
	}
	if (status == HF_OK)
		status = out_list(cli->out, run_branches_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_result_branch_list(where, &filter, branch_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option run_branches_options[] = {
	{.name = "run", .arg = "ID", .help = "only of this run"},
	{.name = "revision", .arg = "ID", .help = "only this revision"},
	{.name = "codebase", .arg = "NAME", .help = "only this codebase"},
	{.name = "absorbed",
         .arg = "WHETHER",
         .kind = OPTION_CHOICE,
         .choices = "yes|no",
         .help = "only what has landed, or has not"},
	{.name = "after", .arg = "PLACE", .help = "start behind RUN/ROLE"},
	{0},
};

/* ---- set-absorbed ---- */

const struct column run_absorbed_columns[] = {
	{.name = "run_id"},
	{.name = "role"},
	{.name = "absorbed", .kind = COLUMN_BOOL},
	{.name = "before", .kind = COLUMN_BOOL, .help = "what was known until now, or null"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct absorbing {
	struct hf_str run_id, role;
	bool absorbed, has_before, before;
	const struct hf_defects *keep;
};

static enum hf_status absorb_tx(hf_where tx, void *user, hf_error *err)
{
	struct absorbing *absorbing = user;
	return hf_result_branch_set_absorbed(tx, absorbing->run_id, absorbing->role, absorbing->absorbed,
	                                     absorbing->keep, &absorbing->has_before, &absorbing->before, err);
}

enum hf_status run_absorbed_verb(struct cli *cli, hf_error *err)
{
	int64_t word;
	struct absorbing absorbing = {.run_id = hf_str_of(cli_arg(cli, 0)), .role = hf_str_of(cli_arg(cli, 1))};
	enum hf_status status = cli_choice("WHETHER", "yes|no", cli_arg(cli, 2), &word, err);
	if (status != HF_OK)
		return status;
	absorbing.absorbed = word == 0;
	status = cli_defects(cli, &absorbing.keep, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, run_absorbed_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, absorb_tx, &absorbing, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(absorbing.run_id), cell_text(absorbing.role),
	                             cell_bool(absorbing.absorbed),
	                             absorbing.has_before ? cell_bool(absorbing.before) : cell_null(),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, run_absorbed_columns, cells, err);
}

/* ---- followups ---- */

const struct column run_followups_columns[] = {
	{.name = "run_id"},
	{.name = "candidate_id", .kind = COLUMN_INT},
	{.name = "codebase", .help = "of the candidate"},
	{.name = "campaign"},
	{.name = "change_set"},
	{0},
};

static enum hf_status followup_row(void *user, const struct hf_followup *followup, hf_error *err)
{
	const struct cell cells[] = {cell_text(followup->origin), cell_int(followup->candidate_id),
	                             cell_text(followup->codebase), cell_text(followup->campaign),
	                             cell_text(followup->change_set)};
	return out_row(user, cells, err);
}

static enum hf_status read_followup(struct cli *cli, struct hf_followup *ret_place, hf_error *err)
{
	struct hf_str part;
	int64_t number;
	enum hf_status status = read_place(cli, "followup", "RUN/CANDIDATE", &ret_place->origin, &part, err);
	if (status != HF_OK)
		return status;
	if (!str_to_i64(part, &number) || number < 1 || number > INT32_MAX)
		return error_set(err, HF_E_USAGE, "\"%.*s\" is no id of a candidate",
		                 (int)(part.len > 40 ? 40 : part.len), part.ptr);
	ret_place->candidate_id = (int32_t)number;
	return HF_OK;
}

enum hf_status run_followups_verb(struct cli *cli, hf_error *err)
{
	struct hf_followup_filter filter = {.origin = text_or_null(cli_text(cli, "run")),
	                                    .candidate_id = (int32_t)cli_int(cli, "candidate", 0),
	                                    .limit = out_fetch_limit(cli->out)};
	struct hf_followup place;
	hf_where where;
	enum hf_status status = HF_OK;
	if (cli_given(cli, "after")) {
		status = read_followup(cli, &place, err);
		filter.after = &place;
	}
	if (status == HF_OK)
		status = out_list(cli->out, run_followups_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_followup_list(where, &filter, followup_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

const struct cmd_option run_followups_options[] = {
	{.name = "run", .arg = "ID", .help = "only of this run"},
	{.name = "candidate",
         .arg = "ID",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT32_MAX,
         .help = "only this candidate"},
	{.name = "after", .arg = "PLACE", .help = "start behind RUN/CANDIDATE"},
	{0},
};

/* ---- delete ---- */

const struct column run_delete_columns[] = {
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "change_set", .help = "it stays"},
	{.name = "builds", .kind = COLUMN_INT, .help = "that went with it"},
	{.name = "reviews", .kind = COLUMN_INT, .help = "that went with it"},
	{.name = "followups", .kind = COLUMN_INT, .help = "that went with it"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct deleting {
	struct hf_str id;
	bool parts;
	const struct hf_defects *keep;
	hf_arena *arena;
	struct hf_run_deleted deleted;
};

static enum hf_status delete_tx(hf_where tx, void *user, hf_error *err)
{
	struct deleting *deleting = user;
	return hf_run_delete(tx, deleting->id, deleting->parts, deleting->keep, deleting->arena, &deleting->deleted,
	                     err);
}

enum hf_status run_delete_verb(struct cli *cli, hf_error *err)
{
	struct deleting deleting = {.id = hf_str_of(cli_arg(cli, 0)),
	                            .parts = cli_given(cli, "parts"),
	                            .arena = cli->arena};
	const struct hf_run_deleted *gone = &deleting.deleted;
	enum hf_status status = cli_defects(cli, &deleting.keep, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, run_delete_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, delete_tx, &deleting, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(deleting.id),    cell_text(gone->codebase),
	                             cell_text(gone->campaign), cell_text(gone->change_set),
	                             cell_int(gone->builds),    cell_int(gone->reviews),
	                             cell_int(gone->followups), cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, run_delete_columns, cells, err);
}

const struct cmd_option run_delete_options[] = {
	{.name = "parts", .kind = OPTION_FLAG, .help = "its Debian builds, reviews and followups go, too"},
	{0},
};
