/*
 * replay_uploads.c - the recorded calls that upload and delete (spec/janitor.md 10.3 to 10.5) by ours.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"

/* Entries that are refused: by us where the original does not look, or before it has taken an id from a sequence. */
static void note_refusal(const struct replay *replay, enum hf_status status, struct answer *ret)
{
	const json_t *entries = json_object_get(json_object_get(replay->call, "args"), "entries");
	if (status != HF_E_INPUT || (json_object_get(replay->call, "error") && json_array_size(entries) < 2))
		return;
	ret->difference = json_object_get(replay->call, "ok") ? UPLOADS : REFUSED_EARLY;
	ret->ends_case = true;
}

static void codebases_upload(struct replay *replay, const json_t *args, struct answer *ret)
{
	struct hf_changes changes;
	char *text = json_dumps(json_object_get(args, "entries"), JSON_COMPACT);
	enum hf_status status =
		hf_codebase_upload(replay->rig.where, hf_str_of(text), keep_of(replay), &changes, &ret->err);
	if (status == HF_OK)
		ret->ok = json_null();
	free(text);
}

/* ---- candidates ---- */

static json_t *uploaded_json(const struct hf_candidate_uploaded *entry)
{
	return json_pack("{s:o,s:o,s:s,s:o,s:f,s:I,s:i,s:b}", "campaign", json_of(entry->candidate.campaign),
	                 "codebase", json_of(entry->candidate.codebase), "bucket",
	                 hf_bucket_word(entry->scheduled.bucket), "change_set", json_of(entry->candidate.change_set),
	                 "offset", entry->scheduled.offset, "estimated_duration_us",
	                 (json_int_t)entry->scheduled.estimated_duration_us, "queue-id", entry->scheduled.queue_id,
	                 "refresh", entry->refresh);
}

static int by_word(const void *a, const void *b)
{
	const struct hf_str *one = a, *two = b;
	if (!one->ptr || !two->ptr)
		return (one->ptr != NULL) - (two->ptr != NULL);
	return str_cmp(*one, *two);
}

/* What was passed over for one reason: each word once, sorted, null first. */
static json_t *words_json(const struct hf_candidate_upload_report *report, enum hf_candidate_refusal reason,
                          hf_arena *arena)
{
	struct hf_str *words = hf_arena_calloc(arena, report->nrefused + 1, sizeof(*words));
	json_t *list = json_array();
	size_t n = 0;
	for (size_t i = 0; i < report->nrefused; i++)
		if (report->refused[i].reason == reason)
			words[n++] = report->refused[i].word;
	qsort(words, n, sizeof(*words), by_word);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || by_word(&words[i - 1], &words[i]) != 0)
			json_array_append_new(list, json_of(words[i]));
	return list;
}

static json_t *report_json(const struct hf_candidate_upload_report *report, hf_arena *arena)
{
	json_t *out = json_object(), *success = json_array();
	for (size_t i = 0; i < report->nuploaded; i++)
		json_array_append_new(success, uploaded_json(&report->uploaded[i]));
	json_object_set_new(out, "success", success);
	for (int reason = 0; reason < HF_CANDIDATE_REFUSAL_COUNT; reason++)
		json_object_set_new(out, hf_candidate_refusal_word((enum hf_candidate_refusal)reason),
		                    words_json(report, (enum hf_candidate_refusal)reason, arena));
	return out;
}

static void candidates_upload(struct replay *replay, const json_t *args, struct answer *ret)
{
	static const struct hf_campaign_default campaigns[] = {{HF_STR_INIT("fixes"), HF_STR_INIT("fix it")},
	                                                       {HF_STR_INIT("docs"), HF_STR_INIT("docs --all")},
	                                                       {HF_STR_INIT("bare"), HF_STR_INIT("")}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_candidate_upload_options options = {.size = sizeof(options),
	                                              .campaigns = campaigns,
	                                              .ncampaigns = ARRAY_LEN(campaigns),
	                                              .keep = keep_of(replay)};
	struct hf_candidate_upload_report report;
	char *text = json_dumps(json_object_get(args, "entries"), JSON_COMPACT);
	enum hf_status status =
		hf_candidate_upload(replay->rig.where, hf_str_of(text), &options, arena, &report, &ret->err);
	if (status == HF_OK)
		ret->ok = report_json(&report, arena);
	note_refusal(replay, status, ret);
	free(text);
}

static void candidate_delete(struct replay *replay, const json_t *args, struct answer *ret)
{
	int64_t id;
	assert_true(integer_of(args, "id", &id));
	if (hf_candidate_delete(replay->rig.where, (int32_t)id, keep_of(replay), NULL, &ret->err) == HF_OK)
		ret->ok = json_null();
}

static void set_publish_status(struct replay *replay, const json_t *args, struct answer *ret)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_run_publish_change change;
	if (hf_run_set_publish_status(replay->rig.where, text_of(args, "id"), text_of(args, "publish_status"), arena,
	                              &change, &ret->err) == HF_OK)
		ret->ok = json_pack("{s:o,s:o,s:o,s:o}", "run_id", json_of(text_of(args, "id")), "publish_status",
		                    json_of(text_of(args, "publish_status")), "codebase", json_of(change.codebase),
		                    "campaign", json_of(change.campaign));
}

const struct call upload_calls[] = {{"codebases_upload", codebases_upload},
                                    {"candidates_upload", candidates_upload},
                                    {"candidate_delete", candidate_delete},
                                    {"set_publish_status", set_publish_status},
                                    {NULL, NULL}};
