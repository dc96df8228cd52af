/*
 * test_combine.c - callers that share statements, on a backend whose calls wait at a gate: who comes while one is on
 * its way, what each is answered, and what is left of a batch when somebody leaves it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"
#include "../torture.h"
#include "base/arena.h"
#include "base/macros.h"
#include "chance.h"
#include "combine_double.h"
#include "holdfast/kv.h"

enum { CALLERS_MAX = 64, START_US = 1000000, SOON_US = 2000000, LATER_US = 3000000 };

/* One caller, in a thread of its own. */
struct caller {
	pthread_t thread;
	hf_kv *kv;
	enum { GET, VALUE, CONTAINS, PUT, SET, DELETE } what; /* SET: a put that asks nothing */
	const char *key, *value;
	hf_deadline deadline; /* 0 = in an hour */
	hf_arena *arena;
	/* what came of it */
	enum hf_status status;
	hf_error err;
	struct hf_kv_entry entry;
	int64_t rev;
	bool is;
};

struct state {
	hf_context *ctx;
	atomic_int_least64_t now_us; /* on its monotonic clock */
	hf_kv *kv;
	struct caller callers[CALLERS_MAX];
	size_t ncallers;
};

static int64_t now(void *user)
{
	return ((struct state *)user)->now_us;
}

static int set_up(void **user)
{
	struct state *state = calloc(1, sizeof(*state));
	const struct hf_context_options options = {.size = sizeof(options), .user = state, .monotonic_us = now};
	hf_error err = HF_ERROR_INIT;
	assert_non_null(state);
	state->now_us = START_US;
	EXPECT_OK(hf_context_new(&options, &state->ctx, &err));
	*user = state;
	return 0;
}

static int tear_down(void **user)
{
	struct state *state = *user;
	hf_kv_close(state->kv);
	hf_context_free(state->ctx);
	for (size_t i = 0; i < state->ncallers; i++)
		hf_arena_free(state->callers[i].arena);
	free(state);
	return 0;
}

static void *call(void *user)
{
	struct caller *c = user;
	const struct hf_kv_read read = {.deadline = c->deadline, .value_only = c->what == VALUE};
	const struct hf_kv_put put = {.how = {.deadline = c->deadline}, .ret_rev = &c->rev};
	switch (c->what) {
	case GET:
	case VALUE:
		c->status = hf_kv_get(c->kv, hf_kv_text(c->key), &read, c->arena, &c->entry, &c->err);
		break;
	case CONTAINS:
		c->status = hf_kv_contains(c->kv, hf_kv_text(c->key), NULL, &c->is, &c->err);
		break;
	case PUT:
		c->status = hf_kv_put(c->kv, hf_kv_text(c->key), hf_kv_text(c->value), &put, &c->err);
		break;
	case SET:
		c->status = hf_kv_put(c->kv, hf_kv_text(c->key), hf_kv_text(c->value), NULL, &c->err);
		break;
	case DELETE:
		c->status = hf_kv_delete(c->kv, hf_kv_text(c->key), &put.how, &c->is, &c->err);
		break;
	}
	return NULL;
}

static struct caller *begin(struct state *state, struct caller how)
{
	struct caller *c = &state->callers[state->ncallers++];
	*c = how;
	c->kv = state->kv;
	c->arena = hf_arena_new(0);
	c->err = (hf_error)HF_ERROR_INIT;
	assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
	return c;
}

static void end(struct caller *c)
{
	pthread_join(c->thread, NULL);
}

static void end_all(struct state *state)
{
	for (size_t i = 0; i < state->ncallers; i++)
		end(&state->callers[i]);
}

/* A statement of that kind is on its way until the gate opens. */
static void occupy(struct state *state, struct caller how)
{
	double_hold();
	begin(state, how);
	double_wait_held(1);
}

/* As many wait in batches by then. */
static struct caller *join(struct state *state, struct caller how, uint32_t gathered)
{
	struct caller *c = begin(state, how);
	double_wait_gathered(state->kv, gathered);
	return c;
}

