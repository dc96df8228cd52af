/*
 * test_lock.c - locks and checkpoints in front of a backend: what is checked, how long is waited, when a hold is lost.
 * The backend here keeps one lock, answers as the test says, and has no clock but the test's.
 */
#include "../check.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "holdfast/backend.h"

static struct {
	atomic_int take_answer, renew_answer;              /* enum hf_status */
	atomic_int takes, renewals, releases, frees_after; /* frees_after: so many takes are refused, then not */
	char owner[HF_KV_LOCK_NAME_BYTES + 1];
	struct hf_kv_checkpoint points[4];
	size_t npoints;
	atomic_int lost;
	_Atomic hf_deadline renew_deadline;
	const char *value; /* of each entry */
} seen;

static hf_context *ctx;
static hf_kv *kv;
static hf_arena *arena;
static hf_error err;

static enum hf_status fake_open(hf_context *context, const char *url, const struct hf_kv_options *options,
                                hf_kv_backend_state **ret_state, hf_error *error)
{
	(void)context, (void)url, (void)options, (void)error;
	*ret_state = (hf_kv_backend_state *)&seen;
	return HF_OK;
}

static void fake_close(hf_kv_backend_state *state)
{
	(void)state;
}

static enum hf_status fake_name_space(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline,
                                      int32_t *ret_ns, hf_error *error)
{
	(void)state, (void)deadline, (void)error;
	*ret_ns = str_eq(name, HF_STR("default")) ? 1 : 2;
	return HF_OK;
}

static enum hf_status fake_now(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_us, hf_error *error)
{
	(void)state, (void)deadline, (void)error;
	*ret_us = 1000;
	return HF_OK;
}

static enum hf_status fake_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                                int64_t ttl_us, hf_deadline deadline, hf_arena *into, struct hf_kv_lock *ret_lock,
                                hf_error *error)
{
	(void)state, (void)ns, (void)ttl_us, (void)deadline, (void)error;
	int takes = atomic_fetch_add(&seen.takes, 1) + 1;
	enum hf_status answer = (enum hf_status)atomic_load(&seen.take_answer);
	if (seen.frees_after && takes > seen.frees_after)
		answer = HF_OK;
	snprintf(seen.owner, sizeof(seen.owner), "%.*s", STR_ARG(owner));
	struct hf_str holder = answer == HF_CONFLICT ? HF_STR("somebody") : owner;
	*ret_lock = (struct hf_kv_lock){hf_arena_str(into, name), hf_arena_str(into, holder), 7, 1, 2};
	return answer;
}

static enum hf_status fake_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held, int64_t ttl_us,
                                 hf_deadline deadline, int64_t *ret_expires_us, hf_error *error)
{
	(void)state, (void)ns, (void)held;
	enum hf_status answer = (enum hf_status)atomic_load(&seen.renew_answer);
	atomic_store(&seen.renew_deadline, deadline);
	atomic_fetch_add(ttl_us ? &seen.renewals : &seen.releases, 1);
	*ret_expires_us = ttl_us;
	if (answer < 0 && error)
		error->status = answer;
	return answer;
}

static enum hf_status fake_list_locks(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                                      hf_arena *into, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)error;
	*ret_locks = hf_arena_calloc(into, 1, sizeof(**ret_locks));
	**ret_locks = (struct hf_kv_lock){.name = HF_STR("l"), .owner = HF_STR("o"), .fence = 3};
	*ret_count = !name.ptr || str_eq(name, HF_STR("l"));
	return HF_OK;
}

static enum hf_status fake_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                        hf_deadline deadline, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)error;
	point->epoch = (int64_t)seen.npoints + 1;
	seen.points[seen.npoints++] = *point;
	return HF_OK;
}

static struct hf_kv_checkpoint *find(const struct hf_uuid *id)
{
	for (size_t i = 0; i < seen.npoints; i++)
		if (memcmp(&seen.points[i].id, id, sizeof(*id)) == 0)
			return &seen.points[i];
	return NULL;
}

static enum hf_status fake_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                      hf_deadline deadline, hf_arena *into, struct hf_kv_checkpoint **ret_points,
                                      size_t *ret_count, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)into, (void)error;
	*ret_points = id ? find(id) : seen.points;
	*ret_count = id ? *ret_points != NULL : seen.npoints;
	return HF_OK;
}

