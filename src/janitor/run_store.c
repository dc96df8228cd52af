/*
 * run_store.c - storing a run (holdfast/run.h). Everything is one statement, sql/queries/janitor/run.sql; a transaction
 * stands around it only where a claim ends with it, or where branches come separately as in the original.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "holdfast/claim.h"
#include "holdfast/run.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/run.h"

enum { BATCH = 1000, RUNS_MAX = 1000000 };

struct storing {
	const struct hf_run_report *report;
	bool branches_apart; /* D-04 */
	struct run_store_in in;
	struct result_branch *branches;
	struct result_tag *tags;
	hf_arena *arena;
	bool again;
};

/* ---- inputs ---- */

static enum hf_status fill_lists(struct storing *storing, hf_error *err)
{
	const struct hf_run_result *result = storing->report->result;
	storing->branches = hf_arena_calloc(storing->arena, result->nbranches + 1, sizeof(*storing->branches));
	storing->tags = hf_arena_calloc(storing->arena, result->ntags + 1, sizeof(*storing->tags));
	if (!storing->branches || !storing->tags)
		return error_nomem(err);
	for (size_t i = 0; i < result->nbranches; i++) {
		SET_TEXT(&storing->branches[i], role, result->branches[i].role);
		SET_TEXT(&storing->branches[i], remote_name, result->branches[i].remote_name);
		SET_TEXT(&storing->branches[i], base_revision, result->branches[i].base_revision);
		SET_TEXT(&storing->branches[i], revision, result->branches[i].revision);
	}
	for (size_t i = 0; i < result->ntags; i++) {
		SET_TEXT(&storing->tags[i], actual_name, result->tags[i].name);
		SET_TEXT(&storing->tags[i], revision, result->tags[i].revision);
	}
	return HF_OK;
}

static struct result_branch_array branches_of(const struct storing *storing)
{
	uint32_t count = (uint32_t)storing->report->result->nbranches;
	return (struct result_branch_array){.count = count, .ndim = count > 0, .values = storing->branches};
}

static enum hf_status fill_vcs(struct run_store_in *in, struct hf_str word, hf_error *err)
{
	if (!word.ptr)
		return HF_OK;
	int vcs = hf_enum_value(&vcs_type_type, word);
	if (vcs == HF_ENUM_UNKNOWN)
		return error_set(err, HF_E_INPUT, "result.json: vcs_type \"%.*s\" is no version control system",
		                 (int)(word.len > 40 ? 40 : word.len), word.ptr);
	in->vcs_type = (enum vcs_type)vcs;
	in->has_vcs_type = true;
	return HF_OK;
}

static void fill_build(struct run_store_in *in, const struct hf_debian_build *build)
{
	if (!build)
		return;
	SET_TEXT(in, build_version, build->version);
	SET_TEXT(in, build_distribution, build->distribution);
	SET_TEXT(in, build_source, build->source);
	SET_TEXT(in, build_lintian_result, build->lintian_result);
	in->build_binary_packages = build->binary_packages;
	in->has_build_binary_packages = true;
}

static void fill_run(const struct hf_run_report *report, struct run_store_in *in)
{
	const struct hf_run_result *result = report->result;
	in->id = report->id;
	in->codebase = result->codebase.ptr ? result->codebase : report->codebase;
	in->campaign = report->campaign;
	in->result_code = result->code;
	in->start_time = result->start_time;
	in->finish_time = result->finish_time;
	in->has_start_time = in->has_finish_time = true;
	in->logfilenames = report->logfilenames;
	in->value = result->value;
	in->has_value = result->has_value;
	in->failure_transient = result->transient;
	in->has_failure_transient = result->has_transient;
	in->queue_id = report->queue_id;
	in->has_queue_id = report->has_queue_id;
	SET_TEXT(in, command, report->command);
	SET_TEXT(in, description, result->description);
	SET_TEXT(in, instigated_context, report->instigated_context);
	SET_TEXT(in, context, result->context);
	SET_TEXT(in, main_branch_revision, result->main_branch_revision);
	SET_TEXT(in, revision, result->revision);
	SET_TEXT(in, result, result->codemod);
	SET_TEXT(in, branch_url, result->branch_url);
	SET_TEXT(in, subpath, result->subpath);
	SET_TEXT(in, worker, report->worker.ptr ? report->worker : result->worker_name);
	SET_TEXT(in, failure_stage, result->stage);
	SET_TEXT(in, failure_details, result->details);
	SET_TEXT(in, target_branch_url, result->target_branch_url);
	SET_TEXT(in, resume_from, result->refreshed ? ((struct hf_str){NULL, 0}) : report->resume_from);
	SET_TEXT(in, change_set, report->change_set.len > 0 ? report->change_set : ((struct hf_str){NULL, 0}));
}

