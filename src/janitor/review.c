/*
 * review.c - storing what somebody says about a run (holdfast/review.h): check, store, commit, then tell. The order of
 * the original (D-26) is kept apart in parity_tx(); both share the steps.
 */
#include "holdfast/review.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "holdfast/transaction.h"
#include "janitor/review_rows.h"
#include "janitor/runner.h"
#include "janitor/values.h"

#define RUNNER_TIMEOUT_MS 30000

struct reviewing {
	const struct hf_review_request *request;
	const struct hf_defects *keep;
	hf_context *ctx;
	hf_deadline deadline;     /* of the caller; HF_DEADLINE_DEFAULT = none */
	struct hf_str verdict;    /* the word to store */
	bool reschedule, decides; /* decides: the verdict is the publish status */
	hf_arena *arena;
	struct hf_str codebase, campaign; /* once read */
	struct hf_schedule_result scheduled;
};

enum hf_status verdict_parse(struct hf_str word, enum verdict *ret_verdict, hf_error *err)
{
	int value;
	enum hf_status status = word_parse(word, verdict_type.labels, verdict_type.count, "verdict", &value, err);
	if (status == HF_OK)
		*ret_verdict = (enum verdict)value;
	return status;
}

/* ---- steps ---- */

static enum hf_status no_run(struct hf_str id, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no run %.*s", (int)(id.len > 100 ? 100 : id.len), id.ptr);
}

