/* Random values that are made of others, and the quoting of their parts. */
#include <string.h>

#include "base/macros.h"
#include "random_value.h"

/* Inside an array: backslashes escape. */
static void quote_element(struct buf *literal, struct hf_str text)
{
	buf_add_char(literal, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_add_char(literal, '\\');
		buf_add_char(literal, text.ptr[i]);
	}
	buf_add_char(literal, '"');
}

/* Inside a row or a range: what is special stands twice. */
static void quote_part(struct buf *literal, struct hf_str text)
{
	buf_add_char(literal, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_add_char(literal, text.ptr[i]);
		buf_add_char(literal, text.ptr[i]);
	}
	buf_add_char(literal, '"');
}

static void random_composite(struct chance *chance, const struct hf_type *type, char *out, struct buf *literal)
{
	buf_add_char(literal, '(');
	for (uint32_t i = 0; i < type->count; i++) {
		const struct hf_field *field = &type->fields[i];
		struct buf part;
		buf_add_text(literal, i ? "," : "");
		if (chance_once_in(chance, 6))
			continue;
		buf_init(&part, 1 << 24);
		*(bool *)(out + field->null_offset) = true;
		random_value(chance, field->type, out + field->offset, &part);
		quote_part(literal, buf_str(&part));
		buf_deinit(&part);
	}
	buf_add_char(literal, ')');
}

/* ---- arrays ---- */

struct shaping {
	struct chance *chance;
	const struct hf_type *element;
	struct hf_array *array;
	int32_t dims[3], lower_bounds[3];
	bool *nulls;
	char *values;
	uint32_t done;
	struct buf *literal;
};

static void random_element(struct shaping *shaping)
{
	struct buf part;
	const uint32_t index = shaping->done++;
	if (chance_once_in(shaping->chance, 8)) {
		shaping->nulls[index] = true;
		shaping->array->nulls = shaping->nulls;
		buf_add_text(shaping->literal, "NULL");
		return;
	}
	buf_init(&part, 1 << 24);
	random_value(shaping->chance, shaping->element, shaping->values + (size_t)index * shaping->element->size,
	             &part);
	quote_element(shaping->literal, buf_str(&part));
	buf_deinit(&part);
}

static void random_dimension(struct shaping *shaping, uint32_t depth)
{
	const char delimiter = strcmp(shaping->element->name, "box") == 0 ? ';' : ',';
	buf_add_char(shaping->literal, '{');
	for (int32_t i = 0; i < shaping->dims[depth]; i++) {
		if (i > 0)
			buf_add_char(shaping->literal, delimiter);
		if (depth + 1 < shaping->array->ndim)
			random_dimension(shaping, depth + 1);
		else
			random_element(shaping);
	}
	buf_add_char(shaping->literal, '}');
}

static const int32_t *keep(struct chance *chance, const int32_t *words, uint32_t count)
{
	int32_t *copy = hf_arena_calloc(chance->arena, count + 1, sizeof(*copy));
	return memcpy(copy, words, count * sizeof(*copy));
}

static void random_shape(struct shaping *shaping, bool bounds)
{
	struct chance *chance = shaping->chance;
	struct hf_array *array = shaping->array;
	array->count = 1;
	for (uint32_t i = 0; i < array->ndim; i++) {
		shaping->dims[i] = 1 + (int32_t)chance_below(chance, array->ndim == 1 ? 7 : 3);
		shaping->lower_bounds[i] = bounds ? (int32_t)chance_below(chance, 2000) - 1000 : 1;
		array->count *= (uint32_t)shaping->dims[i];
		if (bounds)
			buf_printf(shaping->literal, "[%d:%d]", shaping->lower_bounds[i],
			           shaping->lower_bounds[i] + shaping->dims[i] - 1);
	}
	buf_add_text(shaping->literal, bounds ? "=" : "");
	if (!bounds && array->ndim == 1 && chance_once_in(chance, 2))
		return; /* as most programs say it */
	array->dims = keep(chance, shaping->dims, array->ndim);
	array->lower_bounds = keep(chance, shaping->lower_bounds, array->ndim);
}

static void fill_array(struct shaping *shaping)
{
	struct hf_array *array = shaping->array;
	shaping->nulls = hf_arena_calloc(shaping->chance->arena, array->count, sizeof(bool));
	shaping->values = hf_arena_calloc(shaping->chance->arena, array->count, shaping->element->size);
	array->values = shaping->values;
	random_dimension(shaping, 0);
}

