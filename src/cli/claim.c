/*
 * claim.c - the verbs of `holdfast queue` that hand out items: claim, renew, finish, fail, release, claims, prune,
 * assigner. Their entries stand in queue.c.
 */
#include <string.h>

#include "base/error.h"
#include "cli/preview.h"
#include "cli/queue.h"
#include "cli/rows.h"
#include "holdfast/claim.h"

static const char default_holder[] = "holdfast";

#define HOLDER_OPTION                                                                            \
	{                                                                                        \
		.name = "holder", .arg = "WHO", .help = "who holds the lease (default holdfast)" \
	}
#define LEASE_OPTION                                                                                          \
	{                                                                                                     \
		.name = "lease", .arg = "TIME", .kind = OPTION_DURATION, .min = 1, .max = INT64_C(604800000), \
		.help = "how long from now (default 1min)"                                                    \
	}

static struct hf_str holder_of(struct cli *cli)
{
	const char *given = cli_text(cli, "holder");
	return hf_str_of(given ? given : default_holder);
}

static int64_t lease_of(struct cli *cli)
{
	return cli_int(cli, "lease", 60000) * 1000;
}

static enum hf_status fence_of(struct cli *cli, int64_t *ret_fence, hf_error *err)
{
	if (str_to_i64(hf_str_of(cli_arg(cli, 0)), ret_fence) && *ret_fence > 0)
		return HF_OK;
	return error_set(err, HF_E_USAGE, "\"%.40s\" is no fence of a claim", cli_arg(cli, 0));
}

/* ---- claim ---- */

const struct cmd_option queue_claim_options[] = {
	QUEUE_FILTER_OPTIONS,
	HOLDER_OPTION,
	LEASE_OPTION,
	{.name = "attempts",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 1,
         .max = 1000,
         .help = "then it is dead (default 5)"},
	{0},
};

const struct column queue_claim_columns[] = {
	{.name = "fence", .kind = COLUMN_INT, .help = "greater than that of every earlier claim"},
	{.name = "attempt", .kind = COLUMN_INT, .help = "1 is the first for this request"},
	{.name = "until", .kind = COLUMN_TIME, .help = "end of the lease"},
	QUEUE_NEXT_COLUMNS,
	{0},
};

struct claiming {
	struct hf_claim_options options;
	hf_arena *arena;
	struct hf_claim claim;
};

static enum hf_status claim_tx(hf_where tx, void *user, hf_error *err)
{
	struct claiming *claiming = user;
	return hf_claim_next(tx, &claiming->options, claiming->arena, &claiming->claim, err);
}

enum hf_status queue_claim(struct cli *cli, hf_error *err)
{
	struct claiming claiming = {.options = {.size = sizeof(claiming.options),
	                                        .holder = holder_of(cli),
	                                        .lease_us = lease_of(cli),
	                                        .attempts_max = (int32_t)cli_int(cli, "attempts", 0)},
	                            .arena = cli->arena};
	struct cell cells[3 + QUEUE_NEXT_CELLS];
	enum hf_status status = out_check_fields(cli->out, queue_claim_columns, err);
	if (status == HF_OK)
		status = queue_filter(cli, &claiming.options.filter, err);
	if (status == HF_OK)
		status = cli_write(cli, claim_tx, &claiming, err);
	if (status != HF_OK)
		return status;
	cells[0] = cell_int(claiming.claim.fence);
	cells[1] = cell_int(claiming.claim.attempt);
	cells[2] = cell_time(claiming.claim.until.us);
	queue_next_cells(&claiming.claim.next, cells + 3);
	return out_object(cli->out, queue_claim_columns, cells, err);
}

/* ---- what a holder does ---- */

const struct cmd_option queue_renew_options[] = {HOLDER_OPTION, LEASE_OPTION, {0}};
const struct cmd_option queue_holder_options[] = {HOLDER_OPTION, {0}};
const struct cmd_option queue_fail_options[] = {
	HOLDER_OPTION,
	{.name = "reason", .arg = "TEXT", .help = "what went wrong; kept with the claim"},
	{0},
};