static enum hf_status read_run(hf_where tx, struct reviewing *reviewing, bool *ret_has_revision, hf_error *err)
{
	struct review_subject_row row;
	struct review_subject_in in = {.run_id = reviewing->request->run_id};
	enum hf_status status = review_subject(tx, &in, reviewing->arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_run(in.run_id, err);
	if (status != HF_OK)
		return status;
	reviewing->codebase = row.codebase;
	reviewing->campaign = row.campaign;
	*ret_has_revision = row.has_a_revision;
	return HF_OK;
}

static enum hf_status reschedule(hf_where tx, struct reviewing *reviewing, hf_error *err)
{
	struct hf_str who = reviewing->request->reviewer;
	if (!who.ptr)
		who = HF_STR("None"); /* as the original writes it */
	struct hf_schedule_direct direct = {.codebase = reviewing->codebase,
	                                    .campaign = reviewing->campaign,
	                                    .requester =
	                                            arena_printf(reviewing->arena, "reviewer (%.*s)", STR_ARG(who)),
	                                    .bucket_set = true,
	                                    .bucket = HF_BUCKET_DEFAULT,
	                                    .refresh = true,
	                                    .keep = reviewing->keep};
	if (!direct.requester.ptr)
		return error_nomem(err);
	return hf_schedule_one(tx, &direct, &reviewing->scheduled, err);
}

static enum hf_status put(hf_where tx, const struct reviewing *reviewing, hf_error *err)
{
	const struct hf_review_request *request = reviewing->request;
	const struct hf_review review = {.run_id = request->run_id,
	                                 .verdict = reviewing->verdict,
	                                 .comment = request->comment,
	                                 .reviewer = request->reviewer};
	enum verdict ignored;
	enum hf_status status = verdict_parse(review.verdict, &ignored, err);
	if (status == HF_OK)
		status = reviews_put(tx, &review, 1, err);
	if (status == HF_REJECTED && err && strcmp(err->constraint, "review_run_id_fkey") == 0)
		error_reword(err, "there is no run %.*s", SHOWN(review.run_id));
	return status;
}

static enum hf_status write_status(hf_where tx, const struct reviewing *reviewing, hf_error *err)
{
	struct hf_run_publish_change change;
	return hf_run_set_publish_status(tx, reviewing->request->run_id, reviewing->verdict, reviewing->arena, &change,
	                                 err);
}

static enum hf_status tell_runner(const struct reviewing *reviewing, hf_error *err)
{
	const struct hf_review_request *request = reviewing->request;
	int64_t ms = request->runner_timeout_ms > 0 ? request->runner_timeout_ms : RUNNER_TIMEOUT_MS;
	hf_deadline deadline = hf_deadline_in(reviewing->ctx, ms);
	if (reviewing->deadline != HF_DEADLINE_DEFAULT && reviewing->deadline < deadline)
		deadline = reviewing->deadline;
	return hf_runner_set_publish_status(reviewing->ctx, request->runner_url, request->run_id, reviewing->verdict,
	                                    deadline, err);
}

static enum hf_status call_hook(const struct reviewing *reviewing, bool status_set, hf_error *err)
{
	const struct hf_review_request *request = reviewing->request;
	struct hf_review_event event = {.run_id = request->run_id,
	                                .codebase = reviewing->codebase,
	                                .campaign = reviewing->campaign,
	                                .verdict = reviewing->verdict,
	                                .comment = request->comment,
	                                .reviewer = request->reviewer,
	                                .publish_status = status_set ? reviewing->verdict : (struct hf_str){NULL, 0},
	                                .rescheduled = reviewing->reschedule};
	return request->hook(request->hook_user, &event, err);
}

/* ---- two orders ---- */

static enum hf_status store_tx(hf_where tx, void *user, hf_error *err)
{
	struct reviewing *reviewing = user;
	const struct hf_review_request *request = reviewing->request;
	bool has_revision;
	enum hf_status status = read_run(tx, reviewing, &has_revision, err);
	if (status == HF_OK && reviewing->decides && !has_revision && str_eq(reviewing->verdict, HF_STR("approved")))
		return error_set(err, HF_REJECTED, "run %.*s cannot be approved: it has no revision",
		                 (int)(request->run_id.len > 100 ? 100 : request->run_id.len), request->run_id.ptr);
	if (status == HF_OK && reviewing->reschedule)
		status = reschedule(tx, reviewing, err);
	if (status == HF_OK)
		status = put(tx, reviewing, err);
	if (status == HF_OK && reviewing->decides && !request->runner_url)
		status = write_status(tx, reviewing, err);
	return status;
}

/* D-26: the runner hears of it first. The run is read where the original reads it, and for the hook. */
static enum hf_status parity_tx(hf_where tx, void *user, hf_error *err)
{
	struct reviewing *reviewing = user;
	const struct hf_review_request *request = reviewing->request;
	bool has_revision;
	enum hf_status status = HF_OK;
	if (reviewing->reschedule)
		status = read_run(tx, reviewing, &has_revision, err);
	if (status == HF_OK && reviewing->reschedule)
		status = reschedule(tx, reviewing, err);
	if (status == HF_OK && reviewing->decides)
		status = request->runner_url ? tell_runner(reviewing, err) : write_status(tx, reviewing, err);
	if (status == HF_OK)
		status = put(tx, reviewing, err);
	if (status == HF_OK && request->hook && !reviewing->codebase.ptr)
		status = read_run(tx, reviewing, &has_revision, err);
	return status;
}

static enum hf_status stored_but(enum hf_status status, hf_error *err)
{
	error_prefix(err, "the review is stored, but not everybody was told");
	if (err && !err->hint[0])
		error_hint(err, "give the same verdict again: it replaces itself, and everybody is told");
	return status;
}

/* After the commit: both are tried, the first failure counts. */
static enum hf_status tell(const struct reviewing *reviewing, bool told_before, struct hf_review_result *result,
                           hf_error *err)
{
	const struct hf_review_request *request = reviewing->request;
	hf_error hook_err = HF_ERROR_INIT;
	enum hf_status status = HF_OK, hook_status = HF_OK;
	bool to_tell = reviewing->decides && request->runner_url;
	if (to_tell && !told_before)
		status = tell_runner(reviewing, err);
	result->runner_told = to_tell && status == HF_OK;
	if (reviewing->decides && status == HF_OK)
		result->publish_status = reviewing->verdict;
	if (request->hook)
		hook_status = call_hook(reviewing, result->publish_status.ptr != NULL, &hook_err);
	if (status == HF_OK && hook_status != HF_OK && err)
		*err = hook_err;
	status = status == HF_OK ? hook_status : status;
	return status == HF_OK ? HF_OK : stored_but(status, err);
}

/* ---- the call ---- */

static enum hf_status check(hf_where where, const struct hf_review_request *request, bool parity, hf_error *err)
{
	enum hf_status status = options_check("hf_review_request", request->size, sizeof(*request), err);
	bool inside = where.kind == HF_WHERE_TRANSACTION;
	if (status == HF_OK && inside && (request->hook || (request->runner_url && !parity)))
		return error_set(err, HF_E_USAGE, "inside a transaction nobody can be told of a review before its end");
	if (status == HF_OK && request->runner_url)
		status = runner_check(request->runner_url, request->run_id, err);
	return status;
}

/* The words as constants, so that the result outlives the request. */
static enum hf_status prepare(struct reviewing *reviewing, bool parity, hf_error *err)
{
	const struct hf_review_request *request = reviewing->request;
	enum verdict verdict = VERDICT_REJECTED;
	enum hf_status status = HF_OK;
	reviewing->reschedule = str_eq(request->verdict, HF_STR("reschedule"));
	if (!reviewing->reschedule)
		status = verdict_parse(request->verdict, &verdict, parity ? NULL : err);
	if (status != HF_OK && !parity)
		return status;
	reviewing->verdict = status == HF_OK ? hf_str_of(verdict_label(verdict)) : request->verdict;
	reviewing->decides = request->is_qa && !str_eq(reviewing->verdict, HF_STR("abstained"));
	return HF_OK;
}

enum hf_status hf_review_store(hf_where where, const struct hf_review_request *request, const struct hf_defects *keep,
                               struct hf_review_result *ret_result, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	bool parity = hf_defects_kept(keep, 26);
	const struct hf_transaction_options how = {.size = sizeof(how),
	                                           .isolation = HF_READ_COMMITTED,
	                                           .attempts_max = parity ? 1 : 0};
	struct reviewing reviewing = {.request = request,
	                              .keep = keep,
	                              .ctx = hf_where_context(where),
	                              .deadline = where.deadline,
	                              .arena = arena};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = check(where, request, parity, err);
	if (status == HF_OK)
		status = prepare(&reviewing, parity, err);
	if (status == HF_OK)
		status = hf_transaction(where, &how, parity ? parity_tx : store_tx, &reviewing, err);
	if (status != HF_OK)
		return status;
	*ret_result = (struct hf_review_result){.stored = true,
	                                        .verdict = reviewing.verdict,
	                                        .rescheduled = reviewing.reschedule,
	                                        .scheduled = reviewing.scheduled};
	return tell(&reviewing, parity, ret_result, err);
}
