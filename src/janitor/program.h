/*
 * program.h - run a program to its end, bounded in time and output. No shell.
 */
#ifndef JANITOR_PROGRAM_H
#define JANITOR_PROGRAM_H

#include "base/str.h"
#include "holdfast/context.h"

/**
 * Run argv (found by PATH) with stdin from /dev/null and both outputs collected in `output` (init by the caller; what
 * is beyond its maximum is dropped). @param ret_code the exit code, or 128 + the signal that ended it.
 * @return HF_OK; HF_E_NO_PACKAGE no such program; HF_TIMEOUT, HF_E_INTERRUPTED it was ended; HF_E_FAILED.
 */
enum hf_status program_run(hf_context *ctx, const char *const *argv, hf_deadline deadline, struct buf *output,
                           int *ret_code, hf_error *err);

#endif
