/*
 * preview.h - writes as one transaction, rolled back under --dry-run after everything was tried for real.
 */
#ifndef CLI_PREVIEW_H
#define CLI_PREVIEW_H

#include "cli/cli.h"
#include "holdfast/transaction.h"

/** hf_transaction() on the command's database; HF_OK for a preview that would have worked. */
enum hf_status cli_write(struct cli *cli, hf_transaction_fn *fn, void *user, hf_error *err);
/** After a verb whose writes are one transaction: what to do, where the error does not say so. Returns `status`. */
enum hf_status cli_rolled_back(enum hf_status status, hf_error *err);

#endif