static enum hf_status fill(struct storing *storing, hf_error *err)
{
	const struct hf_run_result *result = storing->report->result;
	struct run_store_in *in = &storing->in;
	enum hf_status status = fill_lists(storing, err);
	if (status == HF_OK)
		status = fill_vcs(in, result->vcs_type, err);
	fill_run(storing->report, in);
	fill_build(in, storing->report->build);
	in->branches = storing->branches_apart ? (struct result_branch_array){0} : branches_of(storing);
	in->has_result_tags = result->has_tags;
	in->result_tags = (struct result_tag_array){.count = (uint32_t)result->ntags,
	                                            .ndim = result->ntags > 0,
	                                            .values = storing->tags};
	return status;
}

/* ---- what the database refuses ---- */

static const struct {
	const char *constraint;
	const char *message; /* with the word behind it */
	size_t offset;       /* of that word in struct run_store_in; 0 = no word */
} refusals[] = {
	{"run_worker_fkey", "there is no worker", offsetof(struct run_store_in, worker)},
	{"run_codebase_fkey", "there is no codebase", offsetof(struct run_store_in, codebase)},
	{"run_change_set_fkey", "there is no change set", offsetof(struct run_store_in, change_set)},
	{"run_resume_from_fkey", "there is no earlier run", offsetof(struct run_store_in, resume_from)},
	{"suite_name_check", "no name for a campaign is", offsetof(struct run_store_in, campaign)},
	{"campaign_name_check", "no name for a campaign is", offsetof(struct run_store_in, campaign)},
	{"run_check1", "a run with nothing new to do needs the run that it resumed", 0},
	{"run_check", "the run finished before it started", 0},
};

static enum hf_status reworded(const struct run_store_in *in, enum hf_status status, hf_error *err)
{
	if (strcmp(err->constraint, "run_pkey") == 0) {
		error_reword(err, "run %.*s is stored already", SHOWN(in->id));
		return err->status = HF_CONFLICT;
	}
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (strcmp(err->constraint, refusals[i].constraint) != 0)
			continue;
		struct hf_str word = {NULL, 0};
		if (refusals[i].offset)
			memcpy(&word, (const char *)in + refusals[i].offset, sizeof(word));
		error_reword(err, "%s%s%.*s", refusals[i].message, word.ptr ? " " : "",
		             (int)(word.len > 100 ? 100 : word.len), word.ptr ? word.ptr : "");
	}
	return status;
}

/* ---- storing ---- */

/* One wait for all of them; *ret_failed is the one that `err` is about. */
static enum hf_status store_batch(hf_where where, const struct run_store_in *in, size_t count, size_t *ret_failed,
                                  hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct run_store_row *rows = arena ? hf_arena_calloc(arena, count, sizeof(*rows)) : NULL;
	struct hf_batch_item *items = rows ? hf_arena_calloc(arena, count, sizeof(*items)) : NULL;
	*ret_failed = 0;
	if (!items)
		return error_nomem(err);
	enum hf_status status = run_store(where, in, count, arena, rows, items, err);
	for (size_t i = 0; i < count && status != HF_OK; i++)
		if (items[i].outcome == HF_BATCH_FAILED)
			*ret_failed = i;
	return status == HF_OK ? HF_OK : reworded(&in[*ret_failed], status, err);
}

