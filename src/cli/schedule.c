/*
 * schedule.c - `holdfast schedule`: run, simulate, one, control, after-run, estimate. As the original is called:
 * schedule_janitor.c.
 */
#include <stdlib.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "cli/schedule.h"
#include "cli/schedule_janitor.h"
#include "holdfast/candidate.h"
#include "holdfast/run.h"
#include "holdfast/schedule.h"

enum { NAMES_LOOKED_AT = 100 };

static const struct column run_columns[] = {
	{.name = "changed", .kind = COLUMN_INT, .help = "entries added or replaced"},
	{.name = "items", .kind = COLUMN_INT, .help = "candidates with a publish policy"},
	{.name = "added", .kind = COLUMN_INT},
	{.name = "replaced", .kind = COLUMN_INT},
	{.name = "kept", .kind = COLUMN_INT, .help = "an earlier bucket holds the place"},
	{.name = "refused", .kind = COLUMN_INT, .help = "left out, since they cannot be scheduled"},
	{.name = "verified", .kind = COLUMN_INT, .help = "recomputed one by one and found equal"},
	{.name = "verify_seed", .kind = COLUMN_INT, .title = ""},
	{.name = "jobs", .kind = COLUMN_INT, .help = "transactions that wrote what was added"},
	{.name = "read_s", .kind = COLUMN_DURATION},
	{.name = "write_s", .kind = COLUMN_DURATION},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

enum hf_status schedule_codebases(struct cli *cli, struct hf_str_array *ret_codebases, hf_error *err)
{
	size_t n = cli_nargs(cli);
	struct hf_str *names = hf_arena_calloc(cli->arena, n, sizeof(*names));
	if (!names)
		return error_nomem(err);
	for (size_t i = 0; i < n; i++)
		names[i] = hf_str_of(cli_arg(cli, i));
	*ret_codebases = (struct hf_str_array){.count = (uint32_t)n, .ndim = 1, .values = names};
	return HF_OK;
}

enum hf_status schedule_where(struct cli *cli, struct hf_schedule_options *options, hf_where *ret_where, hf_error *err)
{
	if (options->dry_run || options->verify > 0)
		options->writers = 1;
	return options->writers > 1 ? cli_where_of(cli, options->writers, ret_where, err)
	                            : cli_where(cli, ret_where, err);
}

static enum hf_status show_run(struct cli *cli, const struct hf_schedule_report *report, hf_error *err)
{
	const struct cell cells[] = {cell_int(report->added + report->replaced),
	                             cell_int(report->items),
	                             cell_int(report->added),
	                             cell_int(report->replaced),
	                             cell_int(report->kept),
	                             cell_int(report->refused),
	                             cell_int(report->verified),
	                             report->verified ? cell_int((int64_t)report->verify_seed) : cell_null(),
	                             cell_int(report->writers),
	                             cell_duration((double)report->read_us / 1e6),
	                             cell_duration((double)report->write_us / 1e6),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, run_columns, cells, err);
}

/* A name that nothing answers to is a mistake; that nothing is left to do is not. */
static enum hf_status check_matched(struct cli *cli, const struct hf_schedule_report *report, hf_error *err)
{
	const char *campaign = cli_text(cli, "campaign");
	if (report->items > 0 || report->refused > 0 || (!campaign && cli_nargs(cli) == 0))
		return HF_OK;
	error_set(err, HF_NOT_FOUND, "there is no candidate%s%s%s with a publish policy%s",
	          campaign ? " of campaign \"" : "", campaign ? campaign : "", campaign ? "\"" : "",
	          cli_nargs(cli) > 0 ? " for these codebases" : "");
	error_hint(err, "the candidates: holdfast candidate list%s%s", campaign ? " --campaign " : "",
	           campaign ? campaign : "");
	return HF_NOT_FOUND;
}

/* Beside names that were right a wrong one would pass unseen. What was done stays done, whatever the look brings. */
static void note_unknown(struct cli *cli, hf_where where)
{
	const char *campaign = cli_text(cli, "campaign");
	hf_error ignored = HF_ERROR_INIT;
	for (size_t i = 0; i < cli_nargs(cli) && i < NAMES_LOOKED_AT; i++) {
		int64_t count = 0;
		struct hf_candidate_filter filter = {.codebase = hf_str_of(cli_arg(cli, i)),
		                                     .campaign = text_or_null(campaign)};
		if (hf_candidate_count(where, &filter, &count, &ignored) == HF_OK && count == 0)
			cli_note(cli, "nothing to schedule for %s: it has no candidate%s%s%s", cli_arg(cli, i),
			         campaign ? " of campaign \"" : "", campaign ? campaign : "", campaign ? "\"" : "");
	}
}

static enum hf_status run_run(struct cli *cli, hf_error *err)
{
	struct hf_schedule_options options = {.size = sizeof(options),
	                                      .campaign = text_or_null(cli_text(cli, "campaign")),
	                                      .bucket_set = cli_given(cli, "bucket"),
	                                      .bucket = cli_bucket(cli),
	                                      .default_offset = cli_number(cli, "offset", 0.0),
	                                      .verify = (uint32_t)cli_int(cli, "verify", 0),
	                                      .verify_seed = (uint64_t)cli_int(cli, "seed", 0),
	                                      .dry_run = cli->globals.dry_run,
	                                      .writers = (uint32_t)cli_int(cli, "jobs", SCHEDULE_JOBS)};
	struct hf_schedule_report report;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, run_columns, err);
	if (status == HF_OK)
		status = schedule_codebases(cli, &options.codebases, err);
	if (status == HF_OK)
		status = cli_defects(cli, &options.keep, err);
	if (status == HF_OK)
		status = schedule_where(cli, &options, &where, err);
	if (status == HF_OK)
		status = hf_schedule_run(where, &options, &report, err);
	if (status == HF_OK)
		status = check_matched(cli, &report, err);
	if (status == HF_OK)
		note_unknown(cli, where);
	return status == HF_OK ? show_run(cli, &report, err) : cli_rolled_back(status, err);
}

