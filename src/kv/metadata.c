/*
 * metadata.c - see metadata.h.
 */
#include "kv/metadata.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/str.h"
#include "core/json_contains.h"
#include "holdfast/kv.h"

DEFINE_OWNED(json, json_t *, json_decref)

/* For a text of which no copy could be made jansson says that it stands where none may: one does not end a token that
 * is wrong otherwise. */
static bool was_short_of_memory(struct hf_str text, const json_error_t *error)
{
	struct hf_str said = hf_str_of(error->text);
	if (said.len == 0 || json_error_code(error) == json_error_out_of_memory)
		return true;
	if (!str_starts(said, HF_STR("invalid token")) && !str_starts(said, HF_STR("string or '}' expected")))
		return false;
	return error->position > 0 && (size_t)error->position <= text.len && text.ptr[error->position - 1] == '"';
}

static enum hf_status parse(struct hf_str text, json_t **ret_value, hf_error *err)
{
	json_error_t error = {0};
	json_t *value = json_loadb(text.len ? text.ptr : "", text.len, JSON_DECODE_ANY, &error);
	if (!value && was_short_of_memory(text, &error))
		return error_nomem(err);
	if (!value)
		return error_set(err, HF_E_USAGE, "metadata:%d:%d: %.200s", error.line, error.column, error.text);
	*ret_value = value;
	return HF_OK;
}

static enum hf_status integral(double number, json_t **ret_integer, hf_error *err)
{
	if (fabs(number) >= 0x1p63)
		return error_set(err, HF_E_USAGE, "metadata: the number %g does not fit 64 bits", number);
	*ret_integer = json_integer((json_int_t)number);
	return *ret_integer ? HF_OK : error_nomem(err);
}

static enum hf_status settle(json_t *value, json_t **ret_other, hf_error *err);

static enum hf_status settle_array(json_t *array, hf_error *err)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		json_t *other = NULL;
		enum hf_status status = settle(json_array_get(array, i), &other, err);
		if (status != HF_OK)
			return status;
		if (other)
			json_array_set_new(array, i, other);
	}
	return HF_OK;
}

static enum hf_status settle_object(json_t *object, hf_error *err)
{
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		json_t *other = NULL;
		enum hf_status status = settle(json_object_iter_value(at), &other, err);
		if (status != HF_OK)
			return status;
		if (other)
			json_object_iter_set_new(object, at, other);
	}
	return HF_OK;
}

/* Doubles of integral value become integers: jsonb writes 1e2 as 100. @param ret_other what to put in its place. */
static enum hf_status settle(json_t *value, json_t **ret_other, hf_error *err)
{
	if (json_is_array(value))
		return settle_array(value, err);
	if (json_is_object(value))
		return settle_object(value, err);
	if (!json_is_real(value))
		return HF_OK;
	double number = json_real_value(value);
	return fabs(number - trunc(number)) > 0 ? HF_OK : integral(number, ret_other, err);
}

static enum hf_status write_canonical(const json_t *value, hf_arena *arena, struct hf_str *ret_text, hf_error *err)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (!text)
		return error_nomem(err);
	struct hf_str copy = hf_arena_str(arena, hf_str_of(text));
	free(text);
	if (!copy.ptr)
		return error_nomem(err);
	*ret_text = copy;
	return HF_OK;
}

static enum hf_status check_bytes(size_t bytes, hf_error *err)
{
	if (bytes > HF_KV_METADATA_BYTES)
		return error_set(err, HF_E_LIMIT, "metadata of %zu bytes: at most %d are kept", bytes,
		                 HF_KV_METADATA_BYTES);
	return HF_OK;
}

static enum hf_status check_levels(struct hf_str text, hf_error *err)
{
	unsigned levels = json_levels(text);
	if (levels > HF_KV_METADATA_LEVELS)
		return error_set(err, HF_E_LIMIT, "metadata nested %u levels deep: at most %d are kept", levels,
		                 HF_KV_METADATA_LEVELS);
	return HF_OK;
}

enum hf_status metadata_canonical(struct hf_str text, hf_arena *arena, struct hf_str *ret_canonical, hf_error *err)
{
	enum hf_status status = check_bytes(text.len, err);
	if (status == HF_OK)
		status = metadata_again(text, arena, ret_canonical, err);
	return status == HF_OK ? check_bytes(ret_canonical->len, err) : status;
}

enum hf_status metadata_again(struct hf_str text, hf_arena *arena, struct hf_str *ret_canonical, hf_error *err)
{
	CLEANUP(json_freep) json_t *value = NULL;
	json_t *other = NULL;
	enum hf_status status = check_levels(text, err);
	if (status == HF_OK)
		status = parse(text, &value, err);
	if (status == HF_OK)
		status = settle(value, &other, err);
	if (other) {
		json_decref(value);
		value = other;
	}
	return status == HF_OK ? write_canonical(value, arena, ret_canonical, err) : status;
}

enum hf_status metadata_contains(struct hf_str metadata, struct hf_str part, bool *ret_contains, hf_error *err)
{
	CLEANUP(json_freep) json_t *whole = NULL;
	CLEANUP(json_freep) json_t *wanted = NULL;
	*ret_contains = false;
	if (!metadata.ptr)
		return HF_OK;
	enum hf_status status = parse(metadata, &whole, err);
	if (status == HF_OK)
		status = parse(part, &wanted, err);
	if (status == HF_OK)
		*ret_contains = json_contains(whole, wanted);
	return status;
}

bool metadata_scalar(struct hf_str part, struct hf_str member, hf_arena *arena, struct hf_str *ret_value)
{
	CLEANUP(json_freep) json_t *whole = NULL;
	char name[256];
	if (member.len >= sizeof(name) || parse(part, &whole, NULL) != HF_OK)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)member.len, member.ptr);
	const json_t *value = json_object_get(whole, name);
	if (!value || json_is_object(value) || json_is_array(value))
		return false;
	return write_canonical(value, arena, ret_value, NULL) == HF_OK;
}
