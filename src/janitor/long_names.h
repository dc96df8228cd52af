/*
 * long_names.h - names longer than HF_NAME_BYTES_MAX (codebase.h): none is made any more, but those that are there
 * from before the bound are written as any other. Only such names cost a round trip.
 */
#ifndef JANITOR_LONG_NAMES_H
#define JANITOR_LONG_NAMES_H

#include "holdfast/connection.h"

/* A campaign has no table: it is there when a candidate names it. */
enum name_kind { NAME_OF_CODEBASE, NAME_OF_CAMPAIGN };

/** @param ret_new index of the first name that is too long for a new one and is new; `count`: none is. One round trip
 *  where there are long ones, else none. */
enum hf_status long_names_new(hf_where where, enum name_kind kind, const struct hf_str *names, uint32_t count,
                              uint32_t *ret_new, hf_error *err);
/** HF_E_INPUT "the <member> is longer than 1000 bytes" where that one name is new. */
enum hf_status long_name_check(hf_where where, enum name_kind kind, struct hf_str name, const char *member,
                               hf_error *err);

#endif
