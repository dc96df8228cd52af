/*
 * transaction.h - a transaction is a function: committed when it returns HF_OK, rolled back on anything else.
 *
 *     static enum hf_status move(hf_where tx, void *user, hf_error *err) { ...; return HF_OK; }
 *     status = hf_transaction(hf_on_pool(pool), NULL, move, &args, &err);
 *
 * Called with a `where` that is a transaction already, it nests by savepoint. The function may run several times when
 * the retry policy says so (serialization failure, deadlock): it must be restartable and must not keep results of an
 * earlier attempt. The error reported is the first one, never 25P02. A connection lost after COMMIT was sent gives
 * HF_E_OUTCOME_UNKNOWN and is never repeated; a COMMIT that the server answers with ROLLBACK is an error.
 *
 * Round trips: one for BEGIN (with SET LOCAL in the same message), one for COMMIT or ROLLBACK.
 */
#ifndef HOLDFAST_TRANSACTION_H
#define HOLDFAST_TRANSACTION_H

#include "holdfast/connection.h"

#ifdef __cplusplus
extern "C" {
#endif

enum hf_isolation { HF_ISOLATION_DEFAULT = 0, HF_READ_COMMITTED, HF_REPEATABLE_READ, HF_SERIALIZABLE };

struct hf_transaction_options {
	size_t size;
	enum hf_isolation isolation; /* DEFAULT: what the session has; our own functions ask for READ COMMITTED */
	bool read_only;
	bool deferrable;
	uint32_t attempts_max;       /* 0 = 5; 1 = never repeat; the deadline and the pool's budget bound it too */
	int64_t backoff_base_ms;     /* 0 = 10; decorrelated jitter */
	int64_t backoff_cap_ms;      /* 0 = 1,000 */
	int64_t lock_timeout_ms;     /* 0 = as the session has it; SET LOCAL */
};

typedef enum hf_status hf_transaction_fn(hf_where tx, void *user, hf_error *err);

/** @return what `fn` returned last, or a failure of BEGIN / COMMIT. */
enum hf_status hf_transaction(hf_where where, const struct hf_transaction_options *options, hf_transaction_fn *fn,
                              void *user, hf_error *err);
/** Inside the function: 1 for the first try, 2 for the first repetition, ... ; 0 outside a transaction. */
uint32_t hf_transaction_attempt(hf_where tx);
/** Inside the function: call `fn(user)` once after the outermost COMMIT succeeded (not for rolled-back savepoints). */
enum hf_status hf_transaction_on_commit(hf_where tx, void (*fn)(void *user), void *user, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
