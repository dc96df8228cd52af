/*
 * combine.c - see combine.h: batches, turns, and who waits for what. What a batch asks of the backend is in
 * combine_batch.c.
 */
#include <sched.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/futex.h"
#include "kv/combine_batch.h"

enum {
	SLICE_US = 200000, /* an interruption is seen within it */
	SPARES_MAX = 8,
	YIELDS_MAX = 4 /* in vain */
};

/* What comes of a request that asks to share. */
enum verdict {
	WITH_TURN, /* on the plain way, and give the turn back */
	ALONE,     /* on the plain way */
	ANSWERED,  /* by its batch */
	GAVE_UP    /* its time was over: `err` is filled */
};

enum hf_status combine_new(const hf_kv *kv, uint32_t width, struct combine **ret_combine, hf_error *err)
{
	struct combine *combine = calloc(1, sizeof(*combine));
	if (!combine)
		return error_nomem(err);
	pthread_mutex_init(&combine->mutex, NULL);
	combine->backend = kv->backend;
	combine->ns = kv->ns;
	combine->width = width;
	*ret_combine = combine;
	return HF_OK;
}

void combine_free(struct combine *combine)
{
	if (!combine)
		return;
	while (combine->spares) {
		struct batch *batch = combine->spares;
		combine->spares = batch->next;
		batch_free(batch);
	}
	if (!fork_guard_forked(&combine->backend->fork))
		pthread_mutex_destroy(&combine->mutex);
	free(combine);
}

static struct lane *lane_of(struct combine *combine, enum batch_kind kind)
{
	return &combine->lanes[batch_writes(kind) ? WRITES : READS];
}

/* ---- turns; under the mutex ---- */

static void queue_up(struct lane *lane, struct batch *batch)
{
	batch->next = NULL;
	if (lane->last)
		lane->last->next = batch;
	else
		lane->first = batch;
	lane->last = batch;
}

static void step_out(struct lane *lane, struct batch *batch)
{
	struct batch *before = NULL;
	for (struct batch *at = lane->first; at != batch; at = at->next)
		before = at;
	if (before)
		before->next = batch->next;
	else
		lane->first = batch->next;
	if (lane->last == batch)
		lane->last = before;
}

static struct batch *give_turn(struct lane *lane)
{
	struct batch *next = lane->first;
	step_out(lane, next);
	atomic_store_explicit(&next->turn, 1, memory_order_release);
	return next;
}

/* @return the batch whose turn it is now: its leader is to be roused. */
static struct batch *pass_turn(struct lane *lane)
{
	if (lane->first)
		return give_turn(lane);
	lane->running--;
	return NULL;
}

/* Under the mutex. A crowd is told by its largest moment of late: its callers are not all on their way at once. */
static void set_out(struct lane *lane, uint32_t count)
{
	uint32_t fading = lane->crowd - (lane->crowd + 7) / 8;
	lane->riding += count;
	lane->crowd = lane->riding > fading ? lane->riding : fading;
}

static uint32_t share_of(const struct combine *combine, const struct lane *lane)
{
	return (lane->crowd + combine->width - 1) / combine->width;
}

/* Of `count` requests. */
static void end_turn(struct combine *combine, enum batch_kind kind, uint32_t count)
{
	pthread_mutex_lock(&combine->mutex);
	lane_of(combine, kind)->riding -= count;
	struct batch *next = pass_turn(lane_of(combine, kind));
	pthread_mutex_unlock(&combine->mutex);
	if (next) /* it may be gone by now: then nobody wakes */
		futex_rouse(&next->turn, 1);
}

/* ---- coming ---- */

static struct batch *take_spare(struct combine *combine)
{
	struct batch *batch = combine->spares;
	if (!batch)
		return batch_new();
	combine->spares = batch->next;
	combine->nspares--;
	return batch;
}

/* A batch with its share of the crowd is left alone where another may go beside it. */
static bool takes(const struct combine *combine, const struct lane *lane, const struct batch *batch,
                  const struct request *request)
{
	bool has_enough = lane->running < combine->width && batch->count >= share_of(combine, lane);
	return !has_enough && batch_has_room(batch, request);
}

