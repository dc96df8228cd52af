/*
 * pause.c - what is not handed out for a while (claim.h): rows that claim_next looks at, and nobody else.
 */
#include "holdfast/claim.h"

#include <assert.h>

#include "base/str.h"
#include "base/words.h"
#include "janitor/values.h"
#include "queries/janitor/claim.h"

static const char *const kind_words[] = {"queue", "bucket", "campaign", "host"};
static_assert((int)HOLDFAST_PAUSE_KIND_HOST == (int)HF_PAUSE_HOST, "order of kinds");

const char *hf_pause_kind_word(enum hf_pause_kind kind)
{
	return word_of(kind_words, ARRAY_LEN(kind_words), (int)kind);
}

static enum hf_status check_name(enum hf_pause_kind kind, struct hf_str name, hf_error *err)
{
	enum hf_bucket ignored;
	if (kind == HF_PAUSE_BUCKET)
		return hf_bucket_parse(name, &ignored, err);
	if (kind == HF_PAUSE_QUEUE ? name.len > 0 : name.len == 0 || name.len > HF_PAUSE_TEXT_MAX)
		return error_set(err, HF_E_INPUT, "the name of a paused %s has %s bytes, not %zu",
		                 hf_pause_kind_word(kind), kind == HF_PAUSE_QUEUE ? "no" : "1 to 1024", name.len);
	return str_is_utf8(name, NULL) ? HF_OK : error_set(err, HF_E_INPUT, "the name of what is paused is not UTF-8");
}

enum hf_status hf_pause_begin(hf_where where, enum hf_pause_kind kind, struct hf_str name, struct hf_str reason,
                              int64_t lasting_us, hf_error *err)
{
	struct pause_put_in in = {.kind = (enum holdfast_pause_kind)kind,
	                          .name = name.ptr ? name : HF_STR(""),
	                          .has_lasting = lasting_us > 0,
	                          .lasting = interval_of_us(lasting_us)};
	SET_TEXT(&in, reason, reason);
	enum hf_status status = check_name(kind, name, err);
	if (status == HF_OK && (lasting_us < 0 || lasting_us > HF_PAUSE_MAX_US))
		status = error_set(err, HF_E_INPUT, "a pause lasts 1 us to 10 years, or, with 0, until it is ended");
	if (status == HF_OK && (reason.len > HF_PAUSE_TEXT_MAX || !str_is_utf8(reason, NULL)))
		status = error_set(err, HF_E_INPUT, "the reason of a pause is UTF-8 of at most %d bytes",
		                   HF_PAUSE_TEXT_MAX);
	return status == HF_OK ? pause_put(where, &in, err) : status;
}

enum hf_status hf_pause_end(hf_where where, enum hf_pause_kind kind, struct hf_str name, hf_error *err)
{
	struct pause_end_in in = {.kind = (enum holdfast_pause_kind)kind, .name = name.ptr ? name : HF_STR("")};
	int64_t ended;
	enum hf_status status = check_name(kind, name, err);
	if (status == HF_OK)
		status = pause_end(where, &in, &ended, err);
	if (status != HF_OK || ended > 0)
		return status;
	return kind == HF_PAUSE_QUEUE
	               ? error_set(err, HF_NOT_FOUND, "the queue is not paused")
	               : error_set(err, HF_NOT_FOUND, "%s %.*s is not paused", hf_pause_kind_word(kind), STR_ARG(name));
}

struct listing {
	hf_pause_fn *fn;
	void *user;
};

static enum hf_status pause_row_of(void *user, const struct pause_list_row *row, hf_error *err)
{
	const struct listing *listing = user;
	const struct hf_pause pause = {.kind = (enum hf_pause_kind)row->kind,
	                               .name = row->name,
	                               .reason = GET_TEXT(row, reason),
	                               .since = row->since,
	                               .has_until = row->has_until,
	                               .until = row->until};
	return listing->fn(listing->user, &pause, err);
}

enum hf_status hf_pause_list(hf_where where, hf_pause_fn *fn, void *user, hf_error *err)
{
	struct listing listing = {fn, user};
	return pause_list(where, pause_row_of, &listing, err);
}