static enum hf_status fake_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                        hf_deadline deadline, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)error;
	struct hf_kv_checkpoint *own = find(&point->id);
	if (!own)
		return HF_NOT_FOUND;
	bool pinned = point->counted ? own->pinned : point->pinned;
	if (point->counted)
		*own = *point;
	own->pinned = pinned;
	return HF_OK;
}

static enum hf_status fake_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                        hf_deadline deadline, hf_error *error)
{
	(void)state, (void)ns, (void)deadline, (void)error;
	struct hf_kv_checkpoint *own = find(id);
	if (!own)
		return HF_NOT_FOUND;
	own->epoch = -1; /* gone, yet the list that the caller walks stays as it was */
	return HF_OK;
}

/* Five entries of ten bytes; what they hold is said by the test. */
static enum hf_status fake_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span,
                                hf_kv_entry_fn *fn, void *user, hf_error *error)
{
	struct hf_kv_entry entry = {.value = hf_kv_text(seen.value ? seen.value : "234567890"), .rev = 1};
	enum hf_status status = HF_OK;
	(void)state, (void)ns;
	struct hf_kv_checkpoint *point = find(span->at);
	if (!point)
		return HF_NOT_FOUND;
	assert_true(span->moment_us == point->created_us);
	for (size_t i = 0; status == HF_OK && i < 5; i++) {
		entry.key = (struct hf_bytes){(const uint8_t *)&"abcde"[i], 1};
		status = fn(user, &entry, error);
	}
	return status;
}

static enum hf_status fake_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   struct hf_kv_checkpoint *undo, hf_deadline deadline,
                                   struct hf_kv_restored *ret_restored, hf_error *error)
{
	if (!find(id))
		return HF_NOT_FOUND;
	ret_restored->put = 2;
	return undo ? fake_point_create(state, ns, undo, deadline, error) : HF_OK;
}

static struct hf_kv_vtable fake = {
	.size = sizeof(fake),
	.name = "fake",
	.capabilities = HF_KV_CAN_LOCK | HF_KV_CAN_CHECKPOINT,
	.key_bytes_max = 480,
	.open = fake_open,
	.close = fake_close,
	.name_space = fake_name_space,
	.now = fake_now,
	.lock_take = fake_take,
	.lock_renew = fake_renew,
	.lock_list = fake_list_locks,
	.point_create = fake_point_create,
	.point_list = fake_point_list,
	.point_update = fake_point_update,
	.point_delete = fake_point_delete,
	.scan = fake_scan,
	.restore = fake_restore,
};

static int start(void **state)
{
	(void)state;
	struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	memset(&seen, 0, sizeof(seen));
	fake.capabilities = HF_KV_CAN_LOCK | HF_KV_CAN_CHECKPOINT;
	err = (hf_error)HF_ERROR_INIT;
	arena = hf_arena_new(0);
	return hf_context_new(NULL, &ctx, &err) || hf_kv_open_backend(ctx, &fake, "fake:", &options, &kv, &err);
}

static int stop(void **state)
{
	(void)state;
	hf_kv_close(kv);
	hf_arena_free(arena);
	hf_context_free(ctx);
	return 0;
}

/* ---- locks ---- */