/* Under the mutex. @return the batch that the request is in now; NULL when memory is short. */
static struct batch *join(struct combine *combine, struct request *request)
{
	struct lane *lane = lane_of(combine, request->kind);
	struct batch *batch = combine->open[request->kind];
	if (batch && takes(combine, lane, batch, request)) {
		batch_add(batch, request);
		return batch;
	}
	batch = take_spare(combine);
	if (!batch)
		return NULL;
	batch_begin(batch, request);
	batch_add(batch, request);
	combine->open[request->kind] = batch;
	queue_up(lane, batch);
	return batch;
}

/* Who comes first of a crowd goes at once too, but in a batch, which the others may reach before it closes.
 * @return false: it goes at once, alone. `ret_batch` NULL otherwise means that it goes without a turn. */
static bool must_share(struct combine *combine, struct request *request, struct batch **ret_batch)
{
	struct lane *lane = lane_of(combine, request->kind);
	pthread_mutex_lock(&combine->mutex);
	bool may_go = lane->running < combine->width && !lane->first;
	bool alone = may_go && lane->crowd <= 1;
	if (!alone)
		*ret_batch = join(combine, request);
	if (alone)
		set_out(lane, 1);
	if (alone || (may_go && lane->first))
		lane->running++;
	if (may_go && lane->first)
		give_turn(lane);
	pthread_mutex_unlock(&combine->mutex);
	return !alone;
}

/* ---- leaving ---- */

/* The last one out. */
static void retire(struct combine *combine, struct batch *batch)
{
	batch_clear(batch);
	pthread_mutex_lock(&combine->mutex);
	bool keep = combine->nspares < SPARES_MAX;
	if (keep) {
		batch->next = combine->spares;
		combine->spares = batch;
		combine->nspares++;
	}
	pthread_mutex_unlock(&combine->mutex);
	if (!keep)
		batch_free(batch);
}

static void step_down(struct combine *combine, struct batch *batch)
{
	if (atomic_fetch_sub_explicit(&batch->riders, 1, memory_order_acq_rel) == 1)
		retire(combine, batch);
}

/* Under the mutex: nobody is in it any more. @return as pass_turn() */
static struct batch *give_up_batch(struct combine *combine, struct batch *batch)
{
	struct lane *lane = lane_of(combine, batch->kind);
	if (combine->open[batch->kind] == batch)
		combine->open[batch->kind] = NULL;
	if (atomic_load_explicit(&batch->turn, memory_order_relaxed))
		return pass_turn(lane);
	step_out(lane, batch);
	return NULL;
}

/* Take the request out of a batch that has not closed. @return false: it has closed. */
static bool leave(struct combine *combine, struct batch *batch, struct request *request)
{
	struct batch *next = NULL;
	pthread_mutex_lock(&combine->mutex);
	bool in_time = !batch->closed;
	bool led = in_time && batch_remove(batch, request);
	bool is_empty = in_time && batch->count == 0;
	if (is_empty)
		next = give_up_batch(combine, batch);
	else if (led)
		batch_lead_by_first(batch);
	pthread_mutex_unlock(&combine->mutex);
	if (next)
		futex_rouse(&next->turn, 1);
	if (led && !is_empty)
		futex_rouse(&batch->done, FUTEX_ALL);
	if (is_empty)
		retire(combine, batch);
	return in_time;
}

static enum hf_status too_late(const struct request *request, bool was_sent, hf_error *err)
{
	if (!was_sent)
		error_set(err, HF_TIMEOUT, "the deadline passed while other callers' statements were on their way");
	else if (!batch_writes(request->kind))
		error_set(err, HF_TIMEOUT, "the deadline passed while a statement shared with others was on its way");
	else
		error_set(err, HF_E_OUTCOME_UNKNOWN,
		          "the deadline passed while a statement shared with others was on its way: the write may "
		          "happen");
	if (err)
		err->category = HF_CATEGORY_TIMEOUT;
	if (err && was_sent && batch_writes(request->kind))
		err->action = HF_ACTION_UNKNOWN;
	return was_sent && batch_writes(request->kind) ? HF_E_OUTCOME_UNKNOWN : HF_TIMEOUT;
}

/* ---- waiting ---- */

static bool leads(const struct batch *batch, const struct request *request)
{
	return atomic_load_explicit(&batch->leader, memory_order_acquire) == request;
}

/* Until the time is over or, while nothing is on its way, the program is interrupted. `ret_word` is what to sleep at.
 */
