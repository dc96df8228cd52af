/*
 * test_redis_replace.c - clearing and replacing a namespace with checkpoints by more than one script takes, on Redis:
 * what others do meanwhile, being killed, and what a load that fails leaves.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "holdfast/kv_file.h"
#include "holdfast/kv_lock.h"
#include "holdfast/kv_watch.h"
#include "kv/redis.h"
#include "kv/store.h"
#include "redis_stepper.h"
#include "../check.h"

enum { KEYS = 2500, CHANGED = 1200, SOURCE = 1700, NEVER = 1000 };

/* Two moments: @return the one before; `ret_after` is what is there now. */
static struct hf_kv_checkpoint two_moments(struct redis_rig *rig, struct hf_kv_checkpoint *ret_after)
{
	redis_rig_put_numbered(rig, 0, KEYS, 0);
	redis_rig_put(rig, B("expires"), B("1"), INT64_C(3600000000));
	struct hf_kv_checkpoint before = make_point(rig);
	redis_rig_put_numbered(rig, CHANGED, KEYS + 10, 0);
	*ret_after = make_point(rig);
	return before;
}

/* Both can be gone back to, by one script. */
static void expect_both(struct redis_rig *rig, const struct hf_kv_checkpoint *before,
                        const struct hf_kv_checkpoint *after)
{
	hf_error err = HF_ERROR_INIT;
	expect_kept(rig, &before->id);
	expect_kept(rig, &after->id);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &after->id, NULL, NULL, &err));
	expect_now(rig, after, 1);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &before->id, NULL, NULL, &err));
	expect_now(rig, before, 1);
}

/* ---- clearing ---- */

static void test_a_clearing_in_steps(void **state)
{
	struct redis_rig *rig = *state;
	const struct hf_kv_watch_options how = {.size = sizeof(how)};
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct hf_kv_event event;
	struct stepper stepper;
	hf_kv_watch *watch = NULL;
	uint64_t removed = 0;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_feed_on(rig->kv, NULL, &err));
	EXPECT_OK(hf_kv_watch_open(rig->kv, &how, &watch, &err));
	open_stepper(&stepper, rig);
	EXPECT_OK(hf_kv_clear(stepper.kv, NULL, &removed, &err));
	close_stepper(&stepper);
	assert_int_equal(removed, after.row_count);
	redis_rig_check_whole(rig, "default", 0, 0);
	expect_tidy(rig);
	redis_rig_put(rig, B("behind"), B("1"), 0);
	EXPECT_OK(hf_kv_watch_next(watch, hf_deadline_in(rig->ctx, 10000), &event, &err));
	assert_int_equal(event.kind, HF_KV_EVENT_CLEAR);
	EXPECT_OK(hf_kv_watch_next(watch, hf_deadline_in(rig->ctx, 10000), &event, &err));
	assert_int_equal(event.kind, HF_KV_EVENT_PUT);
	hf_kv_watch_close(watch);
	expect_both(rig, &before, &after);
}

static void write_some(struct stepper *stepper)
{
	hf_error err = HF_ERROR_INIT;
	if (stepper->seen >= stepper->at) /* the end is behind it */
		return;
	redis_rig_put_numbered(stepper->rig, 0, 2 * MANY, 0);
	redis_rig_put(stepper->rig, B("k001999"), B("meanwhile"), 0);
	redis_rig_put(stepper->rig, B("meanwhile"), B("x"), 0);
	hf_kv_delete(stepper->rig->kv, stepper->seen % 2 ? B("k001500") : B("k000001"), NULL, NULL, &err);
}

static void test_what_others_write_meanwhile_is_cleared_too(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = write_some;
	stepper.at = 6;
	EXPECT_OK(hf_kv_clear(stepper.kv, NULL, NULL, &err));
	close_stepper(&stepper);
	assert_true(stepper.seen >= 6);
	redis_rig_check_whole(rig, "default", 0, 0);
	expect_both(rig, &before, &after);
}

