/*
 * upload.c - see upload.h.
 */
#include "janitor/upload.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "janitor/json_text.h"

enum hf_status upload_parse(struct hf_str json, const char *what, json_t **ret_list, hf_error *err)
{
	json_t *list = NULL;
	enum hf_status status = json_text_parse(json, what, &list, err);
	if (status == HF_OK && !json_is_array(list))
		status = error_set(err, HF_E_INPUT, "%s: the document is %s, not a list", what, json_text_kind(list));
	else if (status == HF_OK && json_array_size(list) > UPLOAD_ENTRIES_MAX)
		status = error_set(err, HF_E_LIMIT, "%s: %zu entries, at most %d are read", what, json_array_size(list),
		                   UPLOAD_ENTRIES_MAX);
	if (status == HF_OK)
		*ret_list = list;
	else
		json_decref(list);
	return status;
}

enum hf_status upload_entry(const json_t *list, const char *what, size_t number, struct upload_entry *ret_entry,
                            hf_error *err)
{
	*ret_entry = (struct upload_entry){what, number, json_array_get(list, number), err, false};
	return upload_check_object(ret_entry);
}

enum hf_status upload_check_object(const struct upload_entry *entry)
{
	if (json_is_object(entry->object))
		return HF_OK;
	return error_set(entry->err, HF_E_INPUT, "%s: entry %zu is %s, not an object", entry->what, entry->number + 1,
	                 json_text_kind(entry->object));
}

enum hf_status upload_refuse(const struct upload_entry *entry, const char *member, const char *format, ...)
{
	char why[256];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return error_set(entry->err, HF_E_INPUT, "%s: entry %zu: \"%s\" %s", entry->what, entry->number + 1, member,
	                 why);
}

static void hint_known(const char *const *known, size_t count, hf_error *err)
{
	struct buf list;
	buf_init(&list, 512);
	for (size_t i = 0; i < count; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " and ", known[i]);
	error_hint(err, "fields are %.*s", STR_ARG(buf_str(&list)));
	buf_deinit(&list);
}

/* NULL for null and for what is absent. */
static const json_t *member_of(const struct upload_entry *entry, const char *member)
{
	const json_t *value = json_object_get(entry->object, member);
	return json_is_null(value) ? NULL : value;
}

enum hf_status upload_only(const struct upload_entry *entry, const char *const *known, size_t count)
{
	json_t *members = (json_t *)(uintptr_t)entry->object; /* only read; jansson's iterators take no const */
	for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
		size_t i = 0;
		while (i < count && strcmp(known[i], json_object_iter_key(at)) != 0)
			i++;
		if (i < count)
			continue;
		error_set(entry->err, HF_E_INPUT, "%s: entry %zu: unknown field \"%.60s\"", entry->what,
		          entry->number + 1, json_object_iter_key(at));
		hint_known(known, count, entry->err);
		return HF_E_INPUT;
	}
	return HF_OK;
}

bool upload_has(const struct upload_entry *entry, const char *member)
{
	return json_object_get(entry->object, member) != NULL;
}

enum hf_status upload_text(const struct upload_entry *entry, const char *member, struct hf_str *ret_text)
{
	const json_t *value = member_of(entry, member);
	*ret_text = (struct hf_str){NULL, 0};
	if (value && !json_is_string(value))
		return upload_refuse(entry, member, "is %s, not a string or null", json_text_kind(value));
	if (value)
		*ret_text = (struct hf_str){json_string_value(value), json_string_length(value)};
	return HF_OK;
}

enum hf_status upload_number(const struct upload_entry *entry, const char *member, bool *ret_known, double *ret_value)
{
	const json_t *value = member_of(entry, member);
	*ret_known = value != NULL;
	*ret_value = 0.0;
	if (value && !json_is_number(value) && (entry->strict || !json_is_boolean(value)))
		return upload_refuse(entry, member, "is %s, not a number or null", json_text_kind(value));
	if (value)
		*ret_value = json_is_boolean(value) ? (double)json_is_true(value) : json_number_value(value);
	return HF_OK;
}

enum hf_status upload_int(const struct upload_entry *entry, const char *member, bool *ret_known, int32_t *ret_value)
{
	double number;
	enum hf_status status = upload_number(entry, member, ret_known, &number);
	*ret_value = 0;
	if (status != HF_OK)
		return status;
	if (entry->strict && number != trunc(number))
		return upload_refuse(entry, member, "is no whole number");
	number = trunc(number);
	if (!(number >= INT32_MIN && number <= INT32_MAX))
		return upload_refuse(entry, member, "is not within 32 bits (%d to %d)", INT32_MIN, INT32_MAX);
	*ret_value = (int32_t)number;
	return HF_OK;
}
