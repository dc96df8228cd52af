/*
 * publish.c - see holdfast/publish.h. What a success brings with it happens in the statement that stores it.
 */
#include "holdfast/publish.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "janitor/columns.h"
#include "janitor/policy_rows.h"
#include "janitor/transaction.h"
#include "janitor/values.h"
#include "queries/janitor/publish.h"

enum { BATCH = 5000, PUBLISHES_MAX = 1000000 };

/* ---- storing ---- */

static enum hf_status check_success(const struct hf_publish *publish, enum publish_mode mode, struct hf_str run_id,
                                    hf_error *err)
{
	if (publish->merge_proposal_url.ptr) {
		if (mode != PUBLISH_MODE_PROPOSE)
			return error_set(err, HF_E_INPUT, "a merge proposal comes of mode propose, not of %.*s",
			                 SHOWN(publish->mode));
		return HF_OK;
	}
	if (mode != PUBLISH_MODE_PUSH && mode != PUBLISH_MODE_PUSH_DERIVED)
		return error_set(err, HF_E_INPUT, "a success of mode %.*s needs a merge proposal",
		                 SHOWN(publish->mode));
	if (!publish->revision.ptr || !run_id.ptr || !publish->role.ptr)
		return error_set(err, HF_E_INPUT, "what was pushed needs its revision, its role and its run");
	return HF_OK;
}

static enum hf_status check(const struct hf_publish *publish, struct hf_str run_id, hf_error *err)
{
	enum publish_mode mode;
	enum hf_status status = publish_mode_parse(publish->mode, &mode, err);
	if (status != HF_OK)
		return status;
	if (publish->id.len == 0)
		return error_set(err, HF_E_INPUT, "a publish needs an id");
	if (publish->change_set.len == 0)
		return error_set(err, HF_E_INPUT, "a publish needs a change set");
	if (!publish->target_branch_url.ptr)
		return error_set(err, HF_E_INPUT, "a publish needs the URL of its target branch");
	if (publish->result_code.len == 0)
		return error_set(err, HF_E_INPUT, "a publish needs a result code");
	if (str_eq(publish->result_code, HF_STR("success")))
		return check_success(publish, mode, run_id, err);
	return HF_OK;
}

#define TEXTS(member) columns_text(&columns, offsetof(struct hf_publish_try, member))

/* One statement for up to BATCH tries. */
static enum hf_status store(hf_where where, const struct hf_publish_try *tries, size_t count,
                            const struct hf_defects *keep, struct hf_publish_effects *effects, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct columns columns = {.arena = arena, .rows = tries, .row_size = sizeof(*tries), .count = (uint32_t)count};
	struct publish_store_row row;
	if (!arena)
		return error_nomem(err);
	struct publish_store_in in = {.run_ids = TEXTS(run_id),
	                              .ids = TEXTS(publish.id),
	                              .change_sets = TEXTS(publish.change_set),
	                              .codebases = TEXTS(publish.codebase),
	                              .source_branch_urls = TEXTS(publish.source_branch_url),
	                              .source_branch_web_urls = TEXTS(publish.source_branch_web_url),
	                              .target_branch_urls = TEXTS(publish.target_branch_url),
	                              .target_branch_web_urls = TEXTS(publish.target_branch_web_url),
	                              .subpaths = TEXTS(publish.subpath),
	                              .branch_names = TEXTS(publish.branch_name),
	                              .main_branch_revisions = TEXTS(publish.main_branch_revision),
	                              .revisions = TEXTS(publish.revision),
	                              .roles = TEXTS(publish.role),
	                              .modes = TEXTS(publish.mode),
	                              .merge_proposal_urls = TEXTS(publish.merge_proposal_url),
	                              .result_codes = TEXTS(publish.result_code),
	                              .descriptions = TEXTS(publish.description),
	                              .requesters = TEXTS(publish.requester)};
	in.timestamps = columns_timestamp(&columns, offsetof(struct hf_publish_try, publish.has_timestamp),
	                                  offsetof(struct hf_publish_try, publish.timestamp));
	in.deaf = hf_defects_kept(keep, 7);
	if (columns.starved)
		return error_nomem(err);
	enum hf_status status = publish_store(where, &in, arena, &row, err);
	if (status == HF_OK) {
		effects->proposed += row.proposed;
		effects->absorbed += row.absorbed;
	}
	return status;
}

