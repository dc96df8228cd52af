/*
 * proposal.c - see holdfast/proposal.h. Here words become labels and rows structs; what follows from
 * a look happens in the statement that stores it.
 */
#include "holdfast/proposal.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/intern.h"
#include "base/str.h"
#include "base/words.h"
#include "janitor/columns.h"
#include "janitor/proposal_rows.h"
#include "janitor/transaction.h"
#include "janitor/values.h"

enum { BATCH = 5000, PROPOSALS_MAX = 1000000 };

static enum hf_status no_such_proposal(struct hf_str url, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no merge proposal %.*s", SHOWN(url));
}

enum hf_status proposal_status_parse(struct hf_str word, enum merge_proposal_status *ret_status, hf_error *err)
{
	const struct hf_type *type = &merge_proposal_status_type;
	int value;
	enum hf_status status = word_parse(word, type->labels, type->count, "status of a merge proposal", &value, err);
	if (status == HF_OK)
		*ret_status = (enum merge_proposal_status)value;
	return status;
}

static struct hf_str status_word(bool known, enum merge_proposal_status status)
{
	return known ? hf_str_of(merge_proposal_status_label(status)) : (struct hf_str){NULL, 0};
}

/* ---- reading ---- */

static struct hf_proposal proposal_of(const struct proposal_row *row)
{
	return (struct hf_proposal){.url = row->url,
	                            .codebase = GET_TEXT(row, codebase),
	                            .target_branch_url = GET_TEXT(row, target_branch_url),
	                            .status = status_word(row->has_status, row->status),
	                            .revision = GET_TEXT(row, revision),
	                            .merged_by = GET_TEXT(row, merged_by),
	                            .has_merged_at = row->has_merged_at,
	                            .merged_at = row->merged_at,
	                            .has_last_scanned = row->has_last_scanned,
	                            .last_scanned = row->last_scanned,
	                            .has_can_be_merged = row->has_can_be_merged,
	                            .can_be_merged = row->has_can_be_merged && row->can_be_merged,
	                            .rate_limit_bucket = GET_TEXT(row, rate_limit_bucket)};
}

