/*
 * changeset.c - `holdfast changeset`: list, show, refresh.
 */
#include "base/error.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "holdfast/change_set.h"

static const struct column list_columns[] = {
	{.name = "id"},
	{.name = "campaign"},
	{.name = "state", .help = "created, working, ready, publishing or done"},
	{.name = "runs", .kind = COLUMN_INT},
	{0},
};

static enum hf_status list_row(void *user, const struct hf_change_set *set, hf_error *err)
{
	const struct cell cells[] = {cell_text(set->id), cell_text(set->campaign),
	                             cell_word(hf_change_set_state_word(set->state)), cell_int(set->runs)};
	return out_row(user, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	struct hf_change_set_filter filter = {.has_state = cli_given(cli, "state"),
	                                      .state = (enum hf_change_set_state)cli_int(cli, "state", 0),
	                                      .campaign = text_or_null(cli_text(cli, "campaign")),
	                                      .after = text_or_null(cli_text(cli, "after")),
	                                      .limit = out_fetch_limit(cli->out)};
	hf_where where;
	enum hf_status status = cli_list(cli, list_columns, &where, err);
	if (status == HF_OK)
		status = hf_change_set_list(where, &filter, list_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- show ---- */

static const struct column show_columns[] = {
	{.name = "id"},
	{.name = "campaign"},
	{.name = "state", .help = "created, working, ready, publishing or done"},
	{.name = "runs", .kind = COLUMN_INT},
	{.name = "todo", .kind = COLUMN_JSON, .help = "candidates to be dealt with: id, codebase, campaign"},
	{.name = "unpublished", .kind = COLUMN_JSON, .help = "branches that have not landed: run_id, role"},
	{0},
};

struct shown {
	struct hf_change_set set;
	struct hf_change_set_todo *todo;
	size_t ntodo;
	struct hf_change_set_branch *branches;
	size_t nbranches;
};

static void add_todo(struct json_writer *json, const void *of)
{
	const struct shown *shown = of;
	jw_array_begin(json);
	for (size_t i = 0; i < shown->ntodo; i++) {
		jw_object_begin(json);
		jw_key(json, "id");
		jw_int(json, shown->todo[i].candidate_id);
		jw_key(json, "codebase");
		jw_text(json, shown->todo[i].codebase);
		jw_key(json, "campaign");
		jw_text(json, shown->todo[i].campaign);
		jw_object_end(json);
	}
	jw_array_end(json);
}

static void add_unpublished(struct json_writer *json, const void *of)
{
	const struct shown *shown = of;
	jw_array_begin(json);
	for (size_t i = 0; i < shown->nbranches; i++) {
		jw_object_begin(json);
		jw_key(json, "run_id");
		jw_text(json, shown->branches[i].run_id);
		jw_key(json, "role");
		jw_text(json, shown->branches[i].role);
		jw_object_end(json);
	}
	jw_array_end(json);
}

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	struct hf_str id = hf_str_of(cli_arg(cli, 0));
	struct shown shown;
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_change_set_get(where, id, cli->arena, &shown.set, err);
	if (status == HF_OK)
		status = hf_change_set_todo(where, id, cli->arena, &shown.todo, &shown.ntodo, err);
	if (status == HF_OK)
		status = hf_change_set_unpublished(where, id, cli->arena, &shown.branches, &shown.nbranches, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(shown.set.id),
	                             cell_text(shown.set.campaign),
	                             cell_word(hf_change_set_state_word(shown.set.state)),
	                             cell_int(shown.set.runs),
	                             cell_json(rows_json(cli->arena, add_todo, &shown)),
	                             cell_json(rows_json(cli->arena, add_unpublished, &shown))};
	return out_object(cli->out, show_columns, cells, err);
}

/* ---- refresh ---- */

static const struct column refresh_columns[] = {
	{.name = "id"},
	{.name = "state", .help = "created, working, ready, publishing or done"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct refreshing {
	struct hf_str id;
	enum hf_change_set_state state;
};

static enum hf_status refresh_tx(hf_where tx, void *user, hf_error *err)
{
	struct refreshing *refreshing = user;
	return hf_change_set_refresh(tx, refreshing->id, &refreshing->state, err);
}

static enum hf_status run_refresh(struct cli *cli, hf_error *err)
{
	struct refreshing refreshing = {.id = hf_str_of(cli_arg(cli, 0))};
	enum hf_status status = out_check_fields(cli->out, refresh_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, refresh_tx, &refreshing, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(refreshing.id), cell_word(hf_change_set_state_word(refreshing.state)),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, refresh_columns, cells, err);
}

/* ---- the table ---- */

static const struct cmd_option list_options[] = {
	{.name = "state", /* in the order of enum hf_change_set_state */
         .arg = "STATE",
         .kind = OPTION_CHOICE,
         .choices = "created|working|ready|publishing|done",
         .help = "only these"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "after", .arg = "ID", .help = "start behind this change set"},
	{0},
};

const struct cmd changeset_commands[] = {
	{.noun = "changeset",
         .verb = "list",
         .summary = "list change sets by id",
         .options = list_options,
         .columns = list_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast changeset list --state ready",
                      "holdfast changeset list --campaign lintian-fixes --limit 20",
                      "holdfast changeset list --json=id,state"},
         .test_effect = "test_changeset_list_is_ordered_filtered_and_paged",
         .test_refusal = "test_changeset_list_refuses_an_unknown_state"},
	{.noun = "changeset",
         .verb = "show",
         .args = "ID",
         .summary = "show a change set, what is to be done and what has not landed",
         .columns = show_columns,
         .run = run_show,
         .examples = {"holdfast changeset show cs-2024-07", "holdfast changeset show cs-2024-07 --json=todo",
                      "holdfast changeset show cs-2024-07 --json | jq '.unpublished | length'"},
         .test_effect = "test_changeset_show_tells_what_is_left",
         .test_refusal = "test_changeset_show_refuses_an_unknown_id"},
	{.noun = "changeset",
         .verb = "refresh",
         .args = "ID",
         .summary = "move a change set on as far as its runs and publishes say",
         .about =
                 "Triggers do this when a run or a publish is stored; a state that was computed before its run counted "
                 "stays behind until somebody asks.",
         .columns = refresh_columns,
         .run = run_refresh,
         .flags = CMD_WRITES,
         .examples = {"holdfast changeset refresh cs-2024-07", "holdfast changeset refresh cs-2024-07 --dry-run",
                      "holdfast changeset refresh cs-2024-07 --json=state"},
         .test_effect = "test_changeset_refresh_moves_on",
         .test_refusal = "test_changeset_refresh_refuses_an_unknown_id"},
	{0},
};
