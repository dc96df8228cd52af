/*
 * long_names.c - see long_names.h.
 */
#include "janitor/long_names.h"

#include "base/arena.h"
#include "core/names.h"
#include "holdfast/codebase.h"
#include "janitor/values.h"
#include "queries/janitor/codebase.h"

enum hf_status long_names_new(hf_where where, enum name_kind kind, const struct hf_str *names, uint32_t count,
                              uint32_t *ret_new, hf_error *err)
{
	uint32_t nlong = 0;
	for (uint32_t i = 0; i < count; i++)
		nlong += names[i].len > HF_NAME_BYTES_MAX;
	*ret_new = count;
	if (nlong == 0)
		return HF_OK;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str *texts = arena ? hf_arena_calloc(arena, nlong, sizeof(*texts)) : NULL;
	uint32_t *places = texts ? hf_arena_calloc(arena, nlong, sizeof(*places)) : NULL;
	struct codebase_names_new_row row;
	if (!places)
		return error_nomem(err);
	for (uint32_t i = 0, n = 0; n < nlong; i++)
		if (names[i].len > HF_NAME_BYTES_MAX) {
			places[n] = i;
			texts[n++] = names[i];
		}
	struct codebase_names_new_in in = {.names = text_array(nlong, texts, NULL),
	                                   .campaigns = kind == NAME_OF_CAMPAIGN};
	enum hf_status status = codebase_names_new(where, &in, arena, &row, err);
	if (status == HF_OK)
		*ret_new = places[row.place - 1];
	return status == HF_NOT_FOUND ? HF_OK : status;
}

enum hf_status long_name_check(hf_where where, enum name_kind kind, struct hf_str name, const char *member,
                               hf_error *err)
{
	uint32_t new;
	enum hf_status status = long_names_new(where, kind, &name, 1, &new, err);
	if (status != HF_OK || new == 1)
		return status;
	return error_set(err, HF_E_INPUT, "the %s " CODEBASE_NAME_TOO_LONG, member);
}
