/*
 * transaction.h - the transactions of the Janitor's functions: they wait for a lock or a row and read then what others
 * committed, so they are READ COMMITTED whatever a database or a role is set to. Within the caller's transaction they
 * are savepoints of whatever that is.
 */
#ifndef JANITOR_TRANSACTION_H
#define JANITOR_TRANSACTION_H

#include "holdfast/transaction.h"

static inline enum hf_status janitor_transaction(hf_where where, hf_transaction_fn *fn, void *user, hf_error *err)
{
	const struct hf_transaction_options options = {.size = sizeof(options), .isolation = HF_READ_COMMITTED};
	return hf_transaction(where, &options, fn, user, err);
}

#endif