static void put(struct state *state, const char *key, const char *value)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(state->kv, hf_kv_text(key), hf_kv_text(value), NULL, &err));
}

static void expect_read(const struct caller *c, const char *value)
{
	EXPECT_STATUS(c->status, HF_OK);
	assert_int_equal(c->entry.value.len, strlen(value));
	assert_memory_equal(c->entry.value.ptr, value, strlen(value));
	assert_int_equal(c->entry.key.len, strlen(c->key));
	assert_memory_equal(c->entry.key.ptr, c->key, strlen(c->key));
}

static struct hf_kv_stats stats_of(const struct state *state)
{
	struct hf_kv_stats stats;
	hf_kv_stats(state->kv, &stats);
	return stats;
}

/* ---- sharing ---- */

static void a_lone_caller_goes_the_plain_way(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	put(state, "a", "1");
	struct caller *c = begin(state, (struct caller){.what = GET, .key = "a"});
	end(c);
	expect_read(c, "1");
	assert_int_equal(double_calls(), 2);
	assert_int_equal(double_call(1)->what, DOUBLE_READ);
	assert_int_equal(stats_of(state).combined_count, 0);
}

static void gets_share_a_statement(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	put(state, "a", "1");
	put(state, "b", "2");
	occupy(state, (struct caller){.what = GET, .key = "a"});
	struct caller *a = join(state, (struct caller){.what = GET, .key = "a"}, 1);
	struct caller *none = join(state, (struct caller){.what = GET, .key = "-"}, 2);
	struct caller *b = join(state, (struct caller){.what = GET, .key = "b"}, 3);
	double_let_go(-1);
	end_all(state);
	expect_read(&state->callers[0], "1");
	expect_read(a, "1");
	expect_read(b, "2");
	EXPECT_STATUS(none->status, HF_NOT_FOUND);
	assert_int_equal(double_calls(), 4);
	assert_int_equal(double_call(3)->what, DOUBLE_GATHER);
	assert_string_equal(double_call(3)->keys, "a-b");
	assert_int_equal(stats_of(state).combined_count, 3);
	assert_int_equal(stats_of(state).shared_count, 1);
	assert_int_equal(stats_of(state).get_count, 4);
	assert_int_equal(stats_of(state).misses, 1);
}

static void what_is_alone_in_its_batch_goes_the_plain_way(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "a", .value = "1"});
	join(state, (struct caller){.what = PUT, .key = "b", .value = "2"}, 1);
	double_let_go(-1);
	end_all(state);
	assert_int_equal(double_calls(), 2);
	assert_int_equal(stats_of(state).combined_count, 0);
	assert_int_equal(stats_of(state).put_count, 2);
}

static void kinds_do_not_mix(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	put(state, "a", "1");
	occupy(state, (struct caller){.what = GET, .key = "a"});
	begin(state, (struct caller){.what = PUT, .key = "p", .value = "1"}); /* writes have turns of their own */
	double_wait_held(2);
	join(state, (struct caller){.what = GET, .key = "a"}, 1);
	struct caller *there = join(state, (struct caller){.what = CONTAINS, .key = "a"}, 2);
	struct caller *gone = join(state, (struct caller){.what = DELETE, .key = "-"}, 3);
	join(state, (struct caller){.what = PUT, .key = "p", .value = "2"}, 4);
	join(state, (struct caller){.what = GET, .key = "a"}, 5);
	struct caller *not_there = join(state, (struct caller){.what = CONTAINS, .key = "b"}, 6);
	struct caller *deleted = join(state, (struct caller){.what = DELETE, .key = "a"}, 7);
	join(state, (struct caller){.what = PUT, .key = "q", .value = "2"}, 8);
	join(state, (struct caller){.what = VALUE, .key = "a"}, 9);
	struct caller *value = join(state, (struct caller){.what = VALUE, .key = "b"}, 10);
	double_let_go(-1);
	end_all(state);
	for (size_t i = 0; i < state->ncallers; i++)
		if (state->callers[i].what == PUT)
			EXPECT_STATUS(state->callers[i].status, HF_OK);
	assert_int_equal(there->status, HF_OK);
	assert_int_equal(not_there->status, HF_OK);
	assert_int_equal(value->status, HF_NOT_FOUND);
	assert_false(not_there->is);
	assert_false(gone->is);
	assert_true(deleted->is);
	assert_int_equal(double_calls(), 8);
	for (size_t i = 3; i < 8; i++)
		assert_int_equal(double_call(i)->count, 2);
	assert_int_equal(stats_of(state).combined_count, 10);
}

