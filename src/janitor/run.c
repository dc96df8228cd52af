/*
 * run.c - see holdfast/run.h: runs as rows, and what can be told of one without a database.
 */
#include "holdfast/run.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/words.h"
#include "janitor/json_text.h"
#include "janitor/run_rows.h"
#include "janitor/values.h"

/* A revision is unknown where the column is empty, too. */
static struct hf_str revision(bool known, struct hf_str text)
{
	return known && text.len > 0 ? text : (struct hf_str){NULL, 0};
}

static enum hf_status branches_of_row(const struct run_row *row, hf_arena *arena, struct hf_run *run, hf_error *err)
{
	struct hf_run_branch *branches = hf_arena_calloc(arena, row->branches.count + 1, sizeof(*branches));
	if (!branches)
		return error_nomem(err);
	for (uint32_t i = 0; i < row->branches.count; i++) {
		const struct result_branch *from = &row->branches.values[i];
		branches[i] =
			(struct hf_run_branch){.role = GET_TEXT(from, role),
		                               .remote_name = GET_TEXT(from, remote_name),
		                               .base_revision = revision(from->has_base_revision, from->base_revision),
		                               .revision = revision(from->has_revision, from->revision)};
	}
	run->branches = branches;
	run->nbranches = row->branches.count;
	return HF_OK;
}

static enum hf_status tags_of_row(const struct run_row *row, hf_arena *arena, struct hf_run *run, hf_error *err)
{
	uint32_t count = row->has_result_tags ? row->result_tags.count : 0;
	struct hf_run_tag *tags = hf_arena_calloc(arena, count + 1, sizeof(*tags));
	if (!tags)
		return error_nomem(err);
	for (uint32_t i = 0; i < count; i++) {
		const struct result_tag *from = &row->result_tags.values[i];
		tags[i] = (struct hf_run_tag){GET_TEXT(from, actual_name), GET_TEXT(from, revision)};
	}
	run->has_tags = row->has_result_tags;
	run->tags = tags;
	run->ntags = count;
	return HF_OK;
}

enum hf_status run_of_row(const struct run_row *row, hf_arena *arena, struct hf_run *ret_run, hf_error *err)
{
	struct hf_run run = {.id = row->id,
	                     .codebase = row->codebase,
	                     .campaign = row->campaign,
	                     .command = GET_TEXT(row, command),
	                     .description = GET_TEXT(row, description),
	                     .has_start_time = row->has_start_time,
	                     .start_time = row->start_time,
	                     .has_finish_time = row->has_finish_time,
	                     .finish_time = row->finish_time,
	                     .result_code = row->result_code,
	                     .instigated_context = GET_TEXT(row, instigated_context),
	                     .context = GET_TEXT(row, context),
	                     .main_branch_revision = revision(row->has_main_branch_revision, row->main_branch_revision),
	                     .revision = revision(row->has_revision, row->revision),
	                     .result = GET_TEXT(row, result),
	                     .branch_url = GET_TEXT(row, branch_url),
	                     .subpath = GET_TEXT(row, subpath),
	                     .logfilenames = row->logfilenames,
	                     .publish_status = hf_str_of(hf_enum_label(&publish_status_type, (int)row->publish_status)),
	                     .has_value = row->has_value,
	                     .value = row->value,
	                     .worker = GET_TEXT(row, worker),
	                     .failure_stage = GET_TEXT(row, failure_stage),
	                     .failure_details = GET_TEXT(row, failure_details),
	                     .target_branch_url = GET_TEXT(row, target_branch_url),
	                     .has_failure_transient = row->has_failure_transient,
	                     .failure_transient = row->has_failure_transient && row->failure_transient,
	                     .resume_from = GET_TEXT(row, resume_from),
	                     .change_set = row->change_set};
	if (row->has_vcs_type)
		run.vcs_type = hf_str_of(hf_enum_label(&vcs_type_type, (int)row->vcs_type));
	enum hf_status status = branches_of_row(row, arena, &run, err);
	if (status == HF_OK)
		status = tags_of_row(row, arena, &run, err);
	if (status == HF_OK)
		*ret_run = run;
	return status;
}