enum hf_status hf_proposal_get(hf_where where, struct hf_str url, hf_arena *arena, struct hf_proposal *ret_proposal,
                               hf_error *err)
{
	struct proposal_row row;
	enum hf_status status = proposal_by_url(where, &(struct proposal_by_url_in){.url = url}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_proposal(url, err);
	if (status == HF_OK)
		*ret_proposal = proposal_of(&row);
	return status;
}

struct sink {
	hf_proposal_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct proposal_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_proposal proposal = proposal_of(row);
	return sink->fn(sink->user, &proposal, err);
}

enum hf_status hf_proposal_list(hf_where where, const struct hf_proposal_filter *filter, hf_proposal_fn *fn, void *user,
                                hf_error *err)
{
	struct sink sink = {fn, user};
	struct proposal_list_in in = {.can_be_merged = filter->can_be_merged,
	                              .has_can_be_merged = filter->has_can_be_merged,
	                              .with_status = filter->status.ptr != NULL,
	                              WITH_TEXT(revision, filter->revision),
	                              WITH_TEXT(campaign, filter->campaign),
	                              .scanned_before = filter->scanned_before,
	                              .with_scanned_before = filter->has_scanned_before,
	                              WITH_TEXT(after, filter->after),
	                              WITH_LIMIT(filter->limit)};
	enum hf_status status = HF_OK;
	SET_TEXT(&in, codebase, filter->codebase);
	SET_TEXT(&in, bucket, filter->rate_limit_bucket);
	if (in.with_status)
		status = proposal_status_parse(filter->status, &in.status, err);
	return status == HF_OK ? proposal_list(where, &in, list_row, &sink, err) : status;
}

enum hf_status hf_proposal_source(hf_where where, struct hf_str url, hf_arena *arena,
                                  struct hf_proposal_source *ret_source, hf_error *err)
{
	struct proposal_source_row row;
	enum hf_status status = proposal_source(where, &(struct proposal_source_in){.url = url}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "no run made what merge proposal %.*s offers", SHOWN(url));
	if (status == HF_OK)
		*ret_source = (struct hf_proposal_source){row.id,         row.codebase, row.campaign,
		                                          row.change_set, row.role,     GET_TEXT(&row, remote_name),
		                                          row.revision};
	return status;
}

enum hf_status hf_proposal_open_of(hf_where where, struct hf_str codebase, struct hf_str branch_name, hf_arena *arena,
                                   struct hf_proposal *ret_proposal, hf_error *err)
{
	struct proposal_open_of_in in = {.codebase = codebase, .branch_name = branch_name};
	struct proposal_row row;
	enum hf_status status = proposal_open_of(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "%.*s has no open merge proposal from branch %.*s", SHOWN(codebase),
		                 SHOWN(branch_name));
	if (status == HF_OK)
		*ret_proposal = proposal_of(&row);
	return status;
}

/* ---- tallies ---- */

struct tally_sink {
	hf_proposal_tally_fn *fn;
	void *user;
};

static enum hf_status status_row(void *user, const struct proposal_statuses_row *row, hf_error *err)
{
	const struct tally_sink *sink = user;
	struct hf_proposal_tally tally = {status_word(row->has_status, row->status), row->proposals, row->codebases};
	return sink->fn(sink->user, &tally, err);
}

enum hf_status hf_proposal_statuses(hf_where where, struct hf_str rate_limit_bucket, hf_proposal_tally_fn *fn,
                                    void *user, hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct proposal_statuses_in in = {.has_bucket = false};
	SET_TEXT(&in, bucket, rate_limit_bucket);
	return proposal_statuses(where, &in, status_row, &sink, err);
}

static enum hf_status bucket_row(void *user, const struct proposal_buckets_row *row, hf_error *err)
{
	const struct tally_sink *sink = user;
	struct hf_proposal_tally tally = {GET_TEXT(row, rate_limit_bucket), row->proposals, row->codebases};
	return sink->fn(sink->user, &tally, err);
}

enum hf_status hf_proposal_buckets(hf_where where, struct hf_str status_text, hf_proposal_tally_fn *fn, void *user,
                                   hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct proposal_buckets_in in;
	enum hf_status status = proposal_status_parse(status_text, &in.status, err);
	return status == HF_OK ? proposal_buckets(where, &in, bucket_row, &sink, err) : status;
}

/* ---- writing ---- */

static enum hf_status check(const struct hf_proposal *proposal, hf_error *err)
{
	enum merge_proposal_status ignored;
	if (proposal->url.len == 0)
		return error_set(err, HF_E_INPUT, "a merge proposal needs a URL");
	return proposal->status.ptr ? proposal_status_parse(proposal->status, &ignored, err) : HF_OK;
}

#define MEMBER(member) offsetof(struct hf_proposal, member)

/* One statement for up to BATCH proposals. */
static enum hf_status put(hf_where where, const struct hf_proposal *proposals, size_t count,
                          struct hf_proposals_seen *seen, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct columns columns = {.arena = arena,
	                          .rows = proposals,
	                          .row_size = sizeof(*proposals),
	                          .count = (uint32_t)count};
	struct proposal_put_row row;
	if (!arena)
		return error_nomem(err);
	struct proposal_put_in in = {.urls = columns_text(&columns, MEMBER(url)),
	                             .codebases = columns_text(&columns, MEMBER(codebase)),
	                             .target_branch_urls = columns_text(&columns, MEMBER(target_branch_url)),
	                             .statuses = columns_text(&columns, MEMBER(status)),
	                             .revisions = columns_text(&columns, MEMBER(revision)),
	                             .mergers = columns_text(&columns, MEMBER(merged_by)),
	                             .merge_times =
	                                     columns_timestamp(&columns, MEMBER(has_merged_at), MEMBER(merged_at)),
	                             .mergeables =
	                                     columns_bool(&columns, MEMBER(has_can_be_merged), MEMBER(can_be_merged)),
	                             .rate_limit_buckets = columns_text(&columns, MEMBER(rate_limit_bucket))};
	if (columns.starved)
		return error_nomem(err);
	enum hf_status status = proposal_put(where, &in, arena, &row, err);
	if (status == HF_OK) {
		seen->inserted += row.inserted;
		seen->updated += row.updated;
		seen->branches += row.branches;
	}
	return status;
}

enum hf_status hf_proposal_put(hf_where where, const struct hf_proposal *proposal, struct hf_proposal_seen *ret_seen,
                               hf_error *err)
{
	struct hf_proposals_seen seen = {0};
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = check(proposal, err);
	if (status != HF_OK)
		return status;
	status = put(where, proposal, 1, &seen, &local);
	if (status == HF_OK && ret_seen)
		*ret_seen = (struct hf_proposal_seen){seen.inserted > 0, seen.branches};
	if (strcmp(local.constraint, "merge_proposal_codebase_fkey") == 0)
		error_reword(&local, "there is no codebase %.*s", SHOWN(proposal->codebase));
	if (status != HF_OK && err)
		*err = local;
	return status;
}

struct importing {
	const struct hf_proposal *proposals;
	size_t count;
	struct hf_proposals_seen seen;
};

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	struct importing *importing = user;
	enum hf_status status = HF_OK;
	importing->seen = (struct hf_proposals_seen){0};
	for (size_t at = 0; at < importing->count && status == HF_OK; at += BATCH) {
		size_t n = importing->count - at < BATCH ? importing->count - at : BATCH;
		status = put(tx, importing->proposals + at, n, &importing->seen, err);
		if (status != HF_OK)
			error_prefix(err, "merge proposals %zu to %zu", at + 1, at + n);
	}
	return status;
}