static void test_a_checkpoint_that_is_made_meanwhile_stops_it(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct hf_kv_restored restored;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = make_another;
	stepper.at = 3;
	EXPECT_STATUS(hf_kv_clear(stepper.kv, NULL, NULL, &err), HF_BUSY);
	EXPECT_CONTAINS(err.message, "could not clear the namespace: others made or deleted a checkpoint meanwhile");
	close_stepper(&stepper);
	expect_now(rig, &after, 1);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &after.id, NULL, &restored, &err));
	assert_int_equal(restored.put + restored.deleted, 0); /* what was noted had not changed */
	expect_both(rig, &before, &after);
}

/* The server comes back as it was a request before. */
static void lose_a_step(struct stepper *stepper)
{
	static const char save[] = "for _, key in ipairs(redis.call('KEYS', '{*')) do "
				   "redis.call('SET', 'saved' .. key, redis.call('DUMP', key)) end";
	static const char lose[] = "redis.call('DEL', unpack(redis.call('KEYS', '{*'))) "
				   "for _, key in ipairs(redis.call('KEYS', 'saved*')) do "
				   "redis.call('RESTORE', string.sub(key, 6), 0, redis.call('GET', key)) "
				   "redis.call('DEL', key) end";
	if (stepper->seen == stepper->at)
		redis_rig_does(stepper->rig, "EVAL %s 0", save);
	if (stepper->seen == stepper->at + 1)
		redis_rig_does(stepper->rig, "EVAL %s 0", lose);
}

static void test_a_step_that_the_server_forgot_stops_it(void **state)
{
	enum { BEGUN = 2, STEPS = 3 };
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	stepper.hook = lose_a_step;
	for (stepper.at = BEGUN; stepper.at < BEGUN + STEPS; stepper.at++) {
		stepper.seen = 0;
		enum hf_status status = hf_kv_clear(stepper.kv, NULL, NULL, &err);
		expect_kept(rig, &before.id);
		EXPECT_STATUS(status, HF_E_UNAVAILABLE);
		EXPECT_CONTAINS(err.message, "the server began anew");
		expect_now(rig, &after, 1);
	}
	close_stepper(&stepper);
	expect_both(rig, &before, &after);
}

static void take_the_lock(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		redis_rig_does(stepper->rig, "DEL {holdfast:default}:locks");
}

static void test_a_fence_holds_to_the_end(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	struct hf_kv_lock lock;
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_lock_try(rig->kv, "l", "me", INT64_C(60000000), rig->arena, &lock, &err));
	const struct hf_kv_fence fence = {.lock = HF_STR("l"), .owner = HF_STR("me"), .fence = lock.fence};
	open_stepper(&stepper, rig);
	stepper.hook = take_the_lock;
	stepper.at = 3;
	EXPECT_STATUS(hf_kv_clear(stepper.kv, &(struct hf_kv_how){.fence = &fence}, NULL, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "fence");
	expect_now(rig, &after, 1);
	EXPECT_OK(hf_kv_lock_try(rig->kv, "l", "me", INT64_C(60000000), rig->arena, &lock, &err));
	const struct hf_kv_fence again = {.lock = HF_STR("l"), .owner = HF_STR("me"), .fence = lock.fence};
	stepper.hook = NULL;
	EXPECT_OK(hf_kv_clear(stepper.kv, &(struct hf_kv_how){.fence = &again}, NULL, &err));
	close_stepper(&stepper);
	redis_rig_check_whole(rig, "default", 0, 0);
	expect_kept(rig, &before.id);
}

