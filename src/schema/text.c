/*
 * text.c - the JSON form of a schema, both ways. Empty members are left out when written and may be left out.
 */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/str.h"
#include "schema/schema.h"

#define TEXT_BYTES_MAX ((size_t)256 << 20)

DEFINE_OWNED(json, json_t *, json_decref)

/* ---- writing ---- */

static void member(struct json_writer *json, const char *name, struct hf_str value)
{
	if (value.len == 0)
		return;
	jw_key(json, name);
	jw_text(json, value);
}

static void write_object(struct json_writer *json, const struct hf_schema_object *object)
{
	jw_object_begin(json);
	member(json, "kind", hf_str_of(hf_schema_kind_word(object->kind)));
	member(json, "schema", object->schema);
	member(json, "parent", object->parent);
	member(json, "name", object->name);
	if (object->position) {
		jw_key(json, "position");
		jw_int(json, object->position);
	}
	jw_key(json, "properties");
	jw_object_begin(json);
	for (size_t i = 0; i < object->nproperties; i++) {
		char name[128];
		snprintf(name, sizeof(name), "%.*s", STR_ARG(object->properties[i].name));
		jw_key(json, name);
		jw_text(json, object->properties[i].value);
	}
	jw_object_end(json);
	jw_object_end(json);
}

enum hf_status hf_schema_format(const struct hf_schema *schema, hf_arena *arena, struct hf_str *ret_json, hf_error *err)
{
	struct json_writer json;
	CLEANUP(buf_deinit) struct buf buf;
	buf_init(&buf, TEXT_BYTES_MAX);
	jw_init(&json, jw_into_buf, &buf);
	jw_lines(&json);
	jw_array_begin(&json);
	for (size_t i = 0; i < schema->count; i++)
		write_object(&json, &schema->objects[i]);
	jw_array_end(&json);
	bool whole = jw_finish(&json);
	buf_add_char(&buf, '\n');
	if (!whole || !buf_ok(&buf))
		return buf_starved(&buf) ? error_nomem(err)
		                         : error_set(err, HF_E_LIMIT, "the text of the schema is longer than 256 MiB");
	struct hf_str text = hf_arena_str(arena, buf_str(&buf));
	if (!text.ptr)
		return error_nomem(err);
	*ret_json = text;
	return HF_OK;
}

/* ---- reading ---- */

struct parsing {
	struct schema_list list;
	bool starved; /* memory was short; else what is refused is malformed */
};

static bool starve(struct parsing *parsing)
{
	parsing->starved = true;
	return false;
}

static bool take_text(struct parsing *parsing, json_t *object, const char *name, struct hf_str *ret_text)
{
	json_t *value = json_object_get(object, name);
	if (value && !json_is_string(value))
		return false;
	struct hf_str text = value ? (struct hf_str){json_string_value(value), json_string_length(value)} : HF_STR("");
	*ret_text = hf_arena_str(parsing->list.arena, text);
	return ret_text->ptr ? true : starve(parsing);
}

static bool take_properties(struct parsing *parsing, json_t *value, struct hf_schema_object *object)
{
	const char *name;
	json_t *item;
	hf_arena *arena = parsing->list.arena;
	if (value && !json_is_object(value))
		return false;
	object->properties = hf_arena_calloc(arena, json_object_size(value) + 1, sizeof(*object->properties));
	if (!object->properties)
		return starve(parsing);
	json_object_foreach (value, name, item) {
		struct hf_schema_property *property = &object->properties[object->nproperties++];
		property->name = hf_arena_str(arena, hf_str_of(name));
		if (!property->name.ptr)
			return starve(parsing);
		if (!take_text(parsing, value, name, &property->value))
			return false;
	}
	return true;
}

static bool take_object(struct parsing *parsing, json_t *value)
{
	struct hf_str kind;
	struct hf_schema_object *object = schema_add(&parsing->list);
	if (!object)
		return starve(parsing);
	if (!json_is_object(value) || !take_text(parsing, value, "kind", &kind))
		return false;
	object->kind = schema_kind_of(kind);
	json_int_t position = json_integer_value(json_object_get(value, "position"));
	object->position = position > 0 && position <= INT32_MAX ? (int32_t)position : 0;
	return object->kind != HF_SCHEMA_KIND_COUNT && take_text(parsing, value, "schema", &object->schema) &&
	       take_text(parsing, value, "parent", &object->parent) &&
	       take_text(parsing, value, "name", &object->name) && object->name.len > 0 &&
	       take_properties(parsing, json_object_get(value, "properties"), object);
}

static enum hf_status take_all(struct parsing *parsing, const json_t *list, hf_error *err)
{
	if (!json_is_array(list))
		return error_set(err, HF_E_INPUT, "a schema is a JSON array of objects, and this is none");
	if (json_array_size(list) > SCHEMA_OBJECTS_MAX)
		return error_set(err, HF_E_LIMIT, "the schema has more than %d objects", SCHEMA_OBJECTS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!take_object(parsing, json_array_get(list, i)))
			return parsing->starved
			               ? error_nomem(err)
			               : error_set(err, HF_E_INPUT, "item %zu is no object of a schema", i + 1);
	return HF_OK;
}

enum hf_status hf_schema_parse(struct hf_str json, hf_arena *arena, struct hf_schema *ret_schema, hf_error *err)
{
	json_error_t why = {0}; /* jansson leaves the code alone when memory runs out early */
	struct parsing parsing = {.list = {.arena = arena}};
	CLEANUP(json_freep)
	json_t *value = json_loadb(json.ptr ? json.ptr : "", json.len, JSON_REJECT_DUPLICATES, &why);
	if (!value && (json_error_code(&why) == json_error_out_of_memory || !why.text[0]))
		return error_nomem(err);
	if (!value)
		return error_set(err, HF_E_INPUT, "line %d, column %d: %s", why.line, why.column, why.text);
	enum hf_status status = take_all(&parsing, value, err);
	if (status != HF_OK)
		return status;
	schema_sort(&parsing.list.schema);
	*ret_schema = parsing.list.schema;
	return HF_OK;
}
