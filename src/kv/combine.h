/*
 * combine.h - concurrent callers' reads and writes of one key each, in statements that they share.
 *
 * Opt-in: hf_kv_options.combine says how many statements of reads, and how many of writes, may be on their way at a
 * time. There is no thread behind it. Who comes while one may go goes at once, on the plain way. Who comes while all
 * are on their way joins the batch that gathers, or begins one and leads it: it waits for its turn, closes the batch,
 * has the backend run it as one call, gives its turn to the next batch and tells the others, who slept. So a batch
 * gathers while the ones before it are on their way, and is as large as the load makes it. Each is to have its share of
 * the crowd, that is of the callers there are: with less it gives the processor away a few times before it closes, as
 * many are about to come again; with its share it takes no more where the next may go beside it.
 *
 * What must stay true:
 *   - A batch holds requests of one kind, of a bounded number and size. Batches take turns in the order in which they
 *     began, and nobody overtakes them: within a batch requests stand in order of arrival.
 *   - A request is in the statement of a batch that closed after the request was made, and is answered when that
 *     statement has ended: what it reads is no older than the request, and what it wrote is as durable as alone.
 *   - Inputs are copied when they join: a caller whose deadline passes may leave at any time. Before its batch closed
 *     nothing of it was sent; afterwards a read is HF_TIMEOUT and a write HF_E_OUTCOME_UNKNOWN.
 *   - The statement ends at its leader's deadline. A leader that must leave before it has its turn hands the batch on.
 *   - Who follows may sleep without a timer: the leader looks to the clock and for interruptions. Only who must leave
 *     before its leader's deadline sets one.
 *   - An answer that may be one caller's fault is nobody's: when nothing came of the statement each asks again, alone.
 *     A lost connection and an unknown outcome are everybody's.
 *   - A batch is freed, or kept for the next, by the last of its riders; results live in it until each has copied its
 *     own.
 */
#ifndef KV_COMBINE_H
#define KV_COMBINE_H

#include "kv/store.h"

enum {
	COMBINE_MOST = 256,            /* requests of a batch */
	COMBINE_BYTES = 256 << 10,     /* of their keys, values and metadata */
	COMBINE_ONE_BYTES = 8 << 10,   /* a write with more goes alone */
	COMBINE_VALUE_BYTES = 32 << 10 /* a value stored with more is read alone */
};

struct combine;

/** @param width statements on their way at a time, of reads and of writes each. */
enum hf_status combine_new(const hf_kv *kv, uint32_t width, struct combine **ret_combine, hf_error *err);
/** No call may be running, but in a child of the process. NULL is allowed. */
void combine_free(struct combine *combine);

/** The backend's read() of one key. */
enum hf_status combine_read(hf_kv *kv, struct hf_bytes key, enum kv_part part, hf_deadline deadline, hf_arena *arena,
                            struct hf_kv_entry *ret_entry, hf_error *err);
/** A batch of one write that can be shared. */
bool combine_takes(const struct hf_kv_batch *batch);
/** The backend's apply() of it. */
enum hf_status combine_write(hf_kv *kv, const struct hf_kv_batch *batch, hf_arena *arena,
                             struct hf_kv_result *ret_result, hf_error *err);

#endif