/* A child that is killed behind its request number `at`. @return whether it came to its end. */
static bool clear_and_die(struct redis_rig *rig, int at)
{
	int ended = 0;
	pid_t pid = fork();
	if (pid == 0) {
		struct stepper stepper;
		hf_error err = HF_ERROR_INIT;
		open_stepper(&stepper, rig);
		stepper.hook = die;
		stepper.at = at;
		_exit(hf_kv_clear(stepper.kv, NULL, NULL, &err) == HF_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	assert_true(WIFSIGNALED(ended) || WEXITSTATUS(ended) == 0);
	return WIFEXITED(ended);
}

/* What is aside has a time to live, and it passes. */
static void let_it_go(struct redis_rig *rig)
{
	redis_rig_does(rig, "EVAL %s 0",
	               "for _, key in ipairs(redis.call('KEYS', '*:load:*')) do "
	               "if redis.call('TTL', key) < 1 then error(key .. ' stays') end redis.call('DEL', key) end");
}

static void test_killed_after_each_step_it_is_before_or_after(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint after, before = two_moments(rig, &after);
	int at = 1;
	for (bool cleared = false; !cleared; at++) {
		bool ended = clear_and_die(rig, at);
		cleared = redis_rig_count(rig, NULL) == 0;
		assert_true(cleared || (!ended && holds_now(rig, &after)));
		expect_kept(rig, &before.id);
		expect_kept(rig, &after.id);
	}
	assert_true(at > 5); /* it had begun, and taken steps */
	let_it_go(rig);
	expect_both(rig, &before, &after);
}

/* ---- loading ---- */

static hf_kv *open_source(struct redis_rig *rig, struct hf_kv_checkpoint *ret_there)
{
	hf_kv *own = rig->kv;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_namespace(own, "source", &rig->kv, &err));
	redis_rig_put_numbered(rig, CHANGED, CHANGED + SOURCE, 0);
	redis_rig_put(rig, B("expires"), B("source"), INT64_C(7200000000));
	*ret_there = make_point(rig);
	hf_kv *source = rig->kv;
	rig->kv = own;
	return source;
}

static void test_a_replacing_load_in_steps(void **state)
{
	struct redis_rig *rig = *state;
	const struct hf_kv_import how = {.replace = true};
	struct hf_kv_checkpoint there, after, before = two_moments(rig, &after);
	struct hf_kv_entry entry;
	struct stepper stepper;
	int64_t rev = 0;
	hf_error err = HF_ERROR_INIT;
	hf_kv *source = open_source(rig, &there);
	EXPECT_OK(hf_kv_put(rig->kv, B("k001999"), B("last"), &(struct hf_kv_put){.ret_rev = &rev}, &err));
	open_stepper(&stepper, rig);
	EXPECT_OK(hf_kv_copy(source, stepper.kv, &how, NULL, &err));
	close_stepper(&stepper);
	hf_kv_close(source);
	expect_now(rig, &there, 1);
	EXPECT_OK(hf_kv_get(rig->kv, B("k001999"), NULL, rig->arena, &entry, &err));
	assert_true(entry.rev > rev);
	struct hf_kv_checkpoint loaded = make_point(rig);
	redis_rig_put_numbered(rig, 0, KEYS, 0);
	expect_kept(rig, &loaded.id);
	expect_both(rig, &before, &after);
}

static void put_a_key(struct stepper *stepper)
{
	const struct hf_kv_put how = {.ret_rev = &stepper->rev};
	hf_error err = HF_ERROR_INIT;
	if (stepper->seen == stepper->at)
		EXPECT_OK(hf_kv_put(stepper->rig->kv, B("k001300"), B("meanwhile"), &how, &err));
}

static void test_a_key_written_during_a_load_gets_a_later_revision(void **state)
{
	enum { ASIDE = 2 }; /* the key of the load */
	struct redis_rig *rig = *state;
	const struct hf_kv_import how = {.replace = true};
	struct hf_kv_checkpoint there, after, before = two_moments(rig, &after);
	struct hf_kv_entry entry;
	hf_error err = HF_ERROR_INIT;
	hf_kv *source = open_source(rig, &there);
	for (int in_steps = 0; in_steps <= 1; in_steps++) {
		struct stepper stepper;
		open_stepper(&stepper, rig);
		stepper.kv->backend->state->changes_max = in_steps ? MANY : INT32_MAX;
		stepper.hook = put_a_key;
		stepper.at = ASIDE;
		EXPECT_OK(hf_kv_copy(source, stepper.kv, &how, NULL, &err));
		assert_true(stepper.rev > 0);
		EXPECT_OK(hf_kv_get(rig->kv, B("k001300"), NULL, rig->arena, &entry, &err));
		assert_true(entry.rev > stepper.rev);
		close_stepper(&stepper);
		expect_now(rig, &there, 1);
	}
	hf_kv_close(source);
	expect_both(rig, &before, &after);
}

static void test_a_load_where_nothing_stands(void **state)
{
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint there, empty = make_point(rig);
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	hf_kv *source = open_source(rig, &there);
	open_stepper(&stepper, rig);
	stepper.hook = write_some;
	stepper.at = NEVER;
	EXPECT_STATUS(hf_kv_copy(source, stepper.kv, NULL, NULL, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "the namespace has entries");
	expect_tidy(rig);
	stepper.hook = NULL;
	EXPECT_OK(hf_kv_clear(rig->kv, NULL, NULL, &err));
	EXPECT_OK(hf_kv_copy(source, stepper.kv, NULL, NULL, &err));
	close_stepper(&stepper);
	hf_kv_close(source);
	expect_now(rig, &there, 1);
	EXPECT_OK(hf_kv_checkpoint_restore(rig->kv, &empty.id, NULL, NULL, &err));
	redis_rig_check_whole(rig, "default", 0, 0);
}

static void expect_ended(struct redis_rig *rig, hf_kv *source, void (*hook)(struct stepper *stepper), int at,
                         enum hf_status wanted)
{
	struct stepper stepper;
	hf_error err = HF_ERROR_INIT;
	open_stepper(&stepper, rig);
	const struct hf_kv_import how = {.replace = true, .deadline = hf_deadline_in(stepper.ctx, 60000)};
	stepper.hook = hook;
	stepper.at = at;
	EXPECT_STATUS(hf_kv_copy(source, stepper.kv, &how, NULL, &err), wanted);
	close_stepper(&stepper);
}

/* Whoever's time is over tidies up in a time of its own. What is behind each request: a second step of entries, the end
 * by one script, the beginning of the steps, three of those. */
static void test_what_was_aside_goes_when_the_time_is_over(void **state)
{
	enum { FIRST = 2, THE_END = 3, LAST = 7 };
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint there, after, before = two_moments(rig, &after);
	hf_kv *source = open_source(rig, &there);
	for (int at = FIRST; at <= LAST; at++) {
		expect_ended(rig, source, let_time_pass, at, at == THE_END ? HF_E_OUTCOME_UNKNOWN : HF_TIMEOUT);
		expect_now(rig, &after, 1);
	}
	for (int at = FIRST; at <= LAST; at++) {
		expect_ended(rig, source, interrupt, at, at == THE_END ? HF_E_OUTCOME_UNKNOWN : HF_E_INTERRUPTED);
		assert_true(holds_now(rig, &after));
	}
	hf_kv_close(source);
	expect_kept(rig, &before.id);
}

static void test_a_step_of_a_load_that_the_server_forgot_stops_it(void **state)
{
	enum { BEGUN = 5 };
	struct redis_rig *rig = *state;
	struct hf_kv_checkpoint there, after, before = two_moments(rig, &after);
	hf_kv *source = open_source(rig, &there);
	expect_ended(rig, source, lose_a_step, BEGUN, HF_E_UNAVAILABLE);
	hf_kv_close(source);
	expect_now(rig, &after, 1);
	expect_both(rig, &before, &after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_clearing_in_steps),
		CASE(test_what_others_write_meanwhile_is_cleared_too),
		CASE(test_a_checkpoint_that_is_made_meanwhile_stops_it),
		CASE(test_a_step_that_the_server_forgot_stops_it),
		CASE(test_a_fence_holds_to_the_end),
		CASE(test_killed_after_each_step_it_is_before_or_after),
		CASE(test_a_replacing_load_in_steps),
		CASE(test_a_key_written_during_a_load_gets_a_later_revision),
		CASE(test_a_load_where_nothing_stands),
		CASE(test_what_was_aside_goes_when_the_time_is_over),
		CASE(test_a_step_of_a_load_that_the_server_forgot_stops_it),
	};
	return cmocka_run_group_tests_name("replacing on Redis", tests, redis_rig_start, redis_rig_stop);
}