static enum hf_status run_simulate(struct cli *cli, hf_error *err)
{
	cli->globals.dry_run = true;
	return run_run(cli, err);
}

/* ---- one, control ---- */

static const struct column one_columns[] = {
	{.name = "id", .kind = COLUMN_INT, .help = "of the queue entry"},
	{.name = "bucket", .help = "as stored"},
	{.name = "offset", .kind = COLUMN_NUMBER, .help = "as computed or asked for"},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct job {
	struct hf_schedule_direct direct;
	struct hf_schedule_request regular;
	struct hf_str revision;
	struct hf_schedule_result result;
};

static enum hf_status direct_tx(hf_where tx, void *user, hf_error *err)
{
	struct job *job = user;
	return hf_schedule_one(tx, &job->direct, &job->result, err);
}

static enum hf_status regular_tx(hf_where tx, void *user, hf_error *err)
{
	struct job *job = user;
	return hf_schedule_candidate(tx, &job->regular, &job->result, NULL, err);
}

static enum hf_status control_tx(hf_where tx, void *user, hf_error *err)
{
	struct job *job = user;
	return hf_schedule_control(tx, &job->direct, job->revision, &job->result, err);
}

static enum hf_status fill_direct(struct cli *cli, struct job *job, hf_error *err)
{
	job->direct = (struct hf_schedule_direct){.codebase = hf_str_of(cli_arg(cli, 0)),
	                                          .campaign = text_or_null(cli_arg(cli, 1)),
	                                          .change_set = text_or_null(cli_text(cli, "change-set")),
	                                          .requester = text_or_null(cli_text(cli, "requester")),
	                                          .bucket_set = cli_given(cli, "bucket"),
	                                          .bucket = cli_bucket(cli),
	                                          .has_offset = cli_given(cli, "offset"),
	                                          .offset = cli_number(cli, "offset", 0.0),
	                                          .refresh = cli_given(cli, "refresh")};
	return cli_defects(cli, &job->direct.keep, err);
}

static enum hf_status run_job(struct cli *cli, struct job *job, hf_transaction_fn *fn, hf_error *err)
{
	enum hf_status status = out_check_fields(cli->out, one_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, fn, job, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(job->result.queue_id), cell_word(hf_bucket_word(job->result.bucket)),
	                             cell_number(job->result.offset),
	                             cell_duration((double)job->result.estimated_duration_us / 1e6),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, one_columns, cells, err);
}

/* With an offset it goes there; without one its history and value decide. */
static enum hf_status run_one(struct cli *cli, hf_error *err)
{
	struct job job;
	enum hf_status status = fill_direct(cli, &job, err);
	if (status != HF_OK)
		return status;
	if (job.direct.has_offset)
		return run_job(cli, &job, direct_tx, err);
	job.regular = (struct hf_schedule_request){.item = {.codebase = job.direct.codebase,
	                                                    .campaign = job.direct.campaign,
	                                                    .change_set = job.direct.change_set},
	                                           .requester = job.direct.requester,
	                                           .bucket_set = job.direct.bucket_set,
	                                           .bucket = job.direct.bucket,
	                                           .refresh = job.direct.refresh,
	                                           .keep = job.direct.keep};
	return run_job(cli, &job, regular_tx, err);
}

static enum hf_status run_control(struct cli *cli, hf_error *err)
{
	struct job job;
	enum hf_status status = fill_direct(cli, &job, err);
	job.revision = text_or_null(cli_text(cli, "revision"));
	return status == HF_OK ? run_job(cli, &job, control_tx, err) : status;
}

/* ---- after-run ---- */

static const struct column after_columns[] = {
	{.name = "run_id"},
	{.name = "codebase"},
	{.name = "campaign"},
	{.name = "scheduled", .kind = COLUMN_BOOL, .help = "false: no candidate, or what no other run can change"},
	{.name = "queue_id", .kind = COLUMN_INT, .help = "null where nothing was scheduled, as what follows"},
	{.name = "bucket"},
	{.name = "offset", .kind = COLUMN_NUMBER},
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION},
	{.name = "dry_run", .kind = COLUMN_BOOL},
	{0},
};

