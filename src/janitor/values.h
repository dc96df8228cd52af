/*
 * values.h - between what generated queries take and give (value + has_ flag) and what our headers say ({NULL, 0}).
 */
#ifndef JANITOR_VALUES_H
#define JANITOR_VALUES_H

#include "base/error.h"
#include "base/str.h"
#include "core/interval.h"

/* Fill the nullable text input `member`; an absent view is NULL. */
#define SET_TEXT(in, member, view)                       \
	do {                                             \
		(in)->member = (view);                   \
		(in)->has_##member = (view).ptr != NULL; \
	} while (0)

/* In the initializer of a query's input: only rows with this text, or any where the view is absent; at most so many
 * rows, 0 = all. */
#define WITH_TEXT(member, view) .member = (view), .with_##member = (view).ptr != NULL
#define WITH_LIMIT(limit) .row_limit = (limit), .has_row_limit = (limit) != 0

/* A nullable text column as a view. */
#define GET_TEXT(row, member) ((row)->has_##member ? (row)->member : (struct hf_str){NULL, 0})

/* printf("%.*s", SHOWN(view)): no message shows more of a text that somebody made up. */
#define SHOWN(view) (int)((view).len > 100 ? 100 : (view).len), (view).ptr

/* A one-dimensional array; nulls NULL = no element is null. */
static inline struct hf_str_array text_array(uint32_t count, const struct hf_str *values, const bool *nulls)
{
	return (struct hf_str_array){.count = count, .ndim = count > 0, .values = values, .nulls = nulls};
}

/* An interval that the database may hold and we cannot: more than 292,000 years. */
static inline enum hf_status interval_us(struct hf_interval interval, int64_t *ret_us, hf_error *err)
{
	if (interval_to_us(interval, ret_us))
		return HF_OK;
	return error_set(err, HF_E_LIMIT, "an interval of %d months and %d days is out of range", interval.months,
	                 interval.days);
}

#endif
