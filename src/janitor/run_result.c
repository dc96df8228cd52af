/*
 * run_result.c - see holdfast/run_result.h. A `reader` carries the parsed document; each step takes one kind of field
 * and answers HF_OK or the complaint. The parsed document is gone afterwards: everything is copied into the arena.
 */
#include "holdfast/run_result.h"

#include <string.h>

#include "core/isotime.h"
#include "janitor/json_text.h"

#define WHAT "result.json"

struct reader {
	json_t *root;
	hf_arena *arena;
	struct hf_run_result *result;
	hf_error *err;
};

static enum hf_status unexpected(struct reader *reader, const char *field, const json_t *value, const char *expected)
{
	return error_set(reader->err, HF_E_INPUT, WHAT ": %s is %s, not %s", field, json_text_kind(value), expected);
}

/* The member, NULL for one that is absent or null. */
static json_t *member(const struct reader *reader, const char *name)
{
	json_t *value = json_object_get(reader->root, name);
	return json_is_null(value) ? NULL : value;
}

/* ---- texts ---- */

static enum hf_status copy_text(struct reader *reader, const json_t *value, struct hf_str *ret_text)
{
	*ret_text = hf_arena_str(reader->arena, (struct hf_str){json_string_value(value), json_string_length(value)});
	return ret_text->ptr ? HF_OK : error_nomem(reader->err);
}

static enum hf_status read_text(struct reader *reader, const char *field, const json_t *value, bool empty_is_absent,
                                struct hf_str *ret_text)
{
	*ret_text = (struct hf_str){NULL, 0};
	if (!value || json_is_null(value))
		return HF_OK;
	if (!json_is_string(value))
		return unexpected(reader, field, value, "a string or null");
	if (empty_is_absent && json_string_length(value) == 0)
		return HF_OK;
	return copy_text(reader, value, ret_text);
}

static const struct {
	const char *name;
	size_t offset;
	bool empty_is_absent;
} texts[] = {
#define TEXT(name, member, empty_is_absent)                                   \
	{                                                                     \
		name, offsetof(struct hf_run_result, member), empty_is_absent \
	}
	TEXT("code", code, true),
	TEXT("description", description, false),
	TEXT("context", context, false),
	TEXT("stage", stage, false),
	TEXT("main_branch_revision", main_branch_revision, true),
	TEXT("revision", revision, true),
	TEXT("target_branch_url", target_branch_url, false),
	TEXT("branch_url", branch_url, false),
	TEXT("subpath", subpath, false),
	TEXT("vcs_type", vcs_type, false),
	TEXT("codebase", codebase, true),
	TEXT("worker_name", worker_name, true),
#undef TEXT
};

static enum hf_status read_texts(struct reader *reader)
{
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < ARRAY_LEN(texts) && status == HF_OK; i++) {
		void *text = (char *)reader->result + texts[i].offset;
		status = read_text(reader, texts[i].name, json_object_get(reader->root, texts[i].name),
		                   texts[i].empty_is_absent, text);
	}
	return status;
}

/* ---- JSON, truth values, numbers, times ---- */

static enum hf_status copy_json(struct reader *reader, const json_t *value, struct hf_str *ret_text)
{
	struct buf buf;
	buf_init(&buf, JSON_TEXT_BYTES_MAX * 6); /* each byte may become \u00xx */
	json_text_add(&buf, value);
	*ret_text = buf_ok(&buf) ? hf_arena_str(reader->arena, buf_str(&buf)) : (struct hf_str){NULL, 0};
	buf_deinit(&buf);
	return ret_text->ptr ? HF_OK : error_nomem(reader->err);
}

static enum hf_status read_json(struct reader *reader)
{
	json_t *codemod = member(reader, "codemod"), *details = member(reader, "details");
	json_t *remotes = member(reader, "remotes");
	enum hf_status status = HF_OK;
	if (json_text_truthy(codemod))
		status = copy_json(reader, codemod, &reader->result->codemod);
	if (status == HF_OK && details)
		status = copy_json(reader, details, &reader->result->details);
	if (status == HF_OK && remotes)
		status = copy_json(reader, remotes, &reader->result->remotes);
	return status;
}

static enum hf_status read_truths(struct reader *reader)
{
	json_t *transient = member(reader, "transient");
	if (transient && !json_is_boolean(transient))
		return unexpected(reader, "transient", transient, "true, false or null");
	reader->result->has_transient = transient != NULL;
	reader->result->transient = json_is_true(transient);
	reader->result->refreshed = json_text_truthy(member(reader, "refreshed"));
	return HF_OK;
}