const struct column queue_lease_columns[] = {
	{.name = "fence", .kind = COLUMN_INT},
	{.name = "state", .help = "leased, finished, failed, released or dead"},
	{.name = "until", .kind = COLUMN_TIME, .help = "end of the lease, while it is held"},
	{.name = "requeued", .kind = COLUMN_BOOL, .help = "the item stays in the queue"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct holding {
	int64_t fence;
	struct hf_str holder, reason;
	int64_t lease_us;
	enum hf_claim_state state; /* the answers */
	struct hf_timestamptz until;
	bool requeued;
};

static enum hf_status renew_tx(hf_where tx, void *user, hf_error *err)
{
	struct holding *holding = user;
	holding->state = HF_CLAIM_LEASED;
	return hf_claim_renew(tx, holding->fence, holding->holder, holding->lease_us, &holding->until, err);
}

static enum hf_status finish_tx(hf_where tx, void *user, hf_error *err)
{
	struct holding *holding = user;
	holding->state = HF_CLAIM_FINISHED;
	return hf_claim_finish(tx, holding->fence, holding->holder, &holding->requeued, err);
}

static enum hf_status fail_tx(hf_where tx, void *user, hf_error *err)
{
	struct holding *holding = user;
	bool dead = false;
	enum hf_status status = hf_claim_fail(tx, holding->fence, holding->holder, holding->reason, &dead, err);
	holding->state = dead ? HF_CLAIM_DEAD : HF_CLAIM_FAILED;
	holding->requeued = true;
	return status;
}

static enum hf_status release_tx(hf_where tx, void *user, hf_error *err)
{
	struct holding *holding = user;
	holding->state = HF_CLAIM_RELEASED;
	holding->requeued = true;
	return hf_claim_release(tx, holding->fence, holding->holder, err);
}

static enum hf_status hold(struct cli *cli, hf_transaction_fn *fn, hf_error *err)
{
	struct holding holding = {.holder = holder_of(cli)};
	enum hf_status status = fence_of(cli, &holding.fence, err);
	if (fn == renew_tx)
		holding.lease_us = lease_of(cli);
	if (fn == fail_tx)
		holding.reason = text_or_null(cli_text(cli, "reason"));
	if (status == HF_OK)
		status = out_check_fields(cli->out, queue_lease_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, fn, &holding, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(holding.fence), cell_word(hf_claim_state_word(holding.state)),
	                             fn == renew_tx ? cell_time(holding.until.us) : cell_null(),
	                             cell_bool(holding.requeued), cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, queue_lease_columns, cells, err);
}

enum hf_status queue_renew(struct cli *cli, hf_error *err)
{
	return hold(cli, renew_tx, err);
}

enum hf_status queue_finish(struct cli *cli, hf_error *err)
{
	return hold(cli, finish_tx, err);
}

enum hf_status queue_fail(struct cli *cli, hf_error *err)
{
	return hold(cli, fail_tx, err);
}

enum hf_status queue_release(struct cli *cli, hf_error *err)
{
	return hold(cli, release_tx, err);
}

/* ---- claims ---- */

const struct cmd_option queue_claims_options[] = {
	{.name = "state", /* in the order of enum hf_claim_state */
         .arg = "STATE",
         .kind = OPTION_CHOICE,
         .choices = "leased|finished|failed|released|expired|dead",
         .help = "only these; a lease whose time is over is leased until the next claim ends it"},
	{.name = "holder", .arg = "WHO", .help = "only this holder's"},
	{.name = "before",
         .arg = "FENCE",
         .kind = OPTION_INT,
         .min = 1,
         .max = INT64_MAX,
         .help = "start before this fence"},
	{0},
};

const struct column queue_claims_columns[] = {
	{.name = "fence", .kind = COLUMN_INT},
	{.name = "queue_id", .kind = COLUMN_INT, .help = "the entry, which may be gone"},
	{.name = "state"},
	{.name = "holder"},
	{.name = "attempt", .kind = COLUMN_INT},
	{.name = "attempts_max", .kind = COLUMN_INT, .title = ""},
	{.name = "claimed_at", .kind = COLUMN_TIME},
	{.name = "until", .kind = COLUMN_TIME},
	{.name = "ended_at", .kind = COLUMN_TIME},
	{.name = "reason"},
	{0},
};

static enum hf_status show_record(void *user, const struct hf_claim_record *record, hf_error *err)
{
	const struct cell cells[] = {cell_int(record->fence),
	                             cell_int(record->queue_id),
	                             cell_word(hf_claim_state_word(record->state)),
	                             cell_text(record->holder),
	                             cell_int(record->attempt),
	                             cell_int(record->attempts_max),
	                             cell_time(record->claimed_at.us),
	                             cell_time(record->until.us),
	                             record->has_ended_at ? cell_time(record->ended_at.us) : cell_null(),
	                             cell_text(record->reason)};
	return out_row(user, cells, err);
}

enum hf_status queue_claims(struct cli *cli, hf_error *err)
{
	struct hf_claim_filter filter = {.before = cli_int(cli, "before", 0),
	                                 .has_state = cli_given(cli, "state"),
	                                 .state = (enum hf_claim_state)cli_int(cli, "state", 0),
	                                 .holder = text_or_null(cli_text(cli, "holder")),
	                                 .limit = out_fetch_limit(cli->out)};
	hf_where where;
	enum hf_status status = cli_list(cli, queue_claims_columns, &where, err);
	if (status == HF_OK)
		status = hf_claim_list(where, &filter, show_record, cli->out, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- prune ---- */

const struct cmd_option queue_prune_options[] = {
	{.name = "older-than",
         .arg = "TIME",
         .kind = OPTION_DURATION,
         .min = 0,
         .max = INT64_C(315360000000),
         .help = "claims that ended longer ago than that (default 7d)"},
	{0},
};

struct pruning {
	int64_t older_than_us;
	int64_t pruned;
};

static enum hf_status prune_tx(hf_where tx, void *user, hf_error *err)
{
	struct pruning *pruning = user;
	return hf_claim_prune(tx, pruning->older_than_us, &pruning->pruned, err);
}

enum hf_status queue_prune(struct cli *cli, hf_error *err)
{
	struct pruning pruning = {.older_than_us = cli_int(cli, "older-than", INT64_C(604800000)) * 1000};
	enum hf_status status = cli_write(cli, prune_tx, &pruning, err);
	if (status != HF_OK)
		return status;
	struct written written = {.what = "claims", .did = "removed", .changed = pruning.pruned};
	return out_written(cli->out, &written, err);
}

/* ---- assigner ---- */

const struct column queue_assigner_columns[] = {
	{.name = "active", .help = "holdfast or original: who hands out the queue"},
	{.name = "since", .kind = COLUMN_TIME},
	{.name = "leases", .kind = COLUMN_INT, .help = "of ours, that are live"},
	{0},
};

struct assigning {
	bool change;
	int64_t to; /* enum hf_assigner */
	struct hf_assigner_state state;
};

static enum hf_status assign_tx(hf_where tx, void *user, hf_error *err)
{
	struct assigning *assigning = user;
	enum hf_status status =
		assigning->change ? hf_assigner_set(tx, (enum hf_assigner)assigning->to, NULL, err) : HF_OK;
	return status == HF_OK ? hf_assigner_get(tx, &assigning->state, err) : status;
}

enum hf_status queue_assigner(struct cli *cli, hf_error *err)
{
	struct assigning assigning = {.change = cli_arg(cli, 0) != NULL};
	enum hf_status status = out_check_fields(cli->out, queue_assigner_columns, err);
	if (status == HF_OK && assigning.change)
		status = cli_choice("NAME", "original|holdfast", cli_arg(cli, 0), &assigning.to, err);
	if (status == HF_OK)
		status = cli_write(cli, assign_tx, &assigning, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_word(hf_assigner_word(assigning.state.active)),
	                             cell_time(assigning.state.since.us), cell_int(assigning.state.leases)};
	return out_object(cli->out, queue_assigner_columns, cells, err);
}
