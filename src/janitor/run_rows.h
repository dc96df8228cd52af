/*
 * run_rows.h - rows of the table run as the public struct (run.c), for whoever reads runs, and their words.
 */
#ifndef JANITOR_RUN_ROWS_H
#define JANITOR_RUN_ROWS_H

#include "holdfast/run.h"
#include "queries/janitor/run.h"

/** Texts stay those of the row; branches and tags are made in the arena. */
enum hf_status run_of_row(const struct run_row *row, hf_arena *arena, struct hf_run *ret_run, hf_error *err);
/* Where rows of a list go. */
struct run_sink {
	hf_run_fn *fn;
	void *user;
	hf_arena *scratch; /* of one row */
};
/** Called for each row; `user` is the struct run_sink. */
enum hf_status run_to_sink(void *user, const struct run_row *row, hf_error *err);
/** The status with that label; HF_E_INPUT with the nearest as hint. */
enum hf_status publish_status_parse(struct hf_str word, enum publish_status *ret_status, hf_error *err);

#endif