/* Decimal digits with a sign, blanks around them and single underscores between them. */
static bool integer_of_text(struct hf_str text, int64_t *ret_number)
{
	char digits[32];
	size_t n = 0;
	text = str_trim(text);
	if (str_starts(text, HF_STR("+")))
		text = (struct hf_str){text.ptr + 1, text.len - 1};
	for (size_t i = 0; i < text.len; i++) {
		bool between = i > 0 && i + 1 < text.len && text.ptr[i - 1] != '_' && text.ptr[i - 1] != '-';
		if (text.ptr[i] == '_' && between)
			continue;
		if (n == sizeof(digits))
			return false;
		digits[n++] = text.ptr[i];
	}
	return str_to_i64((struct hf_str){digits, n}, ret_number);
}

static enum hf_status read_value(struct reader *reader)
{
	json_t *value = json_object_get(reader->root, "value");
	int64_t number = 1; /* of true */
	if (!json_text_truthy(value))
		return HF_OK;
	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (json_is_real(value) && json_real_value(value) > -1e18 && json_real_value(value) < 1e18)
		number = (int64_t)json_real_value(value);
	else if (json_is_real(value))
		number = INT64_MAX;
	else if (json_is_string(value) &&
	         !integer_of_text((struct hf_str){json_string_value(value), json_string_length(value)}, &number))
		return error_set(reader->err, HF_E_INPUT, WHAT ": value is the text \"%.40s\", not a number",
		                 json_string_value(value));
	else if (json_is_object(value) || json_is_array(value))
		return unexpected(reader, "value", value, "a number");
	if (number < INT32_MIN || number > INT32_MAX)
		return error_set(reader->err, HF_E_INPUT, WHAT ": value is not within 32 bits");
	reader->result->has_value = true;
	reader->result->value = (int32_t)number;
	return HF_OK;
}

static enum hf_status read_time(struct reader *reader, const char *field, struct hf_timestamp *ret_time)
{
	json_t *value = json_object_get(reader->root, field);
	if (!value)
		return error_set(reader->err, HF_E_INPUT, WHAT ": %s is missing", field);
	if (!json_is_string(value))
		return unexpected(reader, field, value, "a time");
	switch (isotime_parse((struct hf_str){json_string_value(value), json_string_length(value)}, ret_time)) {
	case ISOTIME_FINE:
		return HF_OK;
	case ISOTIME_ZONED:
		error_set(reader->err, HF_E_INPUT, WHAT ": %s has a zone: \"%.40s\"", field, json_string_value(value));
		error_hint(reader->err, "the Janitor's times are UTC and are written without one");
		return HF_E_INPUT;
	case ISOTIME_MALFORMED:
	default:
		error_set(reader->err, HF_E_INPUT, WHAT ": %s is no time: \"%.40s\"", field, json_string_value(value));
		error_hint(reader->err, "2024-05-06T07:08:09.123456 is one");
		return HF_E_INPUT;
	}
}

static enum hf_status read_times(struct reader *reader)
{
	enum hf_status status = read_time(reader, "start_time", &reader->result->start_time);
	if (status == HF_OK)
		status = read_time(reader, "finish_time", &reader->result->finish_time);
	if (status == HF_OK && reader->result->finish_time.us < reader->result->start_time.us)
		return error_set(reader->err, HF_E_INPUT, WHAT ": finish_time lies before start_time");
	return status;
}

/* ---- branches and tags ---- */

/* A member that is a list of lists of `width`; NULL with HF_OK when it is absent. */
static enum hf_status read_list(struct reader *reader, const char *field, size_t width, json_t **ret_list)
{
	json_t *list = member(reader, field);
	*ret_list = NULL;
	if (list && !json_is_array(list))
		return unexpected(reader, field, list, "a list or null");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (json_array_size(json_array_get(list, i)) != width)
			return error_set(reader->err, HF_E_INPUT, WHAT ": %s[%zu] is no list of %zu", field, i, width);
	*ret_list = list;
	return HF_OK;
}

static enum hf_status read_branch(struct reader *reader, size_t i, const json_t *item, struct hf_run_branch *branch)
{
	struct hf_str *const parts[] = {&branch->role, &branch->remote_name, &branch->base_revision, &branch->revision};
	static const char *const names[] = {"role", "remote name", "base revision", "revision"};
	char field[64];
	for (size_t part = 0; part < ARRAY_LEN(parts); part++) {
		snprintf(field, sizeof(field), "the %s of branches[%zu]", names[part], i);
		enum hf_status status = read_text(reader, field, json_array_get(item, part), part >= 2, parts[part]);
		if (status != HF_OK)
			return status;
	}
	if (!branch->role.ptr)
		return error_set(reader->err, HF_E_INPUT, WHAT ": the role of branches[%zu] is null", i);
	return HF_OK;
}

