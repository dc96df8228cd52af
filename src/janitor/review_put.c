/*
 * review_put.c - rows of the table review: one or many in a statement (review_rows.h), and many that were given
 * elsewhere (holdfast/review.h).
 */
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "janitor/columns.h"
#include "janitor/review_rows.h"
#include "janitor/transaction.h"

enum { REVIEWS_MAX = 1000000 };

#define TEXTS(member) columns_text(&columns, offsetof(struct timed, review.member))

/* A review with what its time of 0 means. */
struct timed {
	struct hf_review review;
	bool has_time;
};

enum hf_status reviews_put(hf_where where, const struct hf_review *reviews, size_t count, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct timed *rows = arena ? hf_arena_calloc(arena, count + 1, sizeof(*rows)) : NULL;
	struct columns columns = {.arena = arena, .rows = rows, .row_size = sizeof(*rows), .count = (uint32_t)count};
	if (!rows)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct timed){reviews[i], reviews[i].reviewed_at.us != 0};
	struct review_put_in in = {.run_ids = TEXTS(run_id),
	                           .comments = TEXTS(comment),
	                           .reviewers = TEXTS(reviewer),
	                           .verdicts = TEXTS(verdict),
	                           .times = columns_timestamp(&columns, offsetof(struct timed, has_time),
	                                                      offsetof(struct timed, review.reviewed_at))};
	return columns.starved ? error_nomem(err) : review_put(where, &in, NULL, err);
}

struct importing {
	const struct hf_review *reviews;
	size_t count;
};

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	const struct importing *importing = user;
	enum hf_status status = HF_OK;
	for (size_t at = 0; at < importing->count && status == HF_OK; at += REVIEWS_BATCH) {
		size_t n = importing->count - at < REVIEWS_BATCH ? importing->count - at : REVIEWS_BATCH;
		status = reviews_put(tx, importing->reviews + at, n, err);
		if (status != HF_OK)
			error_prefix(err, "reviews %zu to %zu", at + 1, at + n);
	}
	return status;
}

enum hf_status hf_review_import(hf_where where, const struct hf_review *reviews, size_t count, hf_error *err)
{
	struct importing importing = {reviews, count};
	if (count > REVIEWS_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d reviews in one import", REVIEWS_MAX);
	for (size_t i = 0; i < count; i++) {
		enum verdict ignored;
		enum hf_status status = verdict_parse(reviews[i].verdict, &ignored, err);
		if (status != HF_OK) {
			error_prefix(err, "review %zu", i + 1);
			return status;
		}
	}
	return count > 0 ? janitor_transaction(where, import_tx, &importing, err) : HF_OK;
}
