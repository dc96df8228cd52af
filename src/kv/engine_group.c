/*
 * engine_group.c - see engine_group.h.
 */
#include "kv/engine_group.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "kv/engine_write.h"
#include "pg/monotonic.h"

enum { GROUP_MAX = 256, GROUP_WRITES = 4096 };

/* QUEUED until somebody takes it along or it leads; then its owner waits however long the commit takes. */
enum progress { QUEUED, LEADS, TAKEN, DONE, ALONE };

struct engine_request {
	struct engine_request *next;
	int32_t ns;
	const struct hf_kv_batch *batch;
	const struct codec_value *packed; /* its values as they are stored, or NULL */
	hf_arena *arena;
	struct hf_kv_result *results;
	hf_error *err;
	enum hf_status status;
	enum progress progress; /* under the mutex, as is `changed` */
	pthread_cond_t changed;
};

void engine_group_init(struct engine_group *group, bool used)
{
	*group = (struct engine_group){.used = used};
	pthread_mutex_init(&group->mutex, NULL);
	group->last = &group->first;
}

static bool is_never_refused(const struct hf_kv_write *write)
{
	const uint32_t conditions = HF_KV_IF_ABSENT | HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE;
	return write->op != HF_KV_ADD && write->op != HF_KV_APPEND && !(write->flags & conditions);
}

bool engine_group_takes(const struct engine_group *group, const struct hf_kv_batch *batch)
{
	bool takes = group->used && batch->count <= GROUP_WRITES / 2;
	for (size_t i = 0; takes && batch->count > 1 && i < batch->count; i++)
		takes = is_never_refused(&batch->writes[i]);
	return takes;
}

/* ---- the queue; mutex held ---- */

static void enqueue(struct engine_group *group, struct engine_request *request)
{
	*group->last = request;
	group->last = &request->next;
}

static struct engine_request *unlink_at(struct engine_group *group, struct engine_request **place)
{
	struct engine_request *request = *place;
	*place = request->next;
	if (group->last == &request->next)
		group->last = place;
	request->next = NULL;
	return request;
}

static void tell(struct engine_request *request, enum progress progress)
{
	request->progress = progress;
	pthread_cond_signal(&request->changed);
}

static void pass_on(struct engine_group *group)
{
	group->led = group->first != NULL;
	if (group->led)
		tell(unlink_at(group, &group->first), LEADS);
}

static void withdraw(struct engine_group *group, const struct engine_request *request)
{
	struct engine_request **place = &group->first;
	while (*place != request)
		place = &(*place)->next;
	unlink_at(group, place);
}

/* All that this leader's durability is enough for, behind it. */
static void take_along(struct engine_group *group, struct engine_request *leader)
{
	struct engine_request **place = &group->first, **end = &leader->next;
	size_t writes = leader->batch->count;
	for (int n = 1; *place && n < GROUP_MAX;) {
		const struct hf_kv_batch *batch = (*place)->batch;
		bool fits = writes + batch->count <= GROUP_WRITES &&
		            (leader->batch->durability == HF_KV_STRICT || batch->durability == HF_KV_RELAXED);
		if (!fits) {
			place = &(*place)->next;
			continue;
		}
		*end = unlink_at(group, place);
		(*end)->progress = TAKEN;
		writes += batch->count;
		end = &(*end)->next;
		n++;
	}
}

/* ---- leading ---- */

static enum hf_status run_one(struct engine_write *write, struct engine_request *request)
{
	enum hf_status status = engine_write_enter(write, request->ns, request->err);
	if (status == HF_OK)
		status = engine_run(write, request->batch, request->packed, request->arena, request->results,
		                    request->err);
	return status;
}

/* Decides all; the one that failed, or NULL. */
static struct engine_request *run_all(struct engine_write *write, struct engine_request *leader, bool *ret_wrote)
{
	for (struct engine_request *at = leader; at; at = at->next) {
		at->status = run_one(write, at);
		if (at->status != HF_OK && at->status != HF_CONFLICT)
			return at;
		*ret_wrote |= at->status == HF_OK;
	}
	return NULL;
}