struct following {
	struct hf_str id;
	const struct hf_defects *keep;
	hf_arena *arena;
	struct hf_run run;
	bool scheduled;
	struct hf_schedule_result result;
};

/* A run whose change set has its own id was asked for without one. */
static enum hf_status after_tx(hf_where tx, void *user, hf_error *err)
{
	struct following *following = user;
	const struct hf_run *run = &following->run;
	enum hf_status status = hf_run_get(tx, following->id, following->arena, &following->run, err);
	if (status != HF_OK)
		return status;
	const bool own_set = run->change_set.ptr && str_eq(run->change_set, run->id);
	const struct hf_schedule_after after = {.codebase = run->codebase,
	                                        .campaign = run->campaign,
	                                        .change_set = own_set ? (struct hf_str){NULL, 0} : run->change_set,
	                                        .context = run->context,
	                                        .result_code = run->result_code,
	                                        .keep = following->keep};
	return hf_schedule_after_run(tx, &after, &following->scheduled, &following->result, err);
}

static enum hf_status run_after(struct cli *cli, hf_error *err)
{
	struct following following = {.id = hf_str_of(cli_arg(cli, 0)), .arena = cli->arena};
	const struct hf_schedule_result *result = &following.result;
	enum hf_status status = cli_defects(cli, &following.keep, err);
	if (status == HF_OK)
		status = out_check_fields(cli->out, after_columns, err);
	if (status == HF_OK)
		status = cli_write(cli, after_tx, &following, err);
	if (status != HF_OK)
		return status;
	const bool done = following.scheduled;
	const struct cell cells[] = {cell_text(following.run.id),
	                             cell_text(following.run.codebase),
	                             cell_text(following.run.campaign),
	                             cell_bool(done),
	                             cell_int_or_null(done, result->queue_id),
	                             cell_word(done ? hf_bucket_word(result->bucket) : NULL),
	                             done ? cell_number(result->offset) : cell_null(),
	                             cell_us_or_null(done, result->estimated_duration_us),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, after_columns, cells, err);
}