static void reworded(const struct hf_publish *publish, hf_error *err)
{
	const struct {
		const char *constraint, *noun;
		struct hf_str name;
	} refusals[] = {{"publish_change_set_fkey", "change set", publish->change_set},
	                {"publish_codebase_fkey", "codebase", publish->codebase},
	                {"merge_proposal_codebase_fkey", "codebase", publish->codebase},
	                {"publish_merge_proposal_url_fkey", "merge proposal", publish->merge_proposal_url}};
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (str_eq(hf_str_of(err->constraint), hf_str_of(refusals[i].constraint)))
			error_reword(err, "there is no %s %.*s", refusals[i].noun, SHOWN(refusals[i].name));
}

/* D-30. */
static enum hf_status column_missing(const struct hf_publish *publish, hf_error *err)
{
	return error_set(err, HF_REJECTED, "publish %.*s names a column that the table does not have: run_id",
	                 SHOWN(publish->id));
}

enum hf_status hf_publish_store(hf_where where, const struct hf_publish *publish, struct hf_str run_id,
                                const struct hf_defects *keep, struct hf_publish_effect *ret_effect, hf_error *err)
{
	struct hf_publish_try one = {*publish, run_id};
	struct hf_publish_effects effects = {0};
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = check(publish, run_id, err);
	if (status != HF_OK)
		return status;
	if (hf_defects_kept(keep, 30))
		return column_missing(publish, err);
	one.publish.has_timestamp = false;
	status = store(where, &one, 1, keep, &effects, &local);
	if (status == HF_OK && ret_effect)
		*ret_effect = (struct hf_publish_effect){effects.proposed > 0, effects.absorbed > 0};
	if (status != HF_OK)
		reworded(publish, &local);
	if (status != HF_OK && err)
		*err = local;
	return status;
}

struct importing {
	const struct hf_publish_try *tries;
	size_t count;
	const struct hf_defects *keep;
	struct hf_publish_effects effects;
};

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	struct importing *importing = user;
	enum hf_status status = HF_OK;
	importing->effects = (struct hf_publish_effects){0};
	for (size_t at = 0; at < importing->count && status == HF_OK; at += BATCH) {
		size_t n = importing->count - at < BATCH ? importing->count - at : BATCH;
		status = store(tx, importing->tries + at, n, importing->keep, &importing->effects, err);
		if (status != HF_OK)
			error_prefix(err, "publishes %zu to %zu", at + 1, at + n);
	}
	return status;
}

enum hf_status hf_publish_import(hf_where where, const struct hf_publish_try *tries, size_t count,
                                 const struct hf_defects *keep, struct hf_publish_effects *ret_effects, hf_error *err)
{
	struct importing importing = {tries, count, keep, {0}};
	enum hf_status status = HF_OK;
	if (count > PUBLISHES_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d publishes in one import", PUBLISHES_MAX);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		status = check(&tries[i].publish, tries[i].run_id, err);
		if (status != HF_OK)
			error_prefix(err, "publish %zu", i + 1);
	}
	if (status == HF_OK && count > 0 && hf_defects_kept(keep, 30))
		return column_missing(&tries[0].publish, err);
	if (status == HF_OK)
		status = janitor_transaction(where, import_tx, &importing, err);
	if (status == HF_OK && ret_effects)
		*ret_effects = importing.effects;
	return status;
}

/* ---- reading ---- */

static struct hf_publish publish_of(const struct publish_row *row)
{
	return (struct hf_publish){.id = row->id,
	                           .change_set = row->change_set,
	                           .codebase = GET_TEXT(row, codebase),
	                           .source_branch_url = GET_TEXT(row, source_branch_url),
	                           .source_branch_web_url = GET_TEXT(row, source_branch_web_url),
	                           .target_branch_url = row->target_branch_url,
	                           .target_branch_web_url = GET_TEXT(row, target_branch_web_url),
	                           .subpath = GET_TEXT(row, subpath),
	                           .branch_name = GET_TEXT(row, branch_name),
	                           .main_branch_revision = GET_TEXT(row, main_branch_revision),
	                           .revision = GET_TEXT(row, revision),
	                           .role = GET_TEXT(row, role),
	                           .mode = hf_str_of(publish_mode_label(row->mode)),
	                           .merge_proposal_url = GET_TEXT(row, merge_proposal_url),
	                           .result_code = row->result_code,
	                           .description = GET_TEXT(row, description),
	                           .requester = GET_TEXT(row, requester),
	                           .has_timestamp = row->has_timestamp,
	                           .timestamp = row->timestamp};
}

