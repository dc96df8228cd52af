/*
 * isotime.h - a moment as ISO 8601 writes it: "2024-05-06T07:08:09.123456", as workers report it. Pure.
 */
#ifndef CORE_ISOTIME_H
#define CORE_ISOTIME_H

#include "holdfast/types.h"

enum isotime_fault {
	ISOTIME_FINE = 0,
	ISOTIME_MALFORMED, /* or a date that no calendar has */
	ISOTIME_ZONED      /* well-formed, with a zone behind it */
};

/**
 * Date (four digits of year), then optionally one separating character and hours, minutes, seconds and a fraction, of
 * which six digits count. Years 1 to 9999. *ret_time is set for ISOTIME_FINE only.
 */
enum isotime_fault isotime_parse(struct hf_str text, struct hf_timestamp *ret_time);

#endif