static enum hf_status read_branches(struct reader *reader)
{
	json_t *list;
	enum hf_status status = read_list(reader, "branches", 4, &list);
	size_t count = json_array_size(list);
	struct hf_run_branch *branches = hf_arena_calloc(reader->arena, count + 1, sizeof(*branches));
	if (!branches)
		return error_nomem(reader->err);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		status = read_branch(reader, i, json_array_get(list, i), &branches[i]);
		for (size_t j = 0; j < i && status == HF_OK; j++)
			if (str_eq(branches[i].role, branches[j].role))
				status = error_set(reader->err, HF_E_INPUT, WHAT ": the role \"%.*s\" stands twice",
				                   (int)(branches[i].role.len > 60 ? 60 : branches[i].role.len),
				                   branches[i].role.ptr);
	}
	reader->result->branches = branches;
	reader->result->nbranches = count;
	return status;
}

static enum hf_status read_tags(struct reader *reader)
{
	json_t *list;
	enum hf_status status = read_list(reader, "tags", 2, &list);
	size_t count = json_array_size(list);
	struct hf_run_tag *tags = hf_arena_calloc(reader->arena, count + 1, sizeof(*tags));
	if (!tags)
		return error_nomem(reader->err);
	for (size_t i = 0; i < count && status == HF_OK; i++) {
		const json_t *item = json_array_get(list, i), *revision = json_array_get(item, 1);
		char field[64];
		snprintf(field, sizeof(field), "the name of tags[%zu]", i);
		status = read_text(reader, field, json_array_get(item, 0), false, &tags[i].name);
		snprintf(field, sizeof(field), "the revision of tags[%zu]", i);
		if (status == HF_OK && !json_is_string(revision))
			status = unexpected(reader, field, revision, "a string");
		if (status == HF_OK)
			status = copy_text(reader, revision, &tags[i].revision);
	}
	reader->result->has_tags = list != NULL;
	reader->result->tags = tags;
	reader->result->ntags = count;
	return status;
}

/* ---- the whole ---- */

static enum hf_status read_target(struct reader *reader)
{
	json_t *target = json_object_get(reader->root, "target"), *name, *details;
	if (!target)
		return HF_OK;
	if (!json_is_object(target))
		return unexpected(reader, "target", target, "an object");
	name = json_object_get(target, "name");
	details = json_object_get(target, "details");
	if (!json_is_string(name))
		return error_set(reader->err, HF_E_INPUT, WHAT ": target has no name");
	if (strcmp(json_string_value(name), "debian") != 0 && strcmp(json_string_value(name), "generic") != 0) {
		error_set(reader->err, HF_E_INPUT, WHAT ": target \"%.40s\" is unknown", json_string_value(name));
		error_hint(reader->err, "the targets are debian and generic");
		return HF_E_INPUT;
	}
	if (!details)
		return error_set(reader->err, HF_E_INPUT, WHAT ": target has no details");
	if (json_is_null(details))
		return HF_OK;
	enum hf_status status = copy_text(reader, name, &reader->result->builder);
	return status == HF_OK ? copy_json(reader, details, &reader->result->builder_details) : status;
}

static enum hf_status read_all(struct reader *reader)
{
	static enum hf_status (*const steps[])(struct reader * reader) = {read_texts, read_json,  read_truths,
	                                                                  read_value, read_times, read_branches,
	                                                                  read_tags,  read_target};
	enum hf_status status = HF_OK;
	if (!json_is_object(reader->root))
		return error_set(reader->err, HF_E_INPUT, WHAT " is %s, not an object", json_text_kind(reader->root));
	for (size_t i = 0; i < ARRAY_LEN(steps) && status == HF_OK; i++)
		status = steps[i](reader);
	return status;
}

/* What a result without a code is taken for. */
static struct hf_str default_code(const struct reader *reader, const struct hf_defects *keep)
{
	bool said = json_object_get(reader->root, "code") != NULL;
	return said && hf_defects_kept(keep, 27) ? HF_STR("success") : HF_STR("missing-result-code");
}

enum hf_status hf_run_result_decode(struct hf_str json, const struct hf_defects *keep, hf_arena *arena,
                                    struct hf_run_result *ret_result, hf_error *err)
{
	struct hf_run_result result = {0};
	struct reader reader = {.arena = arena, .result = &result, .err = err};
	enum hf_status status = json_text_parse(json, WHAT, &reader.root, err);
	if (status != HF_OK)
		return status;
	status = read_all(&reader);
	if (status == HF_OK && !result.code.ptr)
		result.code = default_code(&reader, keep);
	json_decref(reader.root);
	if (status == HF_OK)
		*ret_result = result;
	return status;
}
