/*
 * json_contains.c - see json_contains.h. Recursion is bounded by the nesting of `part`, which the parser bounds.
 */
#include "core/json_contains.h"

static bool contains(const json_t *whole, const json_t *part);

static bool object_contains(const json_t *whole, const json_t *part)
{
	json_t *members = (json_t *)(uintptr_t)part; /* iterating does not change it; jansson has no const iterators */
	for (void *at = json_object_iter(members); at; at = json_object_iter_next(members, at)) {
		const json_t *own = json_object_get(whole, json_object_iter_key(at));
		if (!own || !contains(own, json_object_iter_value(at)))
			return false;
	}
	return true;
}

static bool has_element(const json_t *array, const json_t *element)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (contains(json_array_get(array, i), element))
			return true;
	return false;
}

static bool array_contains(const json_t *whole, const json_t *part)
{
	for (size_t i = 0; i < json_array_size(part); i++)
		if (!has_element(whole, json_array_get(part, i)))
			return false;
	return true;
}

static bool numbers_equal(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b))
		return json_integer_value(a) == json_integer_value(b);
	return json_is_real(a) && json_is_real(b) && json_real_value(a) >= json_real_value(b) &&
	       json_real_value(a) <= json_real_value(b);
}

static bool contains(const json_t *whole, const json_t *part)
{
	if (json_is_number(whole) && json_is_number(part))
		return numbers_equal(whole, part);
	if (json_typeof(whole) != json_typeof(part))
		return false;
	if (json_is_object(whole))
		return object_contains(whole, part);
	if (json_is_array(whole))
		return array_contains(whole, part);
	return json_equal(whole, part) != 0;
}

bool json_contains(const json_t *whole, const json_t *part)
{
	if (json_is_array(whole) && !json_is_array(part) && !json_is_object(part))
		return has_element(whole, part);
	return contains(whole, part);
}
