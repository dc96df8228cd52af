/*
 * every_type.h - every builtin type, its array, and what the sample schema makes of enums, composites, domains, ranges
 * and extensions.
 */
#ifndef TESTS_GEN_EVERY_TYPE_H
#define TESTS_GEN_EVERY_TYPE_H

#include "base/macros.h"
#include "queries/sample/sample_types.h"

#define TYPE(name, ...) &hf_type_##name, &hf_type_##name##_array,
#define RANGE_TYPE(subtype, range, oid, array_oid, multirange, ...) TYPE(range, ) TYPE(multirange, )
/* clang-format off */
static const struct hf_type *const every_type[] = {
	HF_BUILTIN_SCALARS(TYPE) HF_BUILTIN_VECTORS(TYPE) HF_BUILTIN_RANGES(RANGE_TYPE)
	&mood_type, &mood_array_type, &mood_or_none_type, &mood_or_none_array_type, &app_size_type, &word_type,
	&word_array_type, &point3_type, &point3_array_type, &app_pair_type, &span_type, &span_array_type, &spans_type,
	&app_wordrange_type, &citext_type, &citext_array_type, &ltree_type, &lquery_type, &triangle_type,
	&triangle_array_type, &shallow_type, &shallow_array_type, &deep_type, &deep_array_type,
};
/* clang-format on */
#define EVERY_TYPE_COUNT ARRAY_LEN(every_type)

#endif