static enum hf_status no_such_publish(struct hf_str id, hf_error *err)
{
	return error_set(err, HF_NOT_FOUND, "there is no publish %.*s", SHOWN(id));
}

enum hf_status hf_publish_get(hf_where where, struct hf_str id, hf_arena *arena, struct hf_publish *ret_publish,
                              hf_error *err)
{
	struct publish_row row;
	enum hf_status status = publish_by_id(where, &(struct publish_by_id_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return no_such_publish(id, err);
	if (status == HF_OK)
		*ret_publish = publish_of(&row);
	return status;
}

/* ---- correcting ---- */

static enum hf_status check_parts(const struct hf_publish *publish, unsigned parts, hf_error *err)
{
	if ((parts & HF_PUBLISH_RESULT) && publish->result_code.len == 0)
		return error_set(err, HF_E_INPUT, "a publish needs a result code");
	if ((parts & HF_PUBLISH_TARGET) && !publish->target_branch_url.ptr)
		return error_set(err, HF_E_INPUT, "a publish needs the URL of its target branch");
	return HF_OK;
}

static struct publish_update_in parts_of(const struct hf_publish *publish, unsigned parts)
{
	struct publish_update_in in = {.id = publish->id,
	                               .set_result = parts & HF_PUBLISH_RESULT,
	                               .set_requester = parts & HF_PUBLISH_REQUESTER,
	                               .set_codebase = parts & HF_PUBLISH_CODEBASE,
	                               .set_proposal = parts & HF_PUBLISH_PROPOSAL,
	                               .set_source = parts & HF_PUBLISH_SOURCE,
	                               .set_target = parts & HF_PUBLISH_TARGET};
	SET_TEXT(&in, result_code, publish->result_code);
	SET_TEXT(&in, description, publish->description);
	SET_TEXT(&in, requester, publish->requester);
	SET_TEXT(&in, codebase, publish->codebase);
	SET_TEXT(&in, merge_proposal_url, publish->merge_proposal_url);
	SET_TEXT(&in, source_branch_url, publish->source_branch_url);
	SET_TEXT(&in, source_branch_web_url, publish->source_branch_web_url);
	SET_TEXT(&in, branch_name, publish->branch_name);
	SET_TEXT(&in, target_branch_url, publish->target_branch_url);
	SET_TEXT(&in, target_branch_web_url, publish->target_branch_web_url);
	SET_TEXT(&in, subpath, publish->subpath);
	return in;
}

enum hf_status hf_publish_update(hf_where where, const struct hf_publish *publish, unsigned parts, int64_t *ret_changed,
                                 hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct publish_update_in in = parts_of(publish, parts);
	struct publish_update_row row;
	hf_error local = HF_ERROR_INIT;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = check_parts(publish, parts, &local);
	if (status == HF_OK)
		status = publish_update(where, &in, arena, &row, &local);
	if (status == HF_OK && row.found == 0)
		status = no_such_publish(publish->id, &local);
	else if (status == HF_OK && row.late)
		status = error_set(&local, HF_REJECTED, "publish %.*s failed, and does not succeed afterwards",
		                   SHOWN(publish->id));
	if (status == HF_OK && ret_changed)
		*ret_changed = row.changed;
	if (status != HF_OK) {
		reworded(publish, &local);
		if (err)
			*err = local;
	}
	return status;
}

enum hf_status hf_publish_delete(hf_where where, struct hf_str id, int64_t *ret_removed, hf_error *err)
{
	int64_t removed;
	enum hf_status status = publish_delete(where, &(struct publish_delete_in){.id = id}, &removed, err);
	if (status == HF_OK && removed == 0)
		return no_such_publish(id, err);
	if (status == HF_OK && ret_removed)
		*ret_removed = removed;
	return status;
}

enum hf_status hf_publish_last(hf_where where, struct hf_str codebase, struct hf_str campaign, hf_arena *arena,
                               struct hf_publish *ret_publish, hf_error *err)
{
	struct publish_last_in in = {.codebase = codebase, .campaign = campaign};
	struct publish_row row;
	enum hf_status status = publish_last(where, &in, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "nothing of %.*s was published in campaign %.*s", SHOWN(codebase),
		                 SHOWN(campaign));
	if (status == HF_OK)
		*ret_publish = publish_of(&row);
	return status;
}

struct sink {
	hf_publish_fn *fn;
	void *user;
};

static enum hf_status list_row(void *user, const struct publish_row *row, hf_error *err)
{
	const struct sink *sink = user;
	struct hf_publish publish = publish_of(row);
	return sink->fn(sink->user, &publish, err);
}

static enum hf_status fill_list(const struct hf_publish_filter *filter, struct publish_list_in *in, hf_error *err)
{
	*in = (struct publish_list_in){.has_mode = filter->mode.ptr != NULL,
	                               WITH_TEXT(revision, filter->revision),
	                               WITH_TEXT(merge_proposal_url, filter->merge_proposal_url),
	                               WITH_TEXT(campaign, filter->campaign),
	                               WITH_LIMIT(filter->limit)};
	SET_TEXT(in, codebase, filter->codebase);
	SET_TEXT(in, change_set, filter->change_set);
	SET_TEXT(in, role, filter->role);
	SET_TEXT(in, result_code, filter->result_code);
	if (filter->after) {
		in->with_after = filter->after->has_timestamp;
		in->with_after_unknown = !filter->after->has_timestamp;
		in->after_time = filter->after->timestamp;
		in->after_id = filter->after->id;
	}
	return in->has_mode ? publish_mode_parse(filter->mode, &in->mode, err) : HF_OK;
}

enum hf_status hf_publish_list(hf_where where, const struct hf_publish_filter *filter, hf_publish_fn *fn, void *user,
                               hf_error *err)
{
	struct sink sink = {fn, user};
	struct publish_list_in in;
	enum hf_status status = fill_list(filter, &in, err);
	return status == HF_OK ? publish_list(where, &in, list_row, &sink, err) : status;
}

/* ---- counting ---- */

enum hf_status hf_publish_count(hf_where where, const struct hf_publish_filter *filter, int64_t *ret_count,
                                hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct publish_list_in list;
	struct publish_count_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = fill_list(filter, &list, err);
	if (status != HF_OK)
		return status;
	struct publish_count_in in = {.mode = list.mode,
	                              .has_mode = list.has_mode,
	                              .revision = list.revision,
	                              .with_revision = list.with_revision,
	                              .merge_proposal_url = list.merge_proposal_url,
	                              .with_merge_proposal_url = list.with_merge_proposal_url,
	                              .campaign = list.campaign,
	                              .with_campaign = list.with_campaign};
	SET_TEXT(&in, codebase, filter->codebase);
	SET_TEXT(&in, change_set, filter->change_set);
	SET_TEXT(&in, role, filter->role);
	SET_TEXT(&in, result_code, filter->result_code);
	status = publish_count(where, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_count = row.publishes;
	return status;
}

enum hf_status hf_publish_attempts(hf_where where, struct hf_str revision, int64_t *ret_count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct publish_attempts_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status =
		publish_attempts(where, &(struct publish_attempts_in){.revision = revision}, arena, &row, err);
	if (status == HF_OK)
		*ret_count = row.attempts;
	return status;
}

struct tally_sink {
	hf_publish_tally_fn *fn;
	void *user;
};

static enum hf_status tally_row(void *user, const struct publish_tallies_row *row, hf_error *err)
{
	const struct tally_sink *sink = user;
	struct hf_publish_tally tally = {hf_str_of(publish_mode_label(row->mode)),
	                                 row->result_code,
	                                 row->publishes,
	                                 row->codebases,
	                                 row->has_newest,
	                                 row->newest};
	return sink->fn(sink->user, &tally, err);
}

enum hf_status hf_publish_tallies(hf_where where, struct hf_str campaign, hf_publish_tally_fn *fn, void *user,
                                  hf_error *err)
{
	struct tally_sink sink = {fn, user};
	struct publish_tallies_in in = {WITH_TEXT(campaign, campaign)};
	return publish_tallies(where, &in, tally_row, &sink, err);
}
