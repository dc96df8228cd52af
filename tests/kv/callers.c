/*
 * callers.c - see callers.h.
 */
#include "callers.h"

#include <string.h>
#include <unistd.h>

#include "../check.h"

struct caller begun[CALLERS_MAX];
size_t nbegun;

static void *call(void *user)
{
	struct caller *c = user;
	hf_deadline deadline = c->timeout_ms ? hf_deadline_in(c->kv->backend->ctx, c->timeout_ms) : 0;
	const struct hf_kv_how how = {.deadline = deadline};
	const struct hf_kv_put put = {.how = how, .ret_rev = &c->rev};
	const struct hf_kv_read read = {.deadline = deadline, .value_only = c->what == VALUE};
	if (c->what == GET || c->what == VALUE)
		c->status = hf_kv_get(c->kv, c->key, &read, c->arena, &c->entry, &c->err);
	else if (c->what == CONTAINS)
		c->status = hf_kv_contains(c->kv, c->key, &read, &c->existed, &c->err);
	else if (c->what == PUT)
		c->status = hf_kv_put(c->kv, c->key, c->value, &put, &c->err);
	else if (c->what == SET)
		c->status = hf_kv_put(c->kv, c->key, c->value, NULL, &c->err);
	else
		c->status = hf_kv_delete(c->kv, c->key, &how, &c->existed, &c->err);
	return NULL;
}

struct caller *callers_begin(hf_kv *kv, struct caller how)
{
	struct caller *c = &begun[nbegun++];
	assert_true(nbegun <= CALLERS_MAX);
	*c = how;
	c->kv = kv;
	c->arena = hf_arena_new(0);
	c->err = (hf_error)HF_ERROR_INIT;
	assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
	return c;
}

static void count(struct combine *of, uint32_t *ret_gathered, unsigned *ret_running)
{
	*ret_gathered = 0;
	*ret_running = 0;
	pthread_mutex_lock(&of->mutex);
	for (size_t i = 0; i < LANES; i++) {
		*ret_running += of->lanes[i].running;
		for (const struct batch *batch = of->lanes[i].first; batch; batch = batch->next)
			*ret_gathered += batch->count;
	}
	pthread_mutex_unlock(&of->mutex);
}

void callers_wait_gathered(struct combine *of, uint32_t wanted)
{
	uint32_t gathered;
	unsigned running;
	for (count(of, &gathered, &running); gathered != wanted; count(of, &gathered, &running))
		usleep(100);
}

void callers_wait_running(struct combine *of)
{
	uint32_t gathered;
	unsigned running;
	for (count(of, &gathered, &running); running == 0; count(of, &gathered, &running))
		usleep(100);
}

void callers_join(void)
{
	for (size_t i = 0; i < nbegun; i++)
		pthread_join(begun[i].thread, NULL);
}

void callers_free(void)
{
	for (size_t i = 0; i < nbegun; i++)
		hf_arena_free(begun[i].arena);
	nbegun = 0;
}

void caller_read(const struct caller *c, struct hf_bytes value)
{
	EXPECT_STATUS(c->status, HF_OK);
	assert_int_equal(c->entry.value.len, value.len);
	assert_memory_equal(c->entry.value.ptr, value.ptr, value.len);
}