enum hf_status hf_run_get(hf_where where, struct hf_str id, hf_arena *arena, struct hf_run *ret_run, hf_error *err)
{
	struct run_row row;
	enum hf_status status = run_by_id(where, &(struct run_by_id_in){.id = id}, arena, &row, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s", (int)(id.len > 100 ? 100 : id.len), id.ptr);
	return status == HF_OK ? run_of_row(&row, arena, ret_run, err) : status;
}

/* ---- whether it may be published ---- */

enum hf_status publish_status_parse(struct hf_str word, enum publish_status *ret_status, hf_error *err)
{
	int value;
	enum hf_status status =
		word_parse(word, publish_status_type.labels, publish_status_type.count, "publish status", &value, err);
	if (status == HF_OK)
		*ret_status = (enum publish_status)value;
	return status;
}

static enum hf_status refused(struct hf_str id, enum hf_status status, hf_error *err)
{
	int len = (int)(id.len > 100 ? 100 : id.len);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no run %.*s", len, id.ptr);
	if (status == HF_REJECTED && err && strcmp(err->constraint, "run_check2") == 0)
		error_reword(err, "run %.*s cannot be approved: it has no revision", len, id.ptr);
	if (status == HF_REJECTED && err && strcmp(err->constraint, "run_check1") == 0)
		error_reword(err, "run %.*s resumed no run: it cannot have nothing new to do", len, id.ptr);
	return status;
}

enum hf_status hf_run_set_publish_status(hf_where where, struct hf_str id, struct hf_str publish_status,
                                         hf_arena *arena, struct hf_run_publish_change *ret_change, hf_error *err)
{
	struct run_set_publish_status_in in = {.id = id};
	struct run_set_publish_status_row row;
	enum hf_status status = publish_status_parse(publish_status, &in.publish_status, err);
	if (status == HF_OK)
		status = run_set_publish_status(where, &in, arena, &row, err);
	if (status != HF_OK)
		return refused(id, status, err);
	*ret_change =
		(struct hf_run_publish_change){row.codebase, row.campaign, hf_str_of(publish_status_label(row.before))};
	return HF_OK;
}

/* ---- corrections ---- */

static enum hf_status check_update(const struct hf_run *run, unsigned parts, hf_error *err)
{
	json_t *details;
	if (parts == 0 || parts > (HF_RUN_RESULT | HF_RUN_FAILURE | HF_RUN_LOGS))
		return error_set(err, HF_E_INPUT, "run %.*s: no part of it is named", SHOWN(run->id));
	if ((parts & HF_RUN_RESULT) && run->result_code.len == 0)
		return error_set(err, HF_E_INPUT, "run %.*s: the result code is missing", SHOWN(run->id));
	if (!(parts & HF_RUN_FAILURE) || !run->failure_details.ptr)
		return HF_OK;
	enum hf_status status = json_text_parse(run->failure_details, "failure_details", &details, err);
	if (status == HF_OK)
		json_decref(details);
	return status;
}

/* What is no part is not sent: nobody looked at it. */
static struct run_update_in parts_of(const struct hf_run *run, unsigned parts)
{
	struct run_update_in in = {.id = run->id,
	                           .set_result = parts & HF_RUN_RESULT,
	                           .set_failure = parts & HF_RUN_FAILURE,
	                           .set_logs = parts & HF_RUN_LOGS};
	if (in.set_result) {
		SET_TEXT(&in, result_code, run->result_code);
		SET_TEXT(&in, description, run->description);
	}
	if (in.set_failure) {
		SET_TEXT(&in, failure_stage, run->failure_stage);
		SET_TEXT(&in, failure_details, run->failure_details);
		in.failure_transient = run->failure_transient;
		in.has_failure_transient = run->has_failure_transient;
	}
	if (in.set_logs) {
		in.logfilenames = run->logfilenames;
		in.has_logfilenames = true;
	}
	return in;
}

enum hf_status hf_run_update(hf_where where, const struct hf_run *run, unsigned parts, hf_error *err)
{
	hf_error local = HF_ERROR_INIT;
	int64_t written = 0;
	struct run_update_in in = parts_of(run, parts);
	enum hf_status status = check_update(run, parts, &local);
	if (status == HF_OK)
		status = run_update(where, &in, &written, &local);
	if (status == HF_OK && written == 0)
		status = HF_NOT_FOUND;
	if (status == HF_OK)
		return HF_OK;
	status = refused(run->id, status, &local);
	if (err)
		*err = local;
	return status;
}

/* ---- pure ---- */

enum hf_status hf_run_duration(const struct hf_run *run, int64_t *ret_us, hf_error *err)
{
	int64_t us;
	if (!run->has_start_time || !run->has_finish_time)
		return error_set(err, HF_NOT_FOUND, "run %.*s has no %s time", STR_ARG(run->id),
		                 run->has_start_time ? "finish" : "start");
	if (__builtin_sub_overflow(run->finish_time.us, run->start_time.us, &us))
		return error_set(err, HF_E_LIMIT, "the duration of run %.*s is out of range", STR_ARG(run->id));
	*ret_us = us;
	return HF_OK;
}

enum hf_status hf_run_branch_of(const struct hf_run *run, struct hf_str role, const struct hf_run_branch **ret_branch,
                                hf_error *err)
{
	for (size_t i = 0; i < run->nbranches; i++)
		if (run->branches[i].role.ptr && str_eq(run->branches[i].role, role)) {
			*ret_branch = &run->branches[i];
			return HF_OK;
		}
	return error_set(err, HF_NOT_FOUND, "run %.*s has no branch with role %.*s", STR_ARG(run->id),
	                 (int)(role.len > 60 ? 60 : role.len), role.ptr);
}

int hf_run_compare(const struct hf_run *a, const struct hf_run *b)
{
	return str_cmp(a->id, b->id);
}