static void words_and_leases_have_bounds(void **state)
{
	char name[HF_KV_LOCK_NAME_BYTES + 2];
	struct hf_kv_lock lock;
	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	EXPECT_STATUS(hf_kv_lock_try(kv, name, "o", 1000, arena, &lock, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_lock_try(kv, "l", name, 1000, arena, &lock, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_lock_try(kv, "", "o", 1000, arena, &lock, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_lock_try(kv, "\xff", "o", 1000, arena, &lock, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_lock_try(kv, "l", "o", 999, arena, &lock, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_kv_lock_try(kv, "l", "o", HF_KV_TTL_MAX_US + 1, arena, &lock, &err), HF_E_USAGE);
	assert_int_equal(seen.takes, 0);
	EXPECT_OK(hf_kv_lock_try(kv, name + 1, name + 1, 1000, arena, &lock, &err));
}

static void an_owner_is_made_up_where_none_is_given(void **state)
{
	struct hf_kv_lock first, second;
	(void)state;
	EXPECT_OK(hf_kv_lock_try(kv, "l", NULL, 1000, arena, &first, &err));
	EXPECT_OK(hf_kv_lock_try(kv, "l", NULL, 1000, arena, &second, &err));
	assert_int_equal(first.owner.len, 32);
	assert_false(str_eq(first.owner, second.owner));
}

static void who_holds_it_is_named(void **state)
{
	struct hf_kv_lock lock;
	(void)state;
	seen.take_answer = HF_CONFLICT;
	EXPECT_STATUS(hf_kv_lock_try(kv, "l", "me", 1000, arena, &lock, &err), HF_CONFLICT);
	assert_string_equal(err.message, "lock \"l\" is held by \"somebody\" with fence 7");
	EXPECT_STATUS(hf_kv_lock_acquire(kv, "l", "me", 1000, hf_deadline_in(ctx, 30), arena, &lock, &err), HF_TIMEOUT);
	assert_string_equal(err.message, "the deadline passed: lock \"l\" is held by \"somebody\" with fence 7");
	EXPECT_STATUS(hf_kv_lock_acquire(kv, "l", "me", 1000, hf_deadline_in(ctx, 1), arena, &lock, NULL), HF_TIMEOUT);
	assert_true(seen.takes >= 3);
}

static void waiting_ends_when_it_is_free(void **state)
{
	struct hf_kv_lock lock;
	(void)state;
	seen.take_answer = HF_CONFLICT;
	seen.frees_after = 3;
	EXPECT_OK(hf_kv_lock_acquire(kv, "l", "me", 1000, 0, arena, &lock, &err));
	assert_int_equal(seen.takes, 4);
	assert_true(str_eq(lock.owner, HF_STR("me")));
}

static void waiting_ends_when_interrupted(void **state)
{
	struct hf_kv_lock lock;
	(void)state;
	seen.take_answer = HF_CONFLICT;
	hf_context_interrupt(ctx);
	EXPECT_STATUS(hf_kv_lock_acquire(kv, "l", "me", 1000, 0, arena, &lock, &err), HF_E_INTERRUPTED);
}

static void what_is_not_held_is_neither_renewed_nor_released(void **state)
{
	struct hf_kv_lock lock;
	(void)state;
	EXPECT_OK(hf_kv_lock_try(kv, "l", "me", 1000, arena, &lock, &err));
	EXPECT_OK(hf_kv_lock_renew(kv, &lock, 5000, &err));
	assert_int_equal(lock.expires_us, 5000);
	EXPECT_STATUS(hf_kv_lock_renew(kv, &lock, 0, &err), HF_E_USAGE);
	seen.renew_answer = HF_CONFLICT;
	EXPECT_STATUS(hf_kv_lock_renew(kv, &lock, 6000, &err), HF_CONFLICT);
	EXPECT_STATUS(hf_kv_lock_release(kv, &lock, &err), HF_CONFLICT);
	assert_string_equal(err.message, "lock \"l\" is not held by \"me\" with fence 7");
	assert_int_equal(seen.releases, 1);
}

static void locks_are_shown(void **state)
{
	struct hf_kv_lock lock, *locks;
	size_t count;
	(void)state;
	EXPECT_OK(hf_kv_lock_show(kv, "l", arena, &lock, &err));
	assert_int_equal(lock.fence, 3);
	EXPECT_STATUS(hf_kv_lock_show(kv, "other", arena, &lock, &err), HF_NOT_FOUND);
	EXPECT_OK(hf_kv_lock_list(kv, arena, &locks, &count, &err));
	assert_int_equal(count, 1);
}

/* ---- holds ---- */

static void note_loss(void *user)
{
	(void)user;
	atomic_fetch_add(&seen.lost, 1);
}

/* Bounded: fails after 20 seconds. */
static void wait_until(atomic_int *number, int least)
{
	const struct timespec pause = {0, 1000000};
	for (int i = 0; i < 20000 && atomic_load(number) < least; i++)
		nanosleep(&pause, NULL);
	assert_true(atomic_load(number) >= least);
}

static void a_hold_renews_until_it_ends(void **state)
{
	hf_kv_hold *hold;
	(void)state;
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 60000000, 0, note_loss, NULL, &hold, &err));
	assert_int_equal(hf_kv_hold_lock(hold)->fence, 7);
	EXPECT_OK(hf_kv_hold_end(hold, &err));
	assert_int_equal(seen.renewals, 0);
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 30000, 0, note_loss, NULL, &hold, &err));
	wait_until(&seen.renewals, 1);
	EXPECT_OK(hf_kv_hold_end(hold, &err));
	assert_int_equal(seen.releases, 2);
	EXPECT_OK(hf_kv_hold_end(NULL, &err));
}

/* Else a server that does not answer would keep the loss from being told. */
static void a_renewal_waits_no_longer_than_the_lease(void **state)
{
	hf_kv_hold *hold;
	(void)state;
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 90000, 0, note_loss, NULL, &hold, &err));
	wait_until(&seen.renewals, 1);
	assert_true(seen.renew_deadline <= hf_now_monotonic_us(ctx) + 90000);
	EXPECT_OK(hf_kv_hold_end(hold, &err));
}

