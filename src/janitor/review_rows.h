/*
 * review_rows.h - the words of reviews, for whoever reads or writes them (review.c).
 */
#ifndef JANITOR_REVIEW_ROWS_H
#define JANITOR_REVIEW_ROWS_H

#include "holdfast/review.h"
#include "queries/janitor/review.h"

/** The verdict with that label; HF_E_INPUT with the nearest as hint. */
enum hf_status verdict_parse(struct hf_str word, enum verdict *ret_verdict, hf_error *err);

enum { REVIEWS_BATCH = 5000 };
/** Up to REVIEWS_BATCH reviews in one statement; a time of 0 is now. */
enum hf_status reviews_put(hf_where where, const struct hf_review *reviews, size_t count, hf_error *err);

#endif