static bool is_over(struct batch *batch, const struct request *request, atomic_uint **ret_word, unsigned *ret_value)
{
	*ret_word = &batch->done;
	*ret_value = atomic_load_explicit(&batch->done, memory_order_acquire);
	if (leads(batch, request)) {
		*ret_word = &batch->turn;
		*ret_value = atomic_load_explicit(&batch->turn, memory_order_acquire);
		return *ret_value != 0;
	}
	return *ret_value & BATCH_DONE;
}

/* The clock is dear, and a timer too, set and taken back for each call. Who follows needs neither, unless its own time
 * is over first: the leader looks to the clock and for interruptions for all, until the batch closes, and then ends by
 * its deadline. */
static bool is_looked_after(const struct batch *batch, const struct request *request)
{
	return !leads(batch, request) &&
	       request->deadline >= atomic_load_explicit(&batch->deadline, memory_order_relaxed);
}

/* @return HF_OK: it leads and has the turn, or the batch is done; else it has left. */
static enum hf_status wait_in(struct combine *combine, struct batch *batch, struct request *request, hf_error *err)
{
	hf_context *ctx = combine->backend->ctx;
	atomic_uint *word;
	unsigned value;
	while (!is_over(batch, request, &word, &value)) {
		bool interrupted = hf_context_interrupted(ctx);
		if (!interrupted && is_looked_after(batch, request)) {
			futex_sleep(word, value, FUTEX_FOREVER);
			continue;
		}
		int64_t now_us = hf_now_monotonic_us(ctx);
		int64_t left_us = request->deadline > now_us ? request->deadline - now_us : 0;
		if ((left_us <= 0 || interrupted) && leave(combine, batch, request))
			return interrupted ? error_set(err, HF_E_INTERRUPTED, "interrupted before it was sent")
			                   : too_late(request, false, err);
		if (left_us <= 0) {
			step_down(combine, batch);
			return too_late(request, true, err);
		}
		futex_sleep(word, value, left_us < SLICE_US ? left_us : SLICE_US);
	}
	return HF_OK;
}

/* ---- leading ---- */

/* @return whether it lacks callers of its share of the crowd: then as many statements as may be are on their way. */
static bool lacks_callers(struct combine *combine, const struct batch *batch, uint32_t *ret_count)
{
	pthread_mutex_lock(&combine->mutex);
	bool is_short = batch->count < share_of(combine, lane_of(combine, batch->kind));
	*ret_count = batch->count;
	pthread_mutex_unlock(&combine->mutex);
	return is_short;
}

/* Callers who were answered a moment ago may be about to come again: let them run first. It costs a few system calls
 * where nobody else wants the processor. */
static void let_others_come(struct combine *combine, const struct batch *batch)
{
	uint32_t before = 0, count;
	for (int vain = 0; vain < YIELDS_MAX && lacks_callers(combine, batch, &count); before = count) {
		vain += count == before;
		sched_yield();
	}
}

static void close_batch(struct combine *combine, struct batch *batch)
{
	let_others_come(combine, batch);
	pthread_mutex_lock(&combine->mutex);
	set_out(lane_of(combine, batch->kind), batch->count);
	batch->closed = true;
	atomic_store_explicit(&batch->riders, batch->count, memory_order_relaxed);
	if (combine->open[batch->kind] == batch)
		combine->open[batch->kind] = NULL;
	pthread_mutex_unlock(&combine->mutex);
}

static void lead(struct combine *combine, struct batch *batch, const struct request *request)
{
	batch_run(batch, combine->backend, combine->ns, request->deadline);
	end_turn(combine, batch->kind, batch->count);
	atomic_fetch_or_explicit(&batch->done, BATCH_DONE, memory_order_release);
	futex_rouse(&batch->done, FUTEX_ALL);
}

/* `ret_batch` for ANSWERED, to be left by step_down(). */
static enum verdict share(hf_kv *kv, struct request *request, struct batch **ret_batch, hf_error *err)
{
	struct combine *combine = kv->combine;
	struct batch *batch = NULL;
	if (!must_share(combine, request, &batch))
		return WITH_TURN;
	if (!batch)
		return ALONE;
	if (wait_in(combine, batch, request, err) != HF_OK)
		return GAVE_UP;
	if (leads(batch, request)) {
		close_batch(combine, batch);
		if (batch->count == 1) {
			step_down(combine, batch);
			return WITH_TURN;
		}
		kv_count(kv, KV_SHARED, 1);
		lead(combine, batch, request);
	}
	*ret_batch = batch;
	return ANSWERED;
}

/* ---- the two calls ---- */

