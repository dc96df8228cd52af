/*
 * queue_one.c - `holdfast queue` show, add, move, remove: one entry. Their entries in the table stand in queue.c.
 */
#include "base/error.h"
#include "cli/preview.h"
#include "cli/queue.h"
#include "cli/rows.h"

enum hf_status queue_id(struct cli *cli, int32_t *ret_id, hf_error *err)
{
	int64_t number;
	if (!str_to_i64(hf_str_of(cli_arg(cli, 0)), &number) || number < 1 || number > INT32_MAX)
		return error_set(err, HF_E_USAGE, "\"%.40s\" is no id of a queue entry", cli_arg(cli, 0));
	*ret_id = (int32_t)number;
	return HF_OK;
}

enum hf_status queue_show(struct cli *cli, hf_error *err)
{
	struct cell cells[QUEUE_ITEM_CELLS];
	struct hf_queue_item item;
	int32_t id;
	hf_where where;
	enum hf_status status = queue_id(cli, &id, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_queue_get(where, id, cli->arena, &item, err);
	if (status != HF_OK)
		return status;
	queue_item_cells(&item, cells);
	return out_object(cli->out, queue_item_columns, cells, err);
}

/* ---- move ---- */

const struct cmd_option queue_move_options[] = {
	{.name = "ahead", .kind = OPTION_FLAG, .help = "ahead of all others"},
	{.name = "priority",
         .arg = "N",
         .kind = OPTION_INT,
         .min = INT64_MIN,
         .max = INT64_MAX,
         .help = "within its bucket; smaller is sooner"},
	{.name = "bucket",
         .arg = "NAME",
         .kind = OPTION_CHOICE,
         .choices = BUCKET_WORDS,
         .help = "with --priority: another class"},
	{0},
};

const struct column queue_move_columns[] = {
	{.name = "changed", .kind = COLUMN_INT},
	{.name = "id", .kind = COLUMN_INT},
	{.name = "bucket"},
	{.name = "priority", .kind = COLUMN_INT},
	{.name = "bucket_before"},
	{.name = "priority_before", .kind = COLUMN_INT},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct moving {
	struct hf_str codebase, campaign;
	struct hf_queue_move move;
	struct hf_queue_position position;
	struct hf_queue_moved moved;
};

static enum hf_status move_tx(hf_where tx, void *user, hf_error *err)
{
	struct moving *moving = user;
	enum hf_status status = hf_queue_position(tx, moving->codebase, moving->campaign, &moving->position, err);
	return status == HF_OK ? hf_queue_move(tx, moving->position.id, &moving->move, &moving->moved, err) : status;
}

static enum hf_status fill(struct cli *cli, struct hf_queue_move *ret_move, hf_error *err)
{
	*ret_move = (struct hf_queue_move){.first = cli_given(cli, "ahead"),
	                                   .priority = cli_int(cli, "priority", 0),
	                                   .has_bucket = cli_given(cli, "bucket"),
	                                   .bucket = cli_bucket(cli)};
	if (ret_move->first == cli_given(cli, "priority"))
		return error_set(err, HF_E_USAGE, "queue move needs --ahead or --priority, one of them");
	if (ret_move->first && ret_move->has_bucket)
		return error_set(err, HF_E_USAGE, "--ahead finds its own bucket");
	return HF_OK;
}

enum hf_status queue_move_verb(struct cli *cli, hf_error *err)
{
	struct moving moving = {.codebase = hf_str_of(cli_arg(cli, 0)), .campaign = hf_str_of(cli_arg(cli, 1))};
	const struct hf_queue_moved *moved = &moving.moved;
	enum hf_status status = fill(cli, &moving.move, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, queue_move_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, move_tx, &moving, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(moved->changed),
	                             cell_int(moving.position.id),
	                             cell_word(hf_bucket_word(moved->bucket)),
	                             cell_int(moved->priority),
	                             cell_word(hf_bucket_word(moved->bucket_before)),
	                             cell_int(moved->priority_before),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, queue_move_columns, cells, err);
}

/* ---- add, remove ---- */

const struct cmd_option queue_add_options[] = {
	{.name = "command", .arg = "TEXT", .help = "what to run"},
	{.name = "bucket",
         .arg = "NAME",
         .kind = OPTION_CHOICE,
         .choices = BUCKET_WORDS,
         .help = "class of the entry (default: default)"},
	{.name = "offset", .arg = "N", .kind = OPTION_NUMBER, .help = "the priority; smaller is sooner"},
	{.name = "context", .arg = "TEXT", .help = "what the run is expected to find"},
	{.name = "estimate",
         .arg = "TIME",
         .kind = OPTION_DURATION,
         .min = 0,
         .max = INT64_C(8640000000),
         .help = "estimated duration"},
	{.name = "requester", .arg = "WHO", .help = "who asks for it"},
	{.name = "change-set", .arg = "ID", .help = "change set that the run belongs to"},
	{.name = "refresh", .kind = OPTION_FLAG, .help = "start from scratch"},
	{0},
};

const struct column queue_added_columns[] = {
	{.name = "id", .kind = COLUMN_INT, .help = "of the entry that holds the place now"},
	{.name = "bucket", .help = "of that entry; an earlier bucket keeps its entry"},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct addition {
	struct hf_queue_request request;
	int32_t id;
	enum hf_bucket bucket;
};

static enum hf_status add_tx(hf_where tx, void *user, hf_error *err)
{
	struct addition *addition = user;
	return hf_queue_add(tx, &addition->request, &addition->id, &addition->bucket, err);
}

/* Without one the entry that holds the place would lose its own. */
static enum hf_status check_command(struct cli *cli, hf_error *err)
{
	if (cli_given(cli, "command"))
		return HF_OK;
	error_set(err, HF_E_USAGE, "queue add needs --command: what to run");
	error_hint(err, "that of the candidate   holdfast schedule one CODEBASE CAMPAIGN");
	return HF_E_USAGE;
}

enum hf_status queue_add_verb(struct cli *cli, hf_error *err)
{
	struct addition addition = {.request = {.codebase = hf_str_of(cli_arg(cli, 0)),
	                                        .campaign = hf_str_of(cli_arg(cli, 1)),
	                                        .command = text_or_null(cli_text(cli, "command")),
	                                        .change_set = text_or_null(cli_text(cli, "change-set")),
	                                        .context = text_or_null(cli_text(cli, "context")),
	                                        .requester = text_or_null(cli_text(cli, "requester")),
	                                        .offset = cli_number(cli, "offset", 0.0),
	                                        .bucket = cli_bucket(cli),
	                                        .refresh = cli_given(cli, "refresh"),
	                                        .has_estimated_duration = cli_given(cli, "estimate"),
	                                        .estimated_duration_us = cli_int(cli, "estimate", 0) * 1000}};
	enum hf_status status = check_command(cli, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, queue_added_columns, err);
	if (status == HF_OK)
		status = cli_defects(cli, &addition.request.keep, err);
	if (status == HF_OK)
		status = cli_write(cli, add_tx, &addition, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(addition.id), cell_word(hf_bucket_word(addition.bucket)),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, queue_added_columns, cells, err);
}

static enum hf_status remove_tx(hf_where tx, void *user, hf_error *err)
{
	return hf_queue_remove(tx, *(const int32_t *)user, err);
}

enum hf_status queue_remove_verb(struct cli *cli, hf_error *err)
{
	int32_t id;
	enum hf_status status = queue_id(cli, &id, err);
	if (status == HF_OK)
		status = cli_write(cli, remove_tx, &id, err);
	if (status != HF_OK)
		return status;
	const int64_t number = id;
	struct written written = {.what = "queue entries", .did = "removed", .changed = 1, .ids = &number, .nids = 1};
	return out_written(cli->out, &written, err);
}