/* ---- estimate ---- */

static const struct column estimate_columns[] = {
	{.name = "estimated_duration_s", .kind = COLUMN_DURATION, .help = "average of earlier runs, else 15 s"},
	{0},
};

static enum hf_status run_estimate(struct cli *cli, hf_error *err)
{
	int64_t us;
	hf_where where;
	enum hf_status status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_schedule_estimate(where, hf_str_of(cli_arg(cli, 0)), hf_str_of(cli_arg(cli, 1)), &us, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_duration((double)us / 1e6)};
	return out_object(cli->out, estimate_columns, cells, err);
}

/* ---- the table ---- */

#define BUCKET_OPTION                                                                            \
	{                                                                                        \
		.name = "bucket", .arg = "NAME", .kind = OPTION_CHOICE, .choices = BUCKET_WORDS, \
		.help = "class of the entries"                                                   \
	}
#define OFFSET_OPTION                                                                                          \
	{                                                                                                      \
		.name = "offset", .arg = "N", .kind = OPTION_NUMBER, .help = "the priority; smaller is sooner" \
	}
#define COMMON_OPTIONS                                                                                \
	BUCKET_OPTION, OFFSET_OPTION, {.name = "requester", .arg = "WHO", .help = "who asks for it"}, \
		{.name = "change-set", .arg = "ID", .help = "change set of the run"},                 \
	{                                                                                             \
		.name = "refresh", .kind = OPTION_FLAG, .help = "start from scratch"                  \
	}

static const struct cmd_option run_options[] = {
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	BUCKET_OPTION,
	OFFSET_OPTION,
	{.name = "verify",
         .arg = "N",
         .kind = OPTION_INT,
         .min = 0,
         .max = 10000000,
         .help = "recompute N random entries one by one; nothing is kept when one differs"},
	{.name = "seed", .arg = "N", .kind = OPTION_INT, .min = 1, .max = INT64_MAX, .help = "of the random choice"},
	SCHEDULE_JOBS_OPTION,
	{0},
};

static const struct cmd_option one_options[] = {COMMON_OPTIONS, {0}};

static const struct cmd_option control_options[] = {
	COMMON_OPTIONS,
	{.name = "revision", .arg = "REV", .help = "revision of the main branch to build"},
	{0},
};