static void puts_of_one_key_happen_in_order_of_arrival(void **user)
{
	struct state *state = *user;
	static const char *const values[] = {"1", "2", "3"};
	struct caller *c[3];
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	for (uint32_t i = 0; i < 3; i++)
		c[i] = join(state, (struct caller){.what = PUT, .key = "k", .value = values[i]}, i + 1);
	double_let_go(-1);
	end_all(state);
	assert_true(c[0]->rev > state->callers[0].rev);
	assert_true(c[1]->rev > c[0]->rev);
	assert_true(c[2]->rev > c[1]->rev);
	struct caller *last = begin(state, (struct caller){.what = GET, .key = "k"});
	end(last);
	expect_read(last, "3");
	assert_int_equal(last->entry.rev, c[2]->rev);
}

static void results_that_nobody_looks_at_are_not_asked_for(void **user)
{
	struct state *state = *user;
	static const char *const keys[] = {"a", "b", "c"};
	state->kv = double_open(state->ctx, 1);
	for (uint32_t asks = 0; asks < 2; asks++) { /* the second time one of them does */
		struct caller *first = &state->callers[state->ncallers];
		occupy(state, (struct caller){.what = SET, .key = "k", .value = "0"});
		for (uint32_t i = 0; i < 3; i++)
			join(state, (struct caller){.what = asks && i == 1 ? PUT : SET, .key = keys[i], .value = "1"},
			     i + 1);
		double_let_go(-1);
		for (int i = 0; i < 4; i++)
			end(&first[i]);
		assert_int_equal(double_call(2 * asks + 1)->count, 3);
		assert_int_equal(double_call(2 * asks + 1)->blind, !asks);
		assert_true(!asks || first[2].rev > 0);
	}
}

static void as_many_statements_as_asked_for_are_on_their_way(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 2);
	double_hold();
	for (int i = 0; i < 2; i++)
		begin(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	double_wait_held(2);
	for (uint32_t i = 0; i < 4; i++)
		join(state, (struct caller){.what = PUT, .key = "l", .value = "1"}, i + 1);
	assert_int_equal(double_calls(), 2);
	double_let_go(-1);
	end_all(state);
	assert_int_equal(double_calls(), 3);
	assert_string_equal(double_call(2)->keys, "llll");
}

static void what_does_not_fit_the_batch_begins_the_next(void **user)
{
	struct state *state = *user;
	static char value[8001];
	memset(value, 'v', sizeof(value) - 1);
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	for (uint32_t i = 0; i < 40; i++) /* 320,000 bytes */
		join(state, (struct caller){.what = PUT, .key = "l", .value = value}, i + 1);
	double_let_go(-1);
	end_all(state);
	assert_int_equal(double_calls(), 3);
	assert_int_equal(double_call(1)->count, 32);
	assert_int_equal(double_call(2)->count, 8);
}

static void what_is_large_goes_alone(void **user)
{
	struct state *state = *user;
	static char value[40001];
	memset(value, 'v', sizeof(value) - 1);
	state->kv = double_open(state->ctx, 1);
	put(state, "small", "1");
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	struct caller *large = begin(state, (struct caller){.what = PUT, .key = "large", .value = value});
	double_wait_held(2); /* it waits for nobody */
	double_let_go(-1);
	end(large);
	occupy(state, (struct caller){.what = GET, .key = "k"});
	struct caller *read = join(state, (struct caller){.what = GET, .key = "large"}, 1);
	struct caller *small = join(state, (struct caller){.what = GET, .key = "small"}, 2);
	size_t before = double_calls();
	double_let_go(-1);
	end(read);
	end(small);
	end(&state->callers[0]);
	end(&state->callers[2]);
	expect_read(read, value);
	expect_read(small, "1");
	assert_int_equal(double_calls(), before + 2); /* together, and the large one alone */
	assert_int_equal(double_call(before)->what, DOUBLE_GATHER);
	assert_string_equal(double_call(before + 1)->keys, "large");
}

