/*
 * queue.c - `holdfast queue`: the table of its verbs; list, next, stats. One entry shown, added, moved, removed:
 * queue_one.c; its place and why: queue_explain.c; what is about claims: claim.c.
 */
#include <string.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/pause.h"
#include "cli/preview.h"
#include "cli/queue.h"
#include "cli/rows.h"
#include "holdfast/queue.h"

const struct column queue_item_columns[] = {
	{.name = "id", .kind = COLUMN_INT},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "bucket", .help = "class; buckets are served one after the other"},
	{.name = "priority", .kind = COLUMN_INT, .help = "within the bucket, smaller is sooner"},
	{.name = "context"},
	{.name = "command"},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION, .title = "ESTIMATE"},
	{.name = "refresh", .kind = COLUMN_BOOL, .title = "", .help = "start from scratch"},
	{.name = "requester"},
	{.name = "change_set"},
	{0},
};

void queue_item_cells(const struct hf_queue_item *item, struct cell *cells)
{
	const struct cell filled[] = {
		cell_int(item->id),         cell_text(item->codebase),
		cell_text(item->campaign),  cell_word(hf_bucket_word(item->bucket)),
		cell_int(item->priority),   cell_text(item->context),
		cell_text(item->command),   cell_us_or_null(item->has_estimated_duration, item->estimated_duration_us),
		cell_bool(item->refresh),   cell_text(item->requester),
		cell_text(item->change_set)};
	memcpy(cells, filled, sizeof(filled));
}

/* ---- list ---- */