const struct cmd schedule_commands[] = {
	{.noun = "schedule",
         .verb = "run",
         .args = "[CODEBASE...]",
         .summary = "put every candidate with a publish policy into the queue",
         .about =
                 "The most valuable codebases first, with the priorities that adding them one by one would give. All "
                 "is "
                 "decided and replaced at one moment; where there are 2,000 new entries or more, several connections "
                 "write "
                 "these (--jobs) and commit one after the other once all are written, so that a failure leaves none of "
                 "them, or the error says how many stand: run it again then. With --jobs 1 or --verify it is one "
                 "transaction, slower, and nobody else can write to the queue until its end. With --dry-run it is "
                 "simulated: all is decided and counted, nothing is written. What the original does otherwise is "
                 "chosen "
                 "by --defects.",
         .options = run_options,
         .columns = run_columns,
         .run = run_run,
         .flags = CMD_WRITES,
         .examples = {"holdfast schedule run", "holdfast schedule run --campaign lintian-fixes --verify 1000",
                      "holdfast schedule run --jobs 1", "holdfast schedule run bash zlib --dry-run"},
         .test_effect = "test_schedule_run_fills_the_queue",
         .test_refusal = "test_schedule_run_refuses_values_of_zero"},
	{.noun = "schedule",
         .verb = "simulate",
         .args = "[CODEBASE...]",
         .summary = "decide all that `run` would, and write nothing",
         .about = "The same as schedule run --dry-run: everything is read, decided and counted, no one who writes to "
                  "the "
                  "queue waits for it, and no number of its sequence is used.",
         .options = run_options,
         .columns = run_columns,
         .run = run_simulate,
         .examples = {"holdfast schedule simulate", "holdfast schedule simulate --campaign lintian-fixes --json",
                      "holdfast schedule simulate bash zlib"},
         .test_effect = "test_schedule_simulate_counts_and_writes_nothing",
         .test_refusal = "test_schedule_simulate_refuses_what_is_no_candidate"},
	{.noun = "schedule",
         .verb = "janitor",
         .args = "[CODEBASE...]",
         .summary = "fill the queue as the Janitor's own janitor.schedule does",
         .about = "Its flags, the database of its configuration, its words and exit codes (0, 1, 2), and its defects "
                  "unless --defects says otherwise. Called by the name janitor.schedule (a symbolic link), the program "
                  "does this and takes --config for --janitor-config. Names that nothing answers to are no "
                  "mistake here.",
         .options = schedule_janitor_options,
         .run = schedule_janitor,
         .flags = CMD_WRITES,
         .examples = {"holdfast schedule janitor --janitor-config /etc/janitor.conf",
                      "holdfast schedule janitor --campaign lintian-fixes --dry-run",
                      "holdfast schedule janitor --prometheus http://gateway:9091 bash"},
         .test_effect = "test_schedule_janitor_does_what_the_original_does",
         .test_refusal = "test_schedule_janitor_refuses_as_the_original_does"},
	{.noun = "schedule",
         .verb = "one",
         .args = "CODEBASE CAMPAIGN",
         .summary = "schedule one candidate, by its history or to --offset",
         .options = one_options,
         .columns = one_columns,
         .run = run_one,
         .flags = CMD_WRITES,
         .examples = {"holdfast schedule one bash lintian-fixes",
                      "holdfast schedule one bash lintian-fixes --offset -1",
                      "holdfast schedule one bash lintian-fixes --bucket manual --dry-run"},
         .test_effect = "test_schedule_one_by_history_and_to_an_offset",
         .test_refusal = "test_schedule_one_refuses_an_unknown_candidate"},
	{.noun = "schedule",
         .verb = "control",
         .args = "CODEBASE",
         .summary = "schedule a control run of a codebase",
         .options = control_options,
         .columns = one_columns,
         .run = run_control,
         .flags = CMD_WRITES,
         .examples = {"holdfast schedule control bash", "holdfast schedule control bash --revision 1a2b",
                      "holdfast schedule control bash --dry-run"},
         .test_effect = "test_schedule_control_quotes_the_revision",
         .test_refusal = "test_schedule_control_refuses_an_unknown_codebase"},
	{.noun = "schedule",
         .verb = "after-run",
         .args = "RUN",
         .summary = "ask for a codebase again after a run of it",
         .about = "By its candidate and its history, as the runner does it when a run is stored. Nothing is scheduled, "
                  "and that is no failure, where the "
                  "codebase has no candidate in the campaign, or where the run ended before it began because its "
                  "campaign is unknown or its code is nowhere: another run would end alike.",
         .columns = after_columns,
         .run = run_after,
         .flags = CMD_WRITES,
         .examples = {"holdfast schedule after-run 2f1b6f6e-4f5c-4e1c-9a44-0d2a1f6b9a10",
                      "holdfast schedule after-run r1 --json=scheduled,queue_id",
                      "holdfast schedule after-run r1 --dry-run"},
         .test_effect = "test_schedule_after_run_asks_again",
         .test_refusal = "test_schedule_after_run_refuses_an_unknown_run"},
	{.noun = "schedule",
         .verb = "estimate",
         .args = "CODEBASE CAMPAIGN",
         .summary = "estimate how long a run takes",
         .columns = estimate_columns,
         .run = run_estimate,
         .examples = {"holdfast schedule estimate bash lintian-fixes",
                      "holdfast schedule estimate bash lintian-fixes --json",
                      "holdfast --demo schedule estimate 0ad lintian-fixes"},
         .test_effect = "test_schedule_estimate_averages",
         .test_refusal = "test_schedule_estimate_refuses_a_missing_argument"},
	{0},
};
