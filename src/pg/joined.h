/*
 * joined.h - transactions of two round trips: BEGIN goes with the first statement, COMMIT with the last.
 *
 *     static enum hf_status move(hf_where tx, void *user, hf_error *err)
 *     {
 *             status = rows_hold(tx, ...);                            BEGIN and this
 *             if (status == HF_OK) {
 *                     tx_last(tx);
 *                     status = rows_store(tx, ...);                   this and COMMIT
 *             }
 *             return status;
 *     }
 *     status = tx_joined(hf_on_pool(pool), &how, move, &args, &err);
 *
 * Everything else is as of hf_transaction(). What refuses the last statement undoes all, a connection lost with it
 * leaves the outcome unknown, and nothing is acknowledged before COMMIT was answered.
 */
#ifndef PG_JOINED_H
#define PG_JOINED_H

#include "holdfast/transaction.h"

/** hf_transaction() whose BEGIN goes with the first statement, if that is of :one, :opt, :many or :exec without bounds
 *  and `options` have no lock timeout; else it goes before it. A function that runs none sends nothing. */
enum hf_status tx_joined(hf_where where, const struct hf_transaction_options *options, hf_transaction_fn *fn,
                         void *user, hf_error *err);
/** Inside its function: COMMIT goes with the next statement, of the same kinds. When that has succeeded the function
 *  returns HF_OK. No effect between savepoints. */
void tx_last(hf_where tx);

#endif