static enum hf_status show_item(void *user, const struct hf_queue_item *item, hf_error *err)
{
	struct cell cells[QUEUE_ITEM_CELLS];
	queue_item_cells(item, cells);
	return out_row(user, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	struct hf_queue_list_filter filter = {.campaign = text_or_null(cli_text(cli, "campaign")),
	                                      .limit = out_fetch_limit(cli->out)};
	struct hf_queue_item after;
	hf_where where;
	enum hf_status status = cli_list(cli, queue_item_columns, &where, err);
	if (status == HF_OK && cli_given(cli, "after")) {
		status = hf_queue_get(where, (int32_t)cli_int(cli, "after", 0), cli->arena, &after, err);
		filter.after = &after;
	}
	if (status == HF_OK)
		status = hf_queue_list(where, &filter, show_item, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- next ---- */

static const struct column next_columns[] = {QUEUE_NEXT_COLUMNS, {0}};

void queue_next_cells(const struct hf_queue_next *next, struct cell *cells)
{
	queue_item_cells(&next->item, cells);
	cells[QUEUE_ITEM_CELLS] = cell_text(next->branch_url);
	cells[QUEUE_ITEM_CELLS + 1] = cell_text(next->subpath);
	cells[QUEUE_ITEM_CELLS + 2] = cell_text(next->vcs_type);
}

enum hf_status queue_filter(struct cli *cli, struct hf_queue_filter *ret_filter, hf_error *err)
{
	size_t nhosts = cli_count(cli, "exclude-host");
	struct hf_str *hosts = hf_arena_calloc(cli->arena, nhosts, sizeof(*hosts));
	if (!hosts)
		return error_nomem(err);
	for (size_t i = 0; i < nhosts; i++)
		hosts[i] = hf_str_of(cli_text_at(cli, "exclude-host", i));
	*ret_filter =
		(struct hf_queue_filter){.codebase = text_or_null(cli_text(cli, "codebase")),
	                                 .campaign = text_or_null(cli_text(cli, "campaign")),
	                                 .exclude_hosts = {.count = (uint32_t)nhosts, .ndim = 1, .values = hosts}};
	return cli_defects(cli, &ret_filter->keep, err);
}

static enum hf_status run_next(struct cli *cli, hf_error *err)
{
	struct hf_queue_filter filter;
	struct hf_queue_next next;
	struct cell cells[QUEUE_NEXT_CELLS];
	hf_where where;
	enum hf_status status = queue_filter(cli, &filter, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_queue_peek(where, &filter, cli->arena, &next, err);
	if (status != HF_OK)
		return status;
	queue_next_cells(&next, cells);
	return out_object(cli->out, next_columns, cells, err);
}

/* ---- stats ---- */

static const struct column stats_columns[] = {
	{.name = "bucket"},
	{.name = "items", .kind = COLUMN_INT},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION, .title = "ESTIMATE", .help = "of all its items"},
	{.name = "first_priority", .kind = COLUMN_INT},
	{.name = "last_priority", .kind = COLUMN_INT},
	{0},
};

static enum hf_status stats_row(void *user, const struct hf_queue_bucket_stats *stats, hf_error *err)
{
	const struct cell cells[] = {cell_text(stats->word), cell_int(stats->items),
	                             cell_us_or_null(stats->has_estimated_duration, stats->estimated_duration_us),
	                             cell_int(stats->first_priority), cell_int(stats->last_priority)};
	return out_row(user, cells, err);
}

static enum hf_status run_stats(struct cli *cli, hf_error *err)
{
	hf_where where;
	enum hf_status status = cli_list(cli, stats_columns, &where, err);
	if (status == HF_OK)
		status = hf_queue_stats(where, stats_row, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- the table ---- */

static const struct cmd_option list_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "after",
         .arg = "ID",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT32_MAX,
         .help = "start behind this entry, which must be there"},
	{0},
};

static const struct cmd_option next_options[] = {QUEUE_FILTER_OPTIONS, {0}};

const struct cmd queue_commands[] = {
	{.noun = "queue",
         .verb = "list",
         .summary = "list queue entries in the order in which they run",
         .options = list_options,
         .columns = queue_item_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast queue list --limit 20", "holdfast queue list --campaign lintian-fixes",
                      "holdfast queue list --limit 0 --json | jq length"},
         .test_effect = "test_queue_list_shows_the_order",
         .test_refusal = "test_queue_list_refuses_a_bad_limit"},
	{.noun = "queue",
         .verb = "show",
         .args = "ID",
         .summary = "show one entry",
         .columns = queue_item_columns,
         .run = queue_show,
         .examples = {"holdfast queue show 17", "holdfast queue show 17 --json",
                      "holdfast queue show 17 --json=command,context"},
         .test_effect = "test_queue_show_prints_every_field",
         .test_refusal = "test_queue_show_refuses_an_unknown_id"},
	{.noun = "queue",
         .verb = "next",
         .summary = "look at the entry that runs next; nothing is taken",
         .options = next_options,
         .columns = next_columns,
         .run = run_next,
         .examples = {"holdfast queue next", "holdfast queue next --campaign lintian-fixes --json",
                      "holdfast queue next --exclude-host github.com"},
         .test_effect = "test_queue_next_obeys_its_filters",
         .test_refusal = "test_queue_next_refuses_an_empty_queue"},
	{.noun = "queue",
         .verb = "position",
         .args = "CODEBASE CAMPAIGN",
         .summary = "tell when a codebase has its turn",
         .columns = queue_position_columns,
         .run = queue_position_verb,
         .examples = {"holdfast queue position bash lintian-fixes", "holdfast queue position bash lintian-fixes --json",
                      "holdfast --demo queue position 0ad lintian-fixes"},
         .test_effect = "test_queue_position_counts_and_sums",
         .test_refusal = "test_queue_position_refuses_what_does_not_wait"},
	{.noun = "queue",
         .verb = "stats",
         .summary = "count entries and time by bucket",
         .columns = stats_columns,
         .run = run_stats,
         .flags = CMD_LIST,
         .examples = {"holdfast queue stats", "holdfast queue stats --json", "holdfast queue stats -o csv"},
         .test_effect = "test_queue_stats_counts_buckets_in_order",
         .test_refusal = "test_queue_stats_refuses_an_argument"},
	{.noun = "queue",
         .verb = "explain",
         .args = "CODEBASE CAMPAIGN",
         .summary = "show what its place in the queue comes from",
         .columns = queue_explain_columns,
         .run = queue_explain_verb,
         .examples = {"holdfast queue explain bash lintian-fixes", "holdfast queue explain bash lintian-fixes --json",
                      "holdfast --demo queue explain 0ad lintian-fixes"},
         .test_effect = "test_queue_explain_agrees_with_the_stored_row",
         .test_refusal = "test_queue_explain_refuses_what_does_not_wait"},
	{.noun = "queue",
         .verb = "add",
         .args = "CODEBASE CAMPAIGN",
         .summary = "add an entry, or replace the one that holds the place",
         .about = "The priority is the offset, rounded. An entry of an earlier bucket keeps the place; one of the same "
                  "or a later bucket is replaced, and keeps its priority where that is the better one.",
         .options = queue_add_options,
         .columns = queue_added_columns,
         .run = queue_add_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue add bash lintian-fixes --command lintian-brush",
                      "holdfast queue add bash lintian-fixes --command true --bucket manual",
                      "holdfast queue add bash lintian-fixes --command true --dry-run"},
         .test_effect = "test_queue_add_places_an_entry",
         .test_refusal = "test_queue_add_refuses_a_bucket_and_an_offset"},
	{.noun = "queue",
         .verb = "move",
         .args = "CODEBASE CAMPAIGN",
         .summary = "let an entry run sooner or later",
         .about = "Of several change sets that wait the nearest one is moved. --ahead puts it ahead of the entry that "
                  "runs next, into its bucket. An entry that is being worked on runs again afterwards.",
         .options = queue_move_options,
         .columns = queue_move_columns,
         .run = queue_move_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue move bash lintian-fixes --ahead",
                      "holdfast queue move bash lintian-fixes --priority 100 --bucket manual",
                      "holdfast queue move bash lintian-fixes --ahead --dry-run"},
         .test_effect = "test_queue_move_places_an_entry_elsewhere",
         .test_refusal = "test_queue_move_refuses_what_does_not_wait"},
	{.noun = "queue",
         .verb = "remove",
         .args = "ID",
         .summary = "remove an entry",
         .run = queue_remove_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue remove 17", "holdfast queue remove 17 --dry-run",
                      "holdfast queue remove 17 --json"},
         .test_effect = "test_queue_remove_removes_one",
         .test_refusal = "test_queue_remove_refuses_an_unknown_id"},
	{.noun = "queue",
         .verb = "claim",
         .summary = "lease the entry that runs next",
         .about = "The lease ends by itself after its time, unless it is renewed. Its fence grows for ever: pass it on "
                  "to "
                  "whatever the work writes to. Refused while the original hands out the queue.",
         .options = queue_claim_options,
         .columns = queue_claim_columns,
         .run = queue_claim,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue claim",
                      "holdfast queue claim --campaign lintian-fixes --holder worker-3 --lease 10m",
                      "holdfast queue claim --json | jq .fence"},
         .test_effect = "test_queue_claim_leases_the_next_entry",
         .test_refusal = "test_queue_claim_refuses_when_nothing_is_free"},
	{.noun = "queue",
         .verb = "renew",
         .args = "FENCE",
         .summary = "extend a lease",
         .options = queue_renew_options,
         .columns = queue_lease_columns,
         .run = queue_renew,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue renew 17", "holdfast queue renew 17 --lease 1h",
                      "holdfast queue renew 17 --holder worker-3 --json"},
         .test_effect = "test_queue_renew_extends_a_lease",
         .test_refusal = "test_queue_renew_refuses_what_is_not_held"},
	{.noun = "queue",
         .verb = "finish",
         .args = "FENCE",
         .summary = "end a lease: the work is done",
         .about = "The entry leaves the queue, unless somebody asked for it again since it was claimed. Finishing "
                  "twice is "
                  "finishing once.",
         .options = queue_holder_options,
         .columns = queue_lease_columns,
         .run = queue_finish,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue finish 17", "holdfast queue finish 17 --holder worker-3",
                      "holdfast queue finish 17 --json"},
         .test_effect = "test_queue_finish_removes_the_entry",
         .test_refusal = "test_queue_finish_refuses_a_lost_lease"},
	{.noun = "queue",
         .verb = "fail",
         .args = "FENCE",
         .summary = "end a lease: the work failed, the entry is free again",
         .about = "After as many attempts as the claim allowed the entry is dead: it stays in the queue and is handed "
                  "out "
                  "again when somebody asks for it again.",
         .options = queue_fail_options,
         .columns = queue_lease_columns,
         .run = queue_fail,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue fail 17", "holdfast queue fail 17 --reason 'no space left'",
                      "holdfast queue fail 17 --json"},
         .test_effect = "test_queue_fail_frees_the_entry_until_it_is_dead",
         .test_refusal = "test_queue_fail_refuses_another_holder"},
	{.noun = "queue",
         .verb = "release",
         .args = "FENCE",
         .summary = "end a lease: the work was not begun",
         .options = queue_holder_options,
         .columns = queue_lease_columns,
         .run = queue_release,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue release 17", "holdfast queue release 17 --holder worker-3",
                      "holdfast queue release 17 --json"},
         .test_effect = "test_queue_release_is_no_attempt",
         .test_refusal = "test_queue_release_refuses_an_unknown_fence"},
	{.noun = "queue",
         .verb = "claims",
         .summary = "list claims, the newest first",
         .options = queue_claims_options,
         .columns = queue_claims_columns,
         .run = queue_claims,
         .flags = CMD_LIST,
         .examples = {"holdfast queue claims --state leased", "holdfast queue claims --state dead --json",
                      "holdfast queue claims --holder worker-3 --limit 20"},
         .test_effect = "test_queue_claims_tells_what_became_of_them",
         .test_refusal = "test_queue_claims_refuses_an_unknown_state"},
	{.noun = "queue",
         .verb = "prune",
         .summary = "forget claims that ended long ago",
         .options = queue_prune_options,
         .run = queue_prune,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue prune", "holdfast queue prune --older-than 1d",
                      "holdfast queue prune --older-than 0s --dry-run"},
         .test_effect = "test_queue_prune_forgets_what_ended",
         .test_refusal = "test_queue_prune_refuses_a_time_to_come"},
	{.noun = "queue",
         .verb = "assigner",
         .args = "[NAME]",
         .summary = "tell or choose who hands out the queue: holdfast or original",
         .about = "The original hands out by means of Redis and does not see our leases: stop its runner before you "
                  "choose "
                  "holdfast. Choosing the original is refused while leases are live.",
         .columns = queue_assigner_columns,
         .run = queue_assigner,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue assigner", "holdfast queue assigner holdfast",
                      "holdfast queue assigner original --dry-run"},
         .test_effect = "test_queue_assigner_hands_the_queue_over",
         .test_refusal = "test_queue_assigner_refuses_while_leases_are_live"},
	{.noun = "queue",
         .verb = "watch",
         .summary = "show what comes into the queue, moves and leaves, a line of JSON each",
         .about = "What is there at first is not shown. It ends with a signal, --timeout or after --limit changes.",
         .options = queue_watch_options,
         .columns = queue_watch_columns,
         .run = queue_watch_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast queue watch", "holdfast queue watch --campaign lintian-fixes --interval 10s",
                      "holdfast queue watch --limit 1 --timeout 10m"},
         .test_effect = "test_queue_watch_shows_each_change",
         .test_refusal = "test_queue_watch_refuses_what_is_no_time"},
	{.noun = "queue",
         .verb = "pause",
         .summary = "hand nothing out for a while: of all, of a bucket or of a host",
         .about = "Claims pass over what is paused; what is claimed stays claimed. The original knows of no pause.",
         .options = queue_pause_options,
         .run = queue_pause_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue pause --reason 'disk is full'", "holdfast queue pause --bucket default --for 2h",
                      "holdfast queue pause --host salsa.debian.org --for 1h --reason 'rate limited'"},
         .test_effect = "test_queue_pause_holds_back_what_it_names",
         .test_refusal = "test_queue_pause_refuses_what_is_no_bucket"},
	{.noun = "queue",
         .verb = "resume",
         .summary = "hand out again what was paused",
         .options = queue_resume_options,
         .run = queue_resume_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast queue resume", "holdfast queue resume --bucket default",
                      "holdfast queue resume --host salsa.debian.org"},
         .test_effect = "test_queue_resume_ends_one_pause",
         .test_refusal = "test_queue_resume_refuses_what_is_not_paused"},
	{.noun = "queue",
         .verb = "pauses",
         .summary = "list what is paused, and why",
         .columns = queue_pauses_columns,
         .run = queue_pauses_verb,
         .flags = CMD_LIST,
         .examples = {"holdfast queue pauses", "holdfast queue pauses --json",
                      "holdfast queue pauses --json=kind,name"},
         .test_effect = "test_queue_pauses_lists_what_has_not_ended",
         .test_refusal = "test_queue_pauses_refuses_an_argument"},
	{0},
};