static void a_hold_cannot_be_ended_in_a_child(void **state)
{
	hf_kv_hold *hold;
	int how = 0;
	(void)state;
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 60000000, 0, note_loss, NULL, &hold, &err));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(10);
		_exit(hf_kv_hold_end(hold, &err) == HF_E_USAGE ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
	EXPECT_OK(hf_kv_hold_end(hold, &err));
}

static void a_refused_renewal_is_a_loss(void **state)
{
	hf_kv_hold *hold;
	(void)state;
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 30000, 0, note_loss, NULL, &hold, &err));
	seen.renew_answer = HF_CONFLICT;
	wait_until(&seen.lost, 1);
	assert_true(hf_kv_hold_is_lost(hold));
	EXPECT_STATUS(hf_kv_hold_end(hold, &err), HF_CONFLICT);
	assert_int_equal(seen.lost, 1);
}

static void renewals_that_fail_for_two_thirds_are_a_loss(void **state)
{
	hf_kv_hold *hold;
	(void)state;
	seen.renew_answer = HF_E_UNAVAILABLE;
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 90000, 0, note_loss, NULL, &hold, &err));
	wait_until(&seen.lost, 1);
	assert_true(seen.renewals >= 1);
	EXPECT_STATUS(hf_kv_hold_end(hold, &err), HF_CONFLICT);
	EXPECT_OK(hf_kv_hold_start(kv, "l", "me", 90000, 0, note_loss, NULL, &hold, &err));
	wait_until(&seen.lost, 2);
	seen.renew_answer = HF_OK; /* it can be given back, yet whoever held it was told otherwise */
	EXPECT_STATUS(hf_kv_hold_end(hold, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message, "lock \"l\" was lost");
}

static void a_hold_that_is_not_to_be_had_leaves_nothing(void **state)
{
	hf_kv_hold *hold = NULL;
	(void)state;
	seen.take_answer = HF_CONFLICT;
	EXPECT_STATUS(hf_kv_hold_start(kv, "l", "me", 30000, hf_deadline_in(ctx, 1), NULL, NULL, &hold, &err),
	              HF_TIMEOUT);
	assert_null(hold);
}

/* ---- checkpoints ---- */

static void a_checkpoint_is_counted_when_it_is_made(void **state)
{
	struct hf_kv_checkpoint point;
	struct hf_kv_checkpoint_new later = {.name = "later", .metadata = HF_STR("{ \"a\": 1 }"), .uncounted = true};
	(void)state;
	EXPECT_OK(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err));
	assert_true(point.counted && point.row_count == 5 && point.data_size == 50);
	assert_int_equal(point.id.bytes[6] >> 4, 4);
	EXPECT_OK(hf_kv_checkpoint_create(kv, &later, arena, &point, &err));
	assert_false(point.counted);
	assert_true(str_eq(point.name, HF_STR("later")) && str_eq(point.metadata, HF_STR("{\"a\":1}")));
	EXPECT_OK(hf_kv_checkpoint_count(kv, &point.id, arena, &point, &err));
	assert_true(point.counted && seen.points[1].counted);
}

static void what_was_counted_is_verified(void **state)
{
	struct hf_kv_checkpoint point, again = {.row_count = 9};
	struct hf_kv_checkpoint_new later = {.uncounted = true};
	(void)state;
	EXPECT_OK(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err));
	EXPECT_OK(hf_kv_checkpoint_verify(kv, &point.id, arena, &again, &err));
	assert_memory_equal(&again.digest, &point.digest, sizeof(point.digest));
	seen.value = "234567891";
	EXPECT_STATUS(hf_kv_checkpoint_verify(kv, &point.id, arena, &again, &err), HF_DIFFERS);
	assert_non_null(strstr(err.message, "is not what was counted: 5 entries of 50 bytes then, 5 of 50 now"));
	assert_memory_not_equal(&again.digest, &point.digest, sizeof(point.digest));
	EXPECT_OK(hf_kv_checkpoint_create(kv, &later, arena, &point, &err));
	EXPECT_OK(hf_kv_checkpoint_verify(kv, &point.id, arena, &again, &err));
	assert_true(again.counted && seen.points[1].counted);
}

