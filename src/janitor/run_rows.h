/*
 * run_rows.h - rows of the table run as the public struct (run.c), for whoever reads runs.
 */
#ifndef JANITOR_RUN_ROWS_H
#define JANITOR_RUN_ROWS_H

#include "holdfast/run.h"
#include "queries/janitor/run.h"

/** Texts stay those of the row; branches and tags are made in the arena. */
enum hf_status run_of_row(const struct run_row *row, hf_arena *arena, struct hf_run *ret_run, hf_error *err);

#endif