/* A batch says which of its items failed; of one that is no news. */
static void drop_place(hf_error *err)
{
	static const char place[] = "items[0]: ";
	const size_t n = sizeof(place) - 1;
	if (strncmp(err->message, place, n) == 0)
		memmove(err->message, err->message + n, strlen(err->message) - n + 1);
}

static enum hf_status store_rows(hf_where where, struct storing *storing, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	size_t failed;
	enum hf_status status = store_batch(where, &storing->in, 1, &failed, &local);
	if (status == HF_OK && storing->branches_apart && storing->report->result->nbranches > 0) {
		struct run_store_branches_in in = {.id = storing->in.id, .branches = branches_of(storing)};
		status = run_store_branches(where, &in, NULL, &local);
	}
	if (status == HF_OK)
		return HF_OK;
	drop_place(&local);
	if (err)
		*err = local;
	return status;
}

static enum hf_status store_tx(hf_where tx, void *user, hf_error *err)
{
	struct storing *storing = user;
	const struct hf_run_report *report = storing->report;
	enum hf_status status = HF_OK;
	if (report->has_claim)
		status = hf_claim_finish(tx, report->fence, report->holder, &storing->again, err);
	return status == HF_OK ? store_rows(tx, storing, err) : status;
}

static enum hf_status check(const struct hf_run_report *report, hf_error *err)
{
	enum hf_status status = options_check("hf_run_report", report->size, sizeof(*report), err);
	if (status != HF_OK)
		return status;
	if (report->has_claim && report->has_queue_id)
		return error_set(err, HF_E_USAGE, "a run has a claim or an entry of the queue, not both");
	return report->id.len > 0 ? HF_OK : error_set(err, HF_E_INPUT, "a run needs an id");
}

enum hf_status hf_run_store(hf_where where, const struct hf_run_report *report, const struct hf_defects *keep,
                            bool *ret_again, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct storing storing = {.report = report, .branches_apart = hf_defects_kept(keep, 4), .arena = arena};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = check(report, err);
	if (status == HF_OK)
		status = fill(&storing, err);
	if (status != HF_OK)
		return status;
	if (report->has_claim || storing.branches_apart)
		status = janitor_transaction(where, store_tx, &storing, err);
	else
		status = store_rows(where, &storing, err);
	if (status == HF_OK && ret_again)
		*ret_again = storing.again;
	return status;
}

/* ---- many ---- */

struct importing {
	const struct hf_run_report *reports;
	size_t count;
};

static enum hf_status import_batch(hf_where tx, const struct hf_run_report *reports, size_t count, size_t *ret_failed,
                                   hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct run_store_in *in = arena ? hf_arena_calloc(arena, count, sizeof(*in)) : NULL;
	if (!in)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct storing storing = {.report = &reports[i], .arena = arena};
		enum hf_status status = fill(&storing, err);
		*ret_failed = i;
		if (status != HF_OK)
			return status;
		in[i] = storing.in;
	}
	return store_batch(tx, in, count, ret_failed, err);
}

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	const struct importing *importing = user;
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = HF_OK;
	for (size_t at = 0; at < importing->count && status == HF_OK; at += BATCH) {
		size_t n = importing->count - at < BATCH ? importing->count - at : BATCH, failed = 0;
		status = import_batch(tx, importing->reports + at, n, &failed, &local);
		if (status != HF_OK)
			error_prefix(&local, "run %zu", at + failed + 1);
	}
	if (status != HF_OK && err)
		*err = local;
	return status;
}

enum hf_status hf_run_import(hf_where where, const struct hf_run_report *reports, size_t count, hf_error *err)
{
	struct importing importing = {reports, count};
	if (count > RUNS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d runs in one import", RUNS_MAX);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = check(&reports[i], err);
		if (status == HF_OK && reports[i].has_claim)
			status = error_set(err, HF_E_USAGE, "no claim ends with an import");
		if (status != HF_OK) {
			error_prefix(err, "run %zu", i + 1);
			return status;
		}
	}
	return count > 0 ? janitor_transaction(where, import_tx, &importing, err) : HF_OK;
}
