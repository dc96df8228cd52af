/*
 * rows.c - see rows.h.
 */
#include "cli/rows.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/error.h"
#include "holdfast/values.h"

enum { PARTS_BYTES_MAX = 64 << 20 };

enum hf_status cli_choice(const char *source, const char *choices, const char *text, int64_t *ret_index, hf_error *err)
{
	const struct cmd_option option = {.name = source, .kind = OPTION_CHOICE, .choices = choices};
	struct given given = {0};
	enum hf_status status = parse_value(&option, source, text, &given, err);
	if (status == HF_OK)
		*ret_index = given.number;
	return status;
}

/* Behind the seconds: nothing, ".5", ".000001", each with a Z or without. */
static bool read_fraction(const char *text, int32_t *ret_microsecond)
{
	*ret_microsecond = 0;
	if (*text == '.') {
		int32_t unit = 100000;
		for (text++; *text >= '0' && *text <= '9' && unit > 0; unit /= 10)
			*ret_microsecond += unit * (*text++ - '0');
	}
	return text[*text == 'Z'] == '\0';
}

enum hf_status cli_time(const char *text, struct hf_timestamp *ret_time, hf_error *err)
{
	struct hf_civil civil = {0};
	int date_end = 0, time_end = 0;
	int n = sscanf(text, "%4d-%2d-%2d%nT%2d:%2d:%2d%n", &civil.year, &civil.month, &civil.day, &date_end,
	               &civil.hour, &civil.minute, &civil.second, &time_end);
	if ((n == 3 && text[date_end] == '\0') || (n == 6 && read_fraction(text + time_end, &civil.microsecond)))
		if (hf_timestamp_from_civil(&civil, ret_time) == HF_OK)
			return HF_OK;
	error_set(err, HF_E_USAGE, "\"%.40s\" is no time", text);
	error_hint(err, "2024-05-06 or 2024-05-06T07:08:09, in UTC");
	return HF_E_USAGE;
}

struct hf_str rows_json(hf_arena *arena, rows_json_fn *add, const void *of)
{
	struct buf buf;
	struct json_writer json;
	struct hf_str text = {NULL, 0};
	buf_init(&buf, PARTS_BYTES_MAX);
	jw_init(&json, jw_into_buf, &buf);
	add(&json, of);
	if (jw_finish(&json))
		text = hf_arena_str(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}
