/*
 * Elections: one leads, the next follows when it ends or loses the lock, and fences grow.
 */
#include "../check.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/arena.h"
#include "holdfast/kv_lock.h"

enum { PATIENCE_MS = 60000, LEASE_US = 1500000 /* a third of it is when a loss is seen */ };

struct term {
	atomic_int elected, deposed, may_go;
	_Atomic int64_t fence;
};

static void begin(void *user, const struct hf_kv_lock *lock)
{
	struct term *term = user;
	term->fence = lock->fence;
	atomic_fetch_add(&term->elected, 1);
}

static void end(void *user)
{
	atomic_fetch_add(&((struct term *)user)->deposed, 1);
}

static void wait_for(const atomic_int *count, int wanted)
{
	for (int ms = 0; atomic_load(count) < wanted; ms += 2) {
		assert_true(ms < PATIENCE_MS);
		usleep(2000);
	}
}

static hf_kv_election *stand_for(hf_kv *kv, const char *owner, int64_t ttl_us,
                                 void (*elected)(void *user, const struct hf_kv_lock *lock), struct term *term)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv_election *election = NULL;
	const struct hf_kv_candidate candidate = {owner, ttl_us, elected, end, term};
	EXPECT_OK(hf_kv_election_start(kv, "chair", &candidate, &election, &err));
	return election;
}

static hf_kv_election *stand(hf_kv *kv, const char *owner, struct term *term)
{
	return stand_for(kv, owner, 30000000, begin, term);
}

/* Whoever holds it. */
static void take_away(hf_kv *kv)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_kv_lock lock;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_lock_show(kv, "chair", arena, &lock, &err));
	EXPECT_OK(hf_kv_lock_release(kv, &lock, &err));
}

static hf_kv *open_store(hf_context **ret_ctx)
{
	hf_error err = HF_ERROR_INIT;
	hf_kv *kv = NULL;
	EXPECT_OK(hf_context_new(NULL, ret_ctx, &err));
	EXPECT_OK(hf_kv_open(*ret_ctx, "memory:", NULL, &kv, &err));
	return kv;
}

static void one_leads_after_the_other(void **state)
{
	hf_context *ctx;
	hf_kv *kv = open_store(&ctx);
	struct term a = {0}, b = {0};
	hf_error err = HF_ERROR_INIT;
	(void)state;
	hf_kv_election *first = stand(kv, "a", &a);
	wait_for(&a.elected, 1);
	hf_kv_election *second = stand(kv, "b", &b);
	usleep(20000);
	assert_int_equal(atomic_load(&b.elected), 0);
	assert_int_equal(hf_kv_election_fence(first), a.fence);
	assert_int_equal(hf_kv_election_fence(second), 0);
	EXPECT_OK(hf_kv_election_end(first, &err));
	assert_int_equal(atomic_load(&a.deposed), 1);
	wait_for(&b.elected, 1);
	assert_true(b.fence > a.fence);
	EXPECT_OK(hf_kv_election_end(second, &err));
	assert_int_equal(atomic_load(&b.deposed), 1);
	EXPECT_OK(hf_kv_election_end(NULL, &err));
	hf_kv_close(kv);
	hf_context_free(ctx);
}

/* The lock goes to another behind its back: it is told, and stands again. */
static void who_lost_it_is_told(void **state)
{
	hf_context *ctx;
	hf_kv *kv = open_store(&ctx);
	struct term a = {0};
	hf_error err = HF_ERROR_INIT;
	(void)state;
	hf_kv_election *election = stand_for(kv, "a", LEASE_US, begin, &a);
	wait_for(&a.elected, 1);
	int64_t fence = a.fence;
	take_away(kv);
	wait_for(&a.deposed, 1);
	wait_for(&a.elected, 2);
	assert_true(a.fence > fence);
	EXPECT_OK(hf_kv_election_end(election, &err));
	hf_kv_close(kv);
	hf_context_free(ctx);
}

static void begin_and_stay(void *user, const struct hf_kv_lock *lock)
{
	struct term *term = user;
	begin(term, lock);
	wait_for(&term->may_go, 1);
}

/* Who is still in `elected` when the lock goes does not lead any more. */
static void a_callback_that_stays_leads_no_longer_than_the_lock(void **state)
{
	hf_context *ctx;
	hf_kv *kv = open_store(&ctx);
	struct term a = {0};
	hf_error err = HF_ERROR_INIT;
	(void)state;
	hf_kv_election *election = stand_for(kv, "a", LEASE_US, begin_and_stay, &a);
	wait_for(&a.elected, 1);
	take_away(kv);
	for (int ms = 0; hf_kv_election_fence(election) && ms < PATIENCE_MS / 2; ms += 2)
		usleep(2000);
	assert_int_equal(hf_kv_election_fence(election), 0);
	assert_int_equal(atomic_load(&a.deposed), 0);
	atomic_store(&a.may_go, 1);
	wait_for(&a.deposed, 1);
	EXPECT_OK(hf_kv_election_end(election, &err));
	hf_kv_close(kv);
	hf_context_free(ctx);
}

static void what_cannot_be_is_refused(void **state)
{
	hf_context *ctx;
	hf_kv *kv = open_store(&ctx);
	hf_error err = HF_ERROR_INIT;
	hf_kv_election *election = NULL;
	struct hf_kv_candidate candidate = {.owner = "a", .ttl_us = 2999};
	(void)state;
	EXPECT_STATUS(hf_kv_election_start(kv, "chair", &candidate, &election, &err), HF_E_USAGE);
	candidate.ttl_us = 30000000;
	candidate.owner = "";
	EXPECT_STATUS(hf_kv_election_start(kv, "chair", &candidate, &election, &err), HF_E_USAGE);
	candidate.owner = NULL;
	EXPECT_STATUS(hf_kv_election_start(kv, "", &candidate, &election, &err), HF_E_USAGE);
	assert_null(election);
	hf_kv_close(kv);
	hf_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_leads_after_the_other),
	                                   cmocka_unit_test(who_lost_it_is_told),
	                                   cmocka_unit_test(a_callback_that_stays_leads_no_longer_than_the_lock),
	                                   cmocka_unit_test(what_cannot_be_is_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