static void random_array(struct chance *chance, const struct hf_type *type, struct hf_array *array, struct buf *literal)
{
	struct shaping shaping = {.chance = chance, .element = type->element, .array = array, .literal = literal};
	if (chance_once_in(chance, 8)) {
		buf_add_text(literal, "{}");
		return;
	}
	array->ndim = chance_once_in(chance, 2) ? 1 : 1 + (uint32_t)chance_below(chance, 3);
	random_shape(&shaping, chance_once_in(chance, 4));
	fill_array(&shaping);
}

/* The domain wants three of them. */
static void random_triangle(struct chance *chance, const struct hf_type *type, struct hf_array *array,
                            struct buf *literal)
{
	struct shaping shaping = {
		.chance = chance, .element = type->element, .array = array, .dims = {3}, .literal = literal};
	array->ndim = 1;
	array->count = 3;
	fill_array(&shaping);
}

static void random_vector(struct chance *chance, const struct hf_type *type, struct hf_array *array,
                          struct buf *literal)
{
	const size_t size = type->element->size;
	array->count = 1 + (uint32_t)chance_below(chance, 6);
	char *values = hf_arena_calloc(chance->arena, array->count, size);
	for (uint32_t i = 0; i < array->count; i++) {
		buf_add_text(literal, i ? " " : "");
		random_value(chance, type->element, values + i * size, literal);
	}
	array->values = values;
}

/* ---- ranges ---- */

static void random_range(struct chance *chance, const struct hf_type *type, char *out, struct buf *literal)
{
	const size_t size = type->element->size;
	uint8_t *flags = (uint8_t *)out + 2 * size;
	struct buf lower, upper;
	if (chance_once_in(chance, 10)) {
		*flags = HF_RANGE_EMPTY;
		buf_add_text(literal, "empty");
		return;
	}
	buf_init(&lower, 4096);
	buf_init(&upper, 4096);
	random_bounds(chance, type->element, out, &lower, out + size, &upper);
	const bool lower_inc = chance_once_in(chance, 2), upper_inc = chance_once_in(chance, 2);
	const bool lower_inf = chance_once_in(chance, 6), upper_inf = chance_once_in(chance, 6);
	*flags = (uint8_t)((lower_inc ? HF_RANGE_LOWER_INC : 0) | (upper_inc ? HF_RANGE_UPPER_INC : 0) |
	                   (lower_inf ? HF_RANGE_LOWER_INF : 0) | (upper_inf ? HF_RANGE_UPPER_INF : 0));
	buf_add_char(literal, lower_inc ? '[' : '(');
	if (!lower_inf)
		quote_part(literal, buf_str(&lower));
	buf_add_char(literal, ',');
	if (!upper_inf)
		quote_part(literal, buf_str(&upper));
	buf_add_char(literal, upper_inc ? ']' : ')');
	buf_deinit(&lower);
	buf_deinit(&upper);
}

static void random_multirange(struct chance *chance, const struct hf_type *type, struct hf_multirange *out,
                              struct buf *literal)
{
	const size_t size = type->element->size;
	out->count = (uint32_t)chance_below(chance, 5);
	char *ranges = hf_arena_calloc(chance->arena, out->count, size);
	buf_add_char(literal, '{');
	for (uint32_t i = 0; i < out->count; i++) {
		buf_add_text(literal, i ? "," : "");
		random_range(chance, type->element, ranges + i * size, literal);
	}
	buf_add_char(literal, '}');
	out->ranges = ranges;
}

void random_value(struct chance *chance, const struct hf_type *type, void *out, struct buf *literal)
{
	if (strcmp(type->name, "public.triangle") == 0)
		random_triangle(chance, type, out, literal);
	else if (type->kind == HF_TYPE_COMPOSITE)
		random_composite(chance, type, out, literal);
	else if (type->kind == HF_TYPE_ARRAY)
		random_array(chance, type, out, literal);
	else if (type->kind == HF_TYPE_VECTOR)
		random_vector(chance, type, out, literal);
	else if (type->kind == HF_TYPE_RANGE)
		random_range(chance, type, out, literal);
	else if (type->kind == HF_TYPE_MULTIRANGE)
		random_multirange(chance, type, out, literal);
	else
		random_scalar(chance, type, out, literal);
}
