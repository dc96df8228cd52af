/*
 * postgres_revs.c - see postgres_revs.h.
 */
#include "kv/postgres_revs.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/thread.h"

/* One more is connected meanwhile, if the pool has room; and what should take 20 ms is not waited for. */
enum { PATIENCE_MS = 20, TAKING_MS = 1000 };

static enum hf_status take(struct revs_ahead *ahead, hf_where where, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct load_span_row span;
	if (!arena)
		return error_nomem(err);
	const struct load_span_in in = {.how_many = ahead->wanted};
	enum hf_status status = load_span(where, &ahead->state->load, &in, arena, &span, err);
	ahead->found = status == HF_OK && span.last - span.first == ahead->wanted - 1;
	ahead->first = status == HF_OK ? span.first : 0;
	return status;
}

static void *run(void *user)
{
	struct revs_ahead *ahead = user;
	hf_connection *connection = NULL;
	hf_error err = HF_ERROR_INIT;
	hf_deadline soon = hf_deadline_in(ahead->state->ctx, PATIENCE_MS);
	if (hf_pool_checkout(ahead->state->pool, soon, &connection, &err) != HF_OK)
		return NULL;
	hf_deadline end = hf_deadline_in(ahead->state->ctx, TAKING_MS);
	if (ahead->deadline != HF_DEADLINE_DEFAULT && ahead->deadline < end)
		end = ahead->deadline;
	(void)take(ahead, hf_until(hf_on_connection(connection), end), &err);
	hf_pool_return(ahead->state->pool, connection);
	return NULL;
}

void revs_begin(struct revs_ahead *ahead, int64_t wanted)
{
	ahead->wanted = wanted;
	ahead->found = false;
	ahead->running = thread_start(&ahead->thread, run, ahead, "taking revisions", NULL) == HF_OK;
}

bool revs_end(struct revs_ahead *ahead, int64_t wanted, int64_t *ret_first)
{
	if (ahead->running)
		pthread_join(ahead->thread, NULL);
	bool found = ahead->running && ahead->found && ahead->wanted == wanted;
	ahead->running = false;
	*ret_first = found ? ahead->first : 0;
	return found;
}