/* @return false: it is to be read alone. */
static bool read_shared(hf_kv *kv, struct batch *batch, const struct request *request, hf_arena *arena,
                        struct hf_kv_entry *ret_entry, enum hf_status *ret_status, hf_error *err)
{
	bool answered = !batch->alone;
	const struct hf_kv_entry *entry = &batch->entries[request->index];
	*ret_status = batch->status;
	if (answered && batch->status != HF_OK && err)
		*err = batch->error;
	if (answered && batch->status == HF_OK && entry->rev != 0 && !entry->value.ptr && request->kind != BATCH_KEYS)
		answered = false;
	if (answered && batch->status == HF_OK)
		*ret_status = kv_keep_entry(arena, entry, ret_entry, err);
	kv_count(kv, KV_COMBINED, answered);
	step_down(kv->combine, batch);
	return answered;
}

enum hf_status combine_read(hf_kv *kv, struct hf_bytes key, enum kv_part part, hf_deadline deadline, hf_arena *arena,
                            struct hf_kv_entry *ret_entry, hf_error *err)
{
	static const enum batch_kind kinds[] = {
		[KV_WHOLE] = BATCH_ENTRIES, [KV_HEAD] = BATCH_KEYS, [KV_VALUE] = BATCH_VALUES};
	struct request request = {.kind = kinds[part], .key = key, .deadline = deadline, .bytes = key.len};
	hf_error own = HF_ERROR_INIT;
	struct batch *batch = NULL;
	enum hf_status status = HF_OK;
	enum verdict verdict = share(kv, &request, &batch, err ? err : &own);
	if (verdict == GAVE_UP)
		return err ? err->status : own.status;
	if (verdict == ANSWERED && read_shared(kv, batch, &request, arena, ret_entry, &status, err))
		return status;
	status = kv_read(kv, kv->backend->state, &key, 1, part, deadline, arena, ret_entry, err);
	if (verdict == WITH_TURN)
		end_turn(kv->combine, request.kind, 1);
	return status;
}

bool combine_takes(const struct hf_kv_batch *batch)
{
	const struct hf_kv_write *write = batch->writes;
	if (batch->count != 1 || batch->fence || batch->token || write->created_us ||
	    (write->flags & ~(uint32_t)HF_KV_NO_TTL))
		return false;
	if (write->key.len + write->value.len + write->metadata.len > COMBINE_ONE_BYTES)
		return false;
	return write->op == HF_KV_PUT || (write->op == HF_KV_DELETE && batch->durability == HF_KV_STRICT);
}

static enum batch_kind kind_of(const struct hf_kv_batch *batch)
{
	if (batch->writes->op == HF_KV_DELETE)
		return BATCH_DELETES;
	return batch->durability == HF_KV_RELAXED ? BATCH_RELAXED_PUTS : BATCH_PUTS;
}

static bool written_shared(hf_kv *kv, struct batch *batch, const struct request *request,
                           struct hf_kv_result *ret_result, enum hf_status *ret_status, hf_error *err)
{
	bool answered = !batch->alone;
	*ret_status = batch->status;
	if (answered && batch->status != HF_OK && err)
		*err = batch->error;
	if (answered && batch->status == HF_OK)
		*ret_result = batch->results[request->index];
	kv_count(kv, KV_COMBINED, answered);
	step_down(kv->combine, batch);
	return answered;
}

enum hf_status combine_write(hf_kv *kv, const struct hf_kv_batch *batch, hf_arena *arena,
                             struct hf_kv_result *ret_result, hf_error *err)
{
	const struct hf_kv_write *write = batch->writes;
	struct request request = {.kind = kind_of(batch),
	                          .key = write->key,
	                          .write = write,
	                          .blind = batch->blind,
	                          .deadline = batch->deadline,
	                          .bytes = write->key.len + write->value.len + write->metadata.len};
	hf_error own = HF_ERROR_INIT;
	struct batch *shared = NULL;
	enum hf_status status = HF_OK;
	enum verdict verdict = share(kv, &request, &shared, err ? err : &own);
	if (verdict == GAVE_UP)
		return err ? err->status : own.status;
	if (verdict == ANSWERED && written_shared(kv, shared, &request, ret_result, &status, err))
		return status;
	status = kv_vtable(kv)->apply(kv->backend->state, kv->ns, batch, arena, ret_result, err);
	if (verdict == WITH_TURN)
		end_turn(kv->combine, request.kind, 1);
	return status;
}