static void unknown_ids_are_named(void **state)
{
	struct hf_uuid id = {{0xab}};
	struct hf_kv_checkpoint point;
	(void)state;
	EXPECT_STATUS(hf_kv_checkpoint_show(kv, &id, arena, &point, &err), HF_NOT_FOUND);
	assert_string_equal(err.message, "no checkpoint ab000000-0000-0000-0000-000000000000 in this namespace");
	EXPECT_STATUS(hf_kv_checkpoint_restore(kv, &id, NULL, NULL, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_kv_checkpoint_delete(kv, &id, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_kv_checkpoint_pin(kv, &id, true, &err), HF_NOT_FOUND);
}

static void a_restore_tells_how_to_undo_it(void **state)
{
	struct hf_kv_checkpoint point, undo;
	struct hf_kv_restored restored;
	struct hf_kv_restore plain = {.no_undo = true};
	(void)state;
	EXPECT_OK(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err));
	EXPECT_OK(hf_kv_checkpoint_restore(kv, &point.id, NULL, &restored, &err));
	assert_int_equal(restored.put, 2);
	EXPECT_OK(hf_kv_checkpoint_show(kv, &restored.undo, arena, &undo, &err));
	assert_true(str_eq(undo.name, HF_STR("before a restore")));
	EXPECT_OK(hf_kv_checkpoint_restore(kv, &point.id, &plain, &restored, &err));
	assert_int_equal(seen.npoints, 2);
}

static void pruning_leaves_new_and_pinned_ones(void **state)
{
	struct hf_kv_checkpoint point;
	struct hf_kv_prune all_but_one = {.keep = 1}, old = {.older_than_us = 600};
	size_t deleted;
	(void)state;
	for (int i = 0; i < 4; i++)
		EXPECT_OK(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err));
	EXPECT_OK(hf_kv_checkpoint_pin(kv, &seen.points[2].id, true, &err));
	seen.points[3].created_us = 300;
	seen.points[0].created_us = seen.points[1].created_us = 500;
	EXPECT_OK(hf_kv_checkpoint_prune(kv, &old, &deleted, &err));
	assert_int_equal(deleted, 1);
	assert_int_equal(seen.points[3].epoch, -1);
	EXPECT_OK(hf_kv_checkpoint_prune(kv, &all_but_one, &deleted, &err));
	assert_int_equal(deleted, 2);
	assert_true(seen.points[0].epoch > 0 && seen.points[2].epoch > 0);
}

static void what_a_backend_lacks_is_refused_by_name(void **state)
{
	struct hf_kv_checkpoint point;
	struct hf_kv_lock lock;
	(void)state;
	fake.capabilities = 0;
	EXPECT_STATUS(hf_kv_lock_try(kv, "l", "o", 1000, arena, &lock, &err), HF_E_UNSUPPORTED);
	assert_string_equal(err.message, "fake has no locks");
	EXPECT_STATUS(hf_kv_checkpoint_create(kv, NULL, arena, &point, &err), HF_E_UNSUPPORTED);
	assert_string_equal(err.message, "fake has no checkpoints");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_and_leases_have_bounds),
		TEST(an_owner_is_made_up_where_none_is_given),
		TEST(who_holds_it_is_named),
		TEST(waiting_ends_when_it_is_free),
		TEST(waiting_ends_when_interrupted),
		TEST(what_is_not_held_is_neither_renewed_nor_released),
		TEST(locks_are_shown),
		TEST(a_hold_renews_until_it_ends),
		TEST(a_renewal_waits_no_longer_than_the_lease),
		TEST(a_hold_cannot_be_ended_in_a_child),
		TEST(a_refused_renewal_is_a_loss),
		TEST(renewals_that_fail_for_two_thirds_are_a_loss),
		TEST(a_hold_that_is_not_to_be_had_leaves_nothing),
		TEST(a_checkpoint_is_counted_when_it_is_made),
		TEST(unknown_ids_are_named),
		TEST(a_restore_tells_how_to_undo_it),
		TEST(pruning_leaves_new_and_pinned_ones),
		TEST(what_was_counted_is_verified),
		TEST(what_a_backend_lacks_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