static enum hf_status check_all(const struct hf_proposal *proposals, size_t count, hf_error *err)
{
	CLEANUP(intern_freep) struct intern *urls = intern_new(PROPOSALS_MAX);
	if (!urls)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		enum hf_status status = check(&proposals[i], err);
		uint32_t number = status == HF_OK ? intern_add(urls, proposals[i].url) : INTERN_NONE;
		if (status == HF_OK && number == INTERN_NONE)
			return error_nomem(err);
		if (status == HF_OK && number != i)
			status = error_set(err, HF_E_INPUT, "the same URL came before");
		if (status != HF_OK) {
			error_prefix(err, "merge proposal %zu", i + 1);
			return status;
		}
	}
	return HF_OK;
}

enum hf_status hf_proposal_import(hf_where where, const struct hf_proposal *proposals, size_t count,
                                  struct hf_proposals_seen *ret_seen, hf_error *err)
{
	struct importing importing = {proposals, count, {0}};
	if (count > PROPOSALS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d merge proposals in one import", PROPOSALS_MAX);
	enum hf_status status = check_all(proposals, count, err);
	if (status == HF_OK)
		status = janitor_transaction(where, import_tx, &importing, err);
	if (status == HF_OK && ret_seen)
		*ret_seen = importing.seen;
	return status;
}

/* What a person may say of a proposal; that it is open or merged only the hosting site knows. */
static enum hf_status closing_parse(struct hf_str word, enum merge_proposal_status *ret_status, hf_error *err)
{
	enum hf_status status = proposal_status_parse(word, ret_status, err);
	if (status != HF_OK ||
	    (*ret_status != MERGE_PROPOSAL_STATUS_OPEN && *ret_status != MERGE_PROPOSAL_STATUS_MERGED))
		return status;
	error_set(err, HF_E_INPUT, "that a merge proposal is %.*s only its hosting site can say", STR_ARG(word));
	error_hint(err, "closed, abandoned, rejected or applied");
	return HF_E_INPUT;
}

enum hf_status hf_proposal_set_status(hf_where where, struct hf_str url, struct hf_str status_text,
                                      struct hf_str *ret_before, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct proposal_set_status_in in = {.url = url, .has_status = true};
	struct proposal_set_status_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = closing_parse(status_text, &in.status, err);
	if (status == HF_OK)
		status = proposal_set_status(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_proposal(url, err);
	if (status == HF_OK && !row.written)
		return error_set(err, HF_REJECTED, "merge proposal %.*s is %s: it cannot be closed", SHOWN(url),
		                 row.has_before ? merge_proposal_status_label(row.before) : "of unknown status");
	if (status == HF_OK && ret_before)
		*ret_before = status_word(row.has_before, row.before);
	return status;
}

enum hf_status hf_proposal_delete(hf_where where, struct hf_str url, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	int64_t removed;
	enum hf_status status = proposal_delete(where, &(struct proposal_delete_in){.url = url}, &removed, &local);
	if (status == HF_OK)
		return removed > 0 ? HF_OK : no_such_proposal(url, err);
	if (strcmp(local.constraint, "publish_merge_proposal_url_fkey") == 0)
		error_reword(&local, "a publish names merge proposal %.*s", SHOWN(url));
	if (err)
		*err = local;
	return status;
}

enum hf_status hf_proposal_move(hf_where where, struct hf_str url, struct hf_str canonical_url, bool *ret_joined,
                                hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct proposal_move_in in = {.url = url, .canonical_url = canonical_url};
	struct proposal_move_row row;
	if (!arena)
		return error_nomem(err);
	if (canonical_url.len == 0 || str_eq(url, canonical_url))
		return error_set(err, HF_E_INPUT, "merge proposal %.*s needs another URL to move to", SHOWN(url));
	enum hf_status status = proposal_move(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_proposal(url, err);
	if (status == HF_OK && ret_joined)
		*ret_joined = row.joined;
	return status;
}
