/*
 * review_rows.h - the words of reviews, for whoever reads or writes them (review.c).
 */
#ifndef JANITOR_REVIEW_ROWS_H
#define JANITOR_REVIEW_ROWS_H

#include "holdfast/review.h"
#include "queries/janitor/review.h"

/** The verdict with that label; HF_E_INPUT with the nearest as hint. */
enum hf_status verdict_parse(struct hf_str word, enum verdict *ret_verdict, hf_error *err);

#endif
