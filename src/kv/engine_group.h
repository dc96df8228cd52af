/*
 * engine_group.h - concurrent writes as one transaction: where a commit waits for a disk, who comes meanwhile
 * waits for that commit, not for a turn of its own.
 *
 * Each caller leads in turn; there is no thread for it. Who finds nobody leading begins the transaction, takes along
 * who queued until then, commits and wakes them; the first that came later leads next. A lone caller goes straight on.
 *
 * One write is decided before anything of it is written, so that a refused one leaves nothing to undo, and so is the
 * fence of a batch. A batch of writes that are never refused takes part, too, if it is no large one; the others have
 * transactions of their own. Nothing is answered before the commit is known. When one fails in any other way the
 * transaction ends, and each tries again alone: that one too, which may have failed for want of room beside the others.
 * Only the first has nobody before it, and is told at once.
 */
#ifndef KV_ENGINE_GROUP_H
#define KV_ENGINE_GROUP_H

#include <pthread.h>

#include "holdfast/backend.h"
#include "kv/codec.h"

struct engine_request;

struct engine_group {
	bool used; /* false: the store does without */
	pthread_mutex_t mutex;
	struct engine_request *first, **last; /* who wait; under the mutex, as is what follows */
	bool led;
};

void engine_group_init(struct engine_group *group, bool used);
/** May this batch take part? */
bool engine_group_takes(const struct engine_group *group, const struct hf_kv_batch *batch);
/** engine_apply() of a batch that may. */
enum hf_status engine_group_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                  const struct codec_value *packed, hf_arena *arena, struct hf_kv_result *ret_results,
                                  hf_error *err);

#endif
