/*
 * proposal_rows.h - the words of merge proposals, for whoever reads or writes them (proposal.c).
 */
#ifndef JANITOR_PROPOSAL_ROWS_H
#define JANITOR_PROPOSAL_ROWS_H

#include "holdfast/proposal.h"
#include "queries/janitor/proposal.h"

/** The status with that label; HF_E_INPUT with the nearest as hint. */
enum hf_status proposal_status_parse(struct hf_str word, enum merge_proposal_status *ret_status, hf_error *err);

#endif
