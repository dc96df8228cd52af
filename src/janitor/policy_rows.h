/*
 * policy_rows.h - publish modes as words (policy.c), for whoever reads or writes them.
 */
#ifndef JANITOR_POLICY_ROWS_H
#define JANITOR_POLICY_ROWS_H

#include "holdfast/policy.h"
#include "queries/janitor/policy.h"

/** The mode with that label; HF_E_INPUT with the nearest as hint. */
enum hf_status publish_mode_parse(struct hf_str word, enum publish_mode *ret_mode, hf_error *err);

#endif