/* ---- failures ---- */

static void batch_of_puts(struct state *state, const char *second)
{
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	join(state, (struct caller){.what = PUT, .key = "a", .value = "1"}, 1);
	join(state, (struct caller){.what = PUT, .key = "b", .value = second}, 2);
	join(state, (struct caller){.what = PUT, .key = "c", .value = "3"}, 3);
}

static void a_bad_value_fails_its_caller_alone(void **user)
{
	struct state *state = *user;
	batch_of_puts(state, "bad");
	double_fail(HF_REJECTED, "22P05");
	double_let_go(-1);
	end_all(state);
	EXPECT_STATUS(state->callers[1].status, HF_OK);
	EXPECT_STATUS(state->callers[2].status, HF_REJECTED);
	EXPECT_STATUS(state->callers[3].status, HF_OK);
	assert_string_equal(state->callers[2].err.message, "the writing failed");
	assert_int_equal(double_calls(), 5);
	assert_int_equal(stats_of(state).failures, 1);
	assert_int_equal(stats_of(state).put_count, 3);
	assert_int_equal(stats_of(state).combined_count, 0);
}

static void an_unknown_outcome_is_everybodys_and_not_repeated(void **user)
{
	struct state *state = *user;
	batch_of_puts(state, "2");
	double_fail(HF_E_OUTCOME_UNKNOWN, "");
	double_let_go(-1);
	end_all(state);
	for (size_t i = 1; i < 4; i++)
		EXPECT_STATUS(state->callers[i].status, HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(double_calls(), 2);
	assert_int_equal(stats_of(state).failures, 3);
}

static void a_write_that_may_have_happened_is_not_repeated(void **user)
{
	struct state *state = *user;
	batch_of_puts(state, "2");
	double_fail(HF_E_PROTOCOL, "");
	double_let_go(-1);
	end_all(state);
	for (size_t i = 1; i < 4; i++)
		EXPECT_STATUS(state->callers[i].status, HF_E_PROTOCOL);
	assert_int_equal(double_calls(), 2);
}

static void a_read_that_failed_is_made_again_alone(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	put(state, "a", "1");
	occupy(state, (struct caller){.what = GET, .key = "a"});
	for (uint32_t i = 0; i < 3; i++)
		join(state, (struct caller){.what = GET, .key = "a"}, i + 1);
	double_fail_reads(HF_E_CORRUPT);
	double_let_go(-1);
	end_all(state);
	for (size_t i = 0; i < 4; i++)
		expect_read(&state->callers[i], "1");
	assert_int_equal(double_calls(), 1 + 1 + 1 + 3);
}

static void a_lost_connection_is_everybodys(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	put(state, "a", "1");
	occupy(state, (struct caller){.what = GET, .key = "a"});
	for (uint32_t i = 0; i < 3; i++)
		join(state, (struct caller){.what = GET, .key = "a"}, i + 1);
	double_fail_reads(HF_E_UNAVAILABLE);
	double_let_go(-1);
	end_all(state);
	for (size_t i = 1; i < 4; i++)
		EXPECT_STATUS(state->callers[i].status, HF_E_UNAVAILABLE);
	assert_int_equal(double_calls(), 3);
}

/* ---- deadlines ---- */

static void who_leaves_before_it_was_sent_has_done_nothing(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	join(state, (struct caller){.what = PUT, .key = "a", .value = "1"}, 1);
	struct caller *b = join(state, (struct caller){.what = PUT, .key = "b", .value = "2", .deadline = SOON_US}, 2);
	struct caller *c = join(state, (struct caller){.what = PUT, .key = "c", .value = "3"}, 3);
	state->now_us = LATER_US;
	double_wait_gathered(state->kv, 2);
	double_let_go(-1);
	end_all(state);
	EXPECT_STATUS(b->status, HF_TIMEOUT);
	EXPECT_STATUS(c->status, HF_OK);
	assert_string_equal(double_call(1)->keys, "ac");
	struct caller *get = begin(state, (struct caller){.what = GET, .key = "c"});
	end(get);
	expect_read(get, "3");
}

static void a_leader_that_leaves_hands_its_batch_on(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	struct caller *a = join(state, (struct caller){.what = PUT, .key = "a", .value = "1", .deadline = SOON_US}, 1);
	join(state, (struct caller){.what = PUT, .key = "b", .value = "2"}, 2);
	join(state, (struct caller){.what = PUT, .key = "c", .value = "3"}, 3);
	state->now_us = LATER_US;
	double_wait_gathered(state->kv, 2);
	join(state, (struct caller){.what = PUT, .key = "d", .value = "4"}, 3);
	double_let_go(-1);
	end_all(state);
	EXPECT_STATUS(a->status, HF_TIMEOUT);
	assert_int_equal(double_calls(), 2);
	assert_string_equal(double_call(1)->keys, "bcd");
}

/* Who follows sleeps until its leader's deadline; behind another leader it may have to leave before. */
static void behind_a_later_leader_a_follower_leaves_in_time(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	join(state, (struct caller){.what = PUT, .key = "a", .value = "1", .deadline = SOON_US}, 1);
	join(state, (struct caller){.what = PUT, .key = "b", .value = "2"}, 2);
	struct caller *c = join(state, (struct caller){.what = PUT, .key = "c", .value = "3", .deadline = LATER_US}, 3);
	state->now_us = SOON_US;
	double_wait_gathered(state->kv, 2);
	state->now_us = LATER_US;
	double_wait_gathered(state->kv, 1);
	double_let_go(-1);
	end_all(state);
	EXPECT_STATUS(c->status, HF_TIMEOUT);
	assert_string_equal(double_call(1)->keys, "b");
}

static void a_batch_that_everybody_left_is_nobodys(void **user)
{
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	join(state, (struct caller){.what = PUT, .key = "a", .value = "1", .deadline = SOON_US}, 1);
	join(state, (struct caller){.what = DELETE, .key = "d", .deadline = SOON_US}, 2);
	state->now_us = LATER_US;
	double_wait_gathered(state->kv, 0);
	join(state, (struct caller){.what = PUT, .key = "b", .value = "2"}, 1);
	double_let_go(-1);
	end_all(state);
	EXPECT_STATUS(state->callers[1].status, HF_TIMEOUT);
	EXPECT_STATUS(state->callers[2].status, HF_TIMEOUT);
	EXPECT_STATUS(state->callers[3].status, HF_OK);
	assert_int_equal(double_calls(), 2);
	assert_string_equal(double_call(1)->keys, "b");
}

/* The batch is on its way when the second caller's time is over. */
static void leave_under_way(struct state *state, struct caller how)
{
	state->kv = double_open(state->ctx, 1);
	occupy(state, how);
	how.value = "1";
	join(state, how, 1);
	how.deadline = SOON_US;
	struct caller *hurried = join(state, how, 2);
	double_let_go(1);
	end(&state->callers[0]);
	while (double_calls() < 2)
		usleep(100);
	double_wait_held(1);
	state->now_us = LATER_US;
	end(hurried);
	double_let_go(-1);
	end(&state->callers[1]);
}

static void a_put_left_under_way_has_an_unknown_outcome(void **user)
{
	struct state *state = *user;
	leave_under_way(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	EXPECT_STATUS(state->callers[1].status, HF_OK);
	EXPECT_STATUS(state->callers[2].status, HF_E_OUTCOME_UNKNOWN);
	assert_int_equal(state->callers[2].err.action, HF_ACTION_UNKNOWN);
	assert_int_equal(double_call(1)->count, 2);
}

static void a_get_left_under_way_is_a_timeout(void **user)
{
	struct state *state = *user;
	leave_under_way(state, (struct caller){.what = GET, .key = "k"});
	EXPECT_STATUS(state->callers[1].status, HF_NOT_FOUND);
	EXPECT_STATUS(state->callers[2].status, HF_TIMEOUT);
	assert_int_equal(double_call(1)->count, 2);
}

static void the_statement_of_a_batch_ends_at_its_leaders_deadline(void **user)
{
	struct state *state = *user;
	batch_of_puts(state, "2");
	double_fail(HF_TIMEOUT, "");
	double_let_go(-1);
	end_all(state);
	for (size_t i = 1; i < 4; i++) /* it did not happen, and all have time left */
		EXPECT_STATUS(state->callers[i].status, HF_OK);
	assert_int_equal(double_calls(), 5);
}

static void interrupted_callers_leave(void **user)
{
	struct state *state = *user;
	batch_of_puts(state, "2");
	hf_context_interrupt(state->ctx);
	for (size_t i = 1; i < 4; i++)
		end(&state->callers[i]);
	double_let_go(-1);
	end(&state->callers[0]);
	for (size_t i = 1; i < 4; i++)
		EXPECT_STATUS(state->callers[i].status, HF_E_INTERRUPTED);
	assert_int_equal(double_calls(), 1);
}

/* ---- the rest ---- */

/* Killed by itself where all is well: at an exit valgrind counts as lost what belongs to threads that a fork has not.
 */
static void child(hf_kv *kv)
{
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = hf_kv_put(kv, HF_KV_KEY("a"), HF_KV_KEY("1"), NULL, &err);
	hf_kv_close(kv);
	if (status == HF_E_USAGE)
		raise(SIGKILL);
	_exit(1);
}

static void a_child_process_can_only_close(void **user)
{
	struct state *state = *user;
	int status = -1;
	batch_of_puts(state, "2");
	pid_t pid = fork();
	if (pid == 0)
		child(state->kv);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	double_let_go(-1);
	end_all(state);
	for (size_t i = 0; i < 4; i++)
		EXPECT_STATUS(state->callers[i].status, HF_OK);
}

static void without_memory_for_a_batch_it_goes_alone(void **user)
{
	enum { ARENA_OF_CALLER = 1, BATCH, ARENA_OF_BATCH };
	struct state *state = *user;
	state->kv = double_open(state->ctx, 1);
	occupy(state, (struct caller){.what = PUT, .key = "k", .value = "0"});
	for (unsigned i = BATCH; i <= ARENA_OF_BATCH; i++) {
		torture_begin(i);
		begin(state, (struct caller){.what = PUT, .key = "k", .value = "1"});
		double_wait_held(i);
		assert_true(torture_end());
	}
	double_let_go(-1);
	end_all(state);
	for (size_t i = 0; i < 3; i++)
		EXPECT_STATUS(state->callers[i].status, HF_OK);
	assert_int_equal(stats_of(state).combined_count, 0);
}

static void it_is_refused_where_it_is_of_no_use(void **user)
{
	struct state *state = *user;
	struct hf_kv_options options = {.size = sizeof(options), .combine = 1};
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(hf_kv_open(state->ctx, "memory:", &options, &state->kv, &err), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "memory does not combine");
	options.combine = 11;
	EXPECT_STATUS(hf_kv_open(state->ctx, "postgresql:///x", &options, &state->kv, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "combine is 11: at most connections_max, 10");
}

/* ---- everything at once ---- */

struct crowd {
	hf_context *ctx;
	hf_kv *kv;
	uint64_t seed;
	atomic_int next;
	atomic_int wrong;
};

enum { CROWD = 16, CROWD_CALLS = 400 };

static bool is_text(struct hf_bytes bytes, const char *text)
{
	return bytes.len == strlen(text) && memcmp(bytes.ptr, text, bytes.len) == 0;
}

/* Each has a key of its own, and short deadlines now and then: what it wrote last is what it reads. A put whose outcome
 * is unknown may still happen later: then it takes another key. */
static void *be_busy(void *user)
{
	struct crowd *crowd = user;
	int number = atomic_fetch_add(&crowd->next, 1);
	uint64_t seed = crowd->seed + (uint64_t)number;
	hf_arena *arena = hf_arena_new(0);
	hf_error err = HF_ERROR_INIT;
	char key[16], value[32];
	bool unsure = true;
	for (int i = 0; i < CROWD_CALLS; i++) {
		struct hf_kv_entry entry = {0};
		bool hurried = chance_under(&seed, 8) == 0;
		hf_deadline deadline = hurried ? hf_deadline_in(crowd->ctx, 0) + (int64_t)chance_under(&seed, 200)
		                               : HF_DEADLINE_DEFAULT;
		const struct hf_kv_put how = {.how = {.deadline = deadline}};
		const struct hf_kv_read read = {.deadline = deadline};
		hf_arena_reset(arena);
		snprintf(key, sizeof(key), "key %d", number);
		enum hf_status status;
		if (chance_under(&seed, 2)) {
			snprintf(value, sizeof(value), "%d", i);
			status = hf_kv_put(crowd->kv, hf_kv_text(key), hf_kv_text(value), &how, &err);
			unsure = status != HF_OK;
			number += status == HF_OK ? 0 : CROWD;
		} else {
			status = hf_kv_get(crowd->kv, hf_kv_text(key), &read, arena, &entry, &err);
			if (status == HF_OK && !unsure && !is_text(entry.value, value))
				atomic_fetch_add(&crowd->wrong, 1);
		}
		if (status != HF_OK && !(status == HF_NOT_FOUND && unsure) && !hurried)
			atomic_fetch_add(&crowd->wrong, 1);
	}
	hf_arena_free(arena);
	return NULL;
}

static void a_crowd_reads_what_it_wrote(void **user)
{
	struct state *state = *user;
	struct crowd crowd = {.seed = chance_seed()};
	hf_error err = HF_ERROR_INIT;
	pthread_t threads[CROWD];
	hf_context_free(state->ctx);
	EXPECT_OK(hf_context_new(NULL, &state->ctx, &err)); /* real time */
	crowd.ctx = state->ctx;
	crowd.kv = state->kv = double_open(state->ctx, 2);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, be_busy, &crowd), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.wrong, 0);
	assert_true(stats_of(state).combined_count > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_lone_caller_goes_the_plain_way),
		TEST(gets_share_a_statement),
		TEST(what_is_alone_in_its_batch_goes_the_plain_way),
		TEST(kinds_do_not_mix),
		TEST(puts_of_one_key_happen_in_order_of_arrival),
		TEST(results_that_nobody_looks_at_are_not_asked_for),
		TEST(as_many_statements_as_asked_for_are_on_their_way),
		TEST(what_does_not_fit_the_batch_begins_the_next),
		TEST(what_is_large_goes_alone),
		TEST(a_bad_value_fails_its_caller_alone),
		TEST(an_unknown_outcome_is_everybodys_and_not_repeated),
		TEST(a_write_that_may_have_happened_is_not_repeated),
		TEST(a_read_that_failed_is_made_again_alone),
		TEST(a_lost_connection_is_everybodys),
		TEST(who_leaves_before_it_was_sent_has_done_nothing),
		TEST(a_leader_that_leaves_hands_its_batch_on),
		TEST(behind_a_later_leader_a_follower_leaves_in_time),
		TEST(a_batch_that_everybody_left_is_nobodys),
		TEST(a_put_left_under_way_has_an_unknown_outcome),
		TEST(a_get_left_under_way_is_a_timeout),
		TEST(the_statement_of_a_batch_ends_at_its_leaders_deadline),
		TEST(interrupted_callers_leave),
		TEST(a_child_process_can_only_close),
		TEST(without_memory_for_a_batch_it_goes_alone),
		TEST(it_is_refused_where_it_is_of_no_use),
		TEST(a_crowd_reads_what_it_wrote),
	};
	return cmocka_run_group_tests_name("combine", tests, NULL, NULL);
}
