/*
 * holdfast.h - everything but fake.h, which is for unit tests. Include single headers where compile time matters.
 *
 * Where to begin: context.h, settings.h and connection.h or pool.h open a database; status.h and error.h say what calls
 * answer. query.h, sql.h and transaction.h run SQL; migrate.h changes schemas. kv.h is the key-value store. Of the
 * Janitor, in the order of its work: codebase.h, candidate.h, schedule.h, queue.h, claim.h, run.h, review.h, publish.h.
 *
 * What holds where a header says nothing else:
 *
 *  - Answers. Outputs are to be looked at with HF_OK alone: an array may have been written to. Beside the statuses that
 *    a function names it may answer those of its connection: HF_TIMEOUT, HF_E_UNAVAILABLE, HF_E_DB, HF_E_NOMEM ... A
 *    write whose COMMIT got no answer is HF_E_OUTCOME_UNKNOWN. `err` may be NULL.
 *  - Ownership. What goes in is borrowed for the call. Texts and arrays that come out live in the arena that was
 *    passed, until it is reset; what a callback is given ends with the callback. NULL may be freed.
 *  - Absence. A text of {NULL, 0} is NULL or "any", one of {"", 0} is empty. A member is there if its has_ says so.
 *    Options: `size` is sizeof(options), zero is the default.
 *  - Units. The end of a name: _us microseconds, _ms milliseconds; struct hf_timestamp counts microseconds since 2000,
 *    int64_t created_us and the like since 1970, UTC. A deadline is a moment, not a length of time (context.h).
 *  - Threads. As whatever `where` names (connection.h): a pool may be shared, a connection, a transaction and an arena
 *    are one thread's at a time. A callback must not use the connection or transaction that is reading for it.
 */
#ifndef HOLDFAST_HOLDFAST_H
#define HOLDFAST_HOLDFAST_H

#include "holdfast/archive.h"
#include "holdfast/arena.h"
#include "holdfast/backend.h"
#include "holdfast/connection.h"
#include "holdfast/codebase.h"
#include "holdfast/campaign.h"
#include "holdfast/candidate.h"
#include "holdfast/change_set.h"
#include "holdfast/claim.h"
#include "holdfast/queue.h"
#include "holdfast/schedule.h"
#include "holdfast/schema.h"
#include "holdfast/context.h"
#include "holdfast/debian_build.h"
#include "holdfast/defects.h"
#include "holdfast/error.h"
#include "holdfast/migrate.h"
#include "holdfast/health.h"
#include "holdfast/kv.h"
#include "holdfast/kv_blob.h"
#include "holdfast/kv_cache.h"
#include "holdfast/kv_checkpoint.h"
#include "holdfast/kv_file.h"
#include "holdfast/kv_foreign.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_index.h"
#include "holdfast/kv_lock.h"
#include "holdfast/kv_watch.h"
#include "holdfast/metrics.h"
#include "holdfast/policy.h"
#include "holdfast/pool.h"
#include "holdfast/proposal.h"
#include "holdfast/publish.h"
#include "holdfast/query.h"
#include "holdfast/ready.h"
#include "holdfast/result_branch.h"
#include "holdfast/review.h"
#include "holdfast/run.h"
#include "holdfast/run_result.h"
#include "holdfast/server.h"
#include "holdfast/settings.h"
#include "holdfast/sql.h"
#include "holdfast/state.h"
#include "holdfast/status.h"
#include "holdfast/transaction.h"
#include "holdfast/types.h"
#include "holdfast/values.h"
#include "holdfast/worker.h"

#endif
