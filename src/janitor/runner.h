/*
 * runner.h - whether the original's runner could be told of a run: before anything is stored (runner.c).
 */
#ifndef JANITOR_RUNNER_H
#define JANITOR_RUNNER_H

#include "holdfast/review.h"

/** HF_E_USAGE unless both make a URL that hf_runner_set_publish_status() can ask. */
enum hf_status runner_check(const char *runner_url, struct hf_str run_id, hf_error *err);

#endif