/* False: there was no room for all of it, and nothing happened; one of them may be to blame. */
static bool commit_all(struct engine_write *write, struct engine_request *leader, bool wrote)
{
	hf_error *why = NULL; /* of the first who wants to know */
	for (struct engine_request *at = leader; at && !why; at = at->next)
		why = at->err;
	enum hf_status status = engine_write_end(write, wrote ? HF_OK : HF_CONFLICT, why);
	if (status == HF_OK || !wrote)
		return true;
	for (struct engine_request *at = leader; at; at = at->next) {
		at->status = status;
		if (at->err && at->err != why)
			*at->err = *why;
	}
	return status != HF_E_LIMIT || !leader->next;
}

static void lead(hf_kv_backend_state *state, struct engine_request *own)
{
	struct engine_group *group = &state->group;
	struct engine_write write;
	struct engine_request *failed = NULL;
	bool wrote = false, together = true;
	own->status =
		engine_write_begin(&write, state, own->ns, engine_mode_of(own->batch), own->batch->deadline, own->err);
	bool begun = own->status == HF_OK;
	pthread_mutex_lock(&group->mutex);
	if (begun)
		take_along(group, own);
	pthread_mutex_unlock(&group->mutex);
	if (begun) {
		write.now_us = hf_now_wall_us(state->ctx); /* not before the last of them came */
		failed = run_all(&write, own, &wrote);
		if (failed)
			engine_write_end(&write, failed->status, NULL);
		else
			together = commit_all(&write, own, wrote);
	}
	pthread_mutex_lock(&group->mutex);
	for (struct engine_request *at = own, *next; at; at = next) {
		next = at->next;
		bool is_done = failed ? at == own && at == failed : together;
		tell(at, is_done ? DONE : ALONE);
	}
	pass_on(group);
	pthread_mutex_unlock(&group->mutex);
}

/* ---- joining ---- */

/* Until it is done, is to go alone, leads, or its deadline passed while nobody had taken it. Mutex held. */
static void wait_for_turn(hf_kv_backend_state *state, struct engine_request *own)
{
	struct engine_group *group = &state->group;
	struct timespec until = monotonic_after(own->batch->deadline - hf_now_monotonic_us(state->ctx));
	while (own->progress == QUEUED || own->progress == TAKEN) {
		if (own->progress == TAKEN) {
			pthread_cond_wait(&own->changed, &group->mutex);
		} else if (pthread_cond_timedwait(&own->changed, &group->mutex, &until) == ETIMEDOUT &&
		           own->progress == QUEUED) {
			withdraw(group, own);
			own->status = error_set(own->err, HF_TIMEOUT, "others wrote until the deadline");
			own->progress = DONE;
		}
	}
}

enum hf_status engine_group_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch,
                                  const struct codec_value *packed, hf_arena *arena, struct hf_kv_result *ret_results,
                                  hf_error *err)
{
	struct engine_group *group = &state->group;
	struct engine_request own = {.ns = ns,
	                             .batch = batch,
	                             .packed = packed,
	                             .arena = arena,
	                             .results = ret_results,
	                             .err = err,
	                             .progress = LEADS};
	cond_init_monotonic(&own.changed);
	pthread_mutex_lock(&group->mutex);
	if (group->led) {
		own.progress = QUEUED;
		enqueue(group, &own);
		wait_for_turn(state, &own);
	}
	group->led = group->led || own.progress == LEADS;
	pthread_mutex_unlock(&group->mutex);
	if (own.progress == LEADS)
		lead(state, &own);
	pthread_cond_destroy(&own.changed);
	if (own.progress != ALONE)
		return own.status;
	memset(ret_results, 0, batch->count * sizeof(*ret_results)); /* what was decided beside the others is undone */
	return engine_apply_alone(state, ns, batch, packed, arena, ret_results, err);
}
