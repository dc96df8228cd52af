/*
 * cases_lock.c - conformance: locks, and writes that carry a fence. Leases that must hold are of an hour, those that
 * must end of a few milliseconds, so that a slow machine changes no answer.
 */
#include "base/str.h"
#include "holdfast/kv_lock.h"
#include "steps.h"

#include <time.h>

#define HOUR SECONDS(3600)
#define MOMENT INT64_C(20000)

static bool can(const struct kv_test *t)
{
	return hf_kv_capabilities(t->kv) & HF_KV_CAN_LOCK;
}

/* Taken by `owner`; the answer says so. */
static struct hf_kv_lock take(struct kv_test *t, const char *name, const char *owner, int64_t ttl_us)
{
	struct hf_kv_lock lock = {.fence = -1};
	WANT_OK(hf_kv_lock_try(t->kv, name, owner, ttl_us, t->arena, &lock, &t->err));
	WANT_TRUE(str_eq(lock.name, hf_str_of(name)));
	WANT_TRUE(str_eq(lock.owner, hf_str_of(owner)));
	WANT_TRUE(lock.fence > 0);
	WANT_TRUE(lock.expires_us > lock.acquired_us);
	return lock;
}

/* Refused to `owner`; the answer is the lock that stands in the way. */
static void refuse(struct kv_test *t, const char *owner, const struct hf_kv_lock *holder)
{
	struct hf_kv_lock lock = {.fence = -1};
	WANT(hf_kv_lock_try(t->kv, holder->name.ptr, owner, HOUR, t->arena, &lock, &t->err), HF_CONFLICT);
	WANT_TRUE(strstr(t->err.message, holder->owner.ptr) != NULL);
	WANT_TRUE(str_eq(lock.owner, holder->owner));
	WANT_INT(lock.fence, holder->fence);
	WANT_INT(lock.expires_us, holder->expires_us);
}

static void one_holder(struct kv_test *t)
{
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	refuse(t, "you", &mine);
	struct hf_kv_lock again = take(t, "job", "me", 2 * HOUR);
	WANT_INT(again.fence, mine.fence);
	WANT_TRUE(again.expires_us > mine.expires_us);
	refuse(t, "you", &again);
	take(t, "another job", "you", HOUR);
}

static void lapse(struct kv_test *t)
{
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", MOMENT);
	kv_rig_pass(t->rig, MOMENT);
	struct hf_kv_lock yours = take(t, "job", "you", HOUR);
	WANT_TRUE(yours.fence > mine.fence);
	WANT(hf_kv_lock_renew(t->kv, &mine, HOUR, &t->err), HF_CONFLICT);
	WANT(hf_kv_lock_release(t->kv, &mine, &t->err), HF_CONFLICT);
	refuse(t, "me", &yours);
}

/* A lease that is over is lost, although nobody else has taken the lock. */
static void lapse_alone(struct kv_test *t)
{
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", MOMENT);
	kv_rig_pass(t->rig, MOMENT);
	WANT(hf_kv_lock_renew(t->kv, &mine, HOUR, &t->err), HF_CONFLICT);
	WANT_TRUE(strstr(t->err.message, "is not held by \"me\"") != NULL);
	WANT(hf_kv_lock_release(t->kv, &mine, &t->err), HF_CONFLICT);
	WANT_TRUE(take(t, "job", "me", HOUR).fence > mine.fence);
}

static void release(struct kv_test *t)
{
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	struct hf_kv_lock foreign = mine, older = mine;
	foreign.owner = HF_STR("you");
	older.fence--;
	WANT(hf_kv_lock_release(t->kv, &foreign, &t->err), HF_CONFLICT);
	WANT(hf_kv_lock_release(t->kv, &older, &t->err), HF_CONFLICT);
	refuse(t, "you", &mine);
	WANT_OK(hf_kv_lock_release(t->kv, &mine, &t->err));
	WANT(hf_kv_lock_release(t->kv, &mine, &t->err), HF_CONFLICT);
	struct hf_kv_lock yours = take(t, "job", "you", HOUR);
	WANT_TRUE(yours.fence > mine.fence);
	WANT_OK(hf_kv_lock_release(t->kv, &yours, &t->err));
	WANT_TRUE(take(t, "job", "you", HOUR).fence > yours.fence);
}

static void renew(struct kv_test *t)
{
	struct hf_kv_lock shown;
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR), foreign = mine, older = mine;
	int64_t before_us = mine.expires_us;
	WANT_OK(hf_kv_lock_renew(t->kv, &mine, 2 * HOUR, &t->err));
	WANT_TRUE(mine.expires_us > before_us);
	foreign.owner = HF_STR("you");
	older.fence--;
	WANT(hf_kv_lock_renew(t->kv, &foreign, 3 * HOUR, &t->err), HF_CONFLICT);
	WANT(hf_kv_lock_renew(t->kv, &older, 3 * HOUR, &t->err), HF_CONFLICT);
	WANT_OK(hf_kv_lock_show(t->kv, "job", t->arena, &shown, &t->err));
	WANT_INT(shown.expires_us, mine.expires_us);
	WANT_INT(shown.fence, mine.fence);
}

/* A renewal may shorten a lease too. */
static void renew_lost(struct kv_test *t)
{
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	WANT_OK(hf_kv_lock_renew(t->kv, &mine, MOMENT, &t->err));
	kv_rig_pass(t->rig, MOMENT);
	struct hf_kv_lock yours = take(t, "job", "you", HOUR);
	WANT(hf_kv_lock_renew(t->kv, &mine, HOUR, &t->err), HF_CONFLICT);
	refuse(t, "me", &yours);
}

static int64_t now_us(const struct kv_test *t)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return t->rig->own_clock ? t->rig->wall_us : now.tv_sec * KV_SECOND_US + now.tv_nsec / 1000;
}

static void list_and_show(struct kv_test *t)
{
	static const char *const names[] = {"a", "a b", "b", "\xc3\xbc"};
	struct hf_kv_lock *locks = NULL, lock;
	size_t count = 99;
	if (!can(t))
		return;
	WANT_OK(hf_kv_lock_list(t->kv, t->arena, &locks, &count, &t->err));
	WANT_INT(count, 0);
	WANT(hf_kv_lock_show(t->kv, "a", t->arena, &lock, &t->err), HF_NOT_FOUND);
	for (size_t i = ARRAY_LEN(names); i-- > 0;)
		take(t, names[i], "me", HOUR);
	WANT_OK(hf_kv_lock_show(t->kv, "b", t->arena, &lock, &t->err));
	WANT_TRUE(str_eq(lock.owner, HF_STR("me")));
	WANT_TRUE(lock.expires_us > now_us(t));
	WANT_OK(hf_kv_lock_release(t->kv, &lock, &t->err));
	WANT_OK(hf_kv_lock_list(t->kv, t->arena, &locks, &count, &t->err));
	WANT_INT(count, ARRAY_LEN(names));
	for (size_t i = 0; i < count; i++) {
		WANT_TRUE(str_eq(locks[i].name, hf_str_of(names[i])));
		WANT_INT(locks[i].expires_us > now_us(t), i != 2);
	}
	WANT_INT(locks[2].fence, lock.fence);
	WANT(hf_kv_lock_show(t->kv, "c", t->arena, &lock, &t->err), HF_NOT_FOUND);
}

static void namespaces_apart(struct kv_test *t)
{
	struct kv_test other = *t;
	struct hf_kv_lock *locks = NULL, lock;
	size_t count = 99;
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	other.kv = kv_other(t, "locks apart");
	WANT_OK(hf_kv_lock_list(other.kv, t->arena, &locks, &count, &t->err));
	WANT_INT(count, 0);
	WANT(hf_kv_lock_release(other.kv, &mine, &t->err), HF_CONFLICT);
	struct hf_kv_fence fence = {mine.name, mine.owner, mine.fence};
	const struct hf_kv_put put = {.how.fence = &fence};
	WANT(hf_kv_put(other.kv, B("k"), B("v"), &put, &t->err), HF_CONFLICT);
	struct hf_kv_lock yours = take(&other, "job", "you", HOUR);
	WANT_OK(hf_kv_lock_release(other.kv, &yours, &t->err));
	WANT_OK(hf_kv_lock_show(t->kv, "job", t->arena, &lock, &t->err));
	WANT_TRUE(str_eq(lock.owner, HF_STR("me")));
	refuse(t, "you", &mine);
	hf_kv_close(other.kv);
}

static void clear_leaves_locks(struct kv_test *t)
{
	uint64_t removed = 0;
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	kv_put(t, B("job"), B("v"), 0);
	WANT_INT(kv_live(t), 1);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 1);
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err));
	refuse(t, "you", &mine);
	WANT_INT(take(t, "job", "me", HOUR).fence, mine.fence);
	WANT_INT(kv_live(t), 0);
}

static void random_owners(struct kv_test *t)
{
	struct hf_kv_lock one, two;
	if (!can(t))
		return;
	WANT_OK(hf_kv_lock_try(t->kv, "one", NULL, HOUR, t->arena, &one, &t->err));
	WANT_OK(hf_kv_lock_try(t->kv, "two", NULL, HOUR, t->arena, &two, &t->err));
	WANT_TRUE(one.owner.len > 0 && !str_eq(one.owner, two.owner));
	WANT(hf_kv_lock_try(t->kv, "one", NULL, HOUR, t->arena, &two, &t->err), HF_CONFLICT);
	WANT_OK(hf_kv_lock_release(t->kv, &one, &t->err));
}

static void words(struct kv_test *t)
{
	char longest[HF_KV_LOCK_NAME_BYTES + 2];
	const char *const wrong[] = {"", "\xff", longest};
	const int64_t leases[] = {0, -1, 999, HF_KV_TTL_MAX_US + 1};
	struct hf_kv_lock lock;
	if (!can(t))
		return;
	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		WANT(hf_kv_lock_try(t->kv, wrong[i], "me", HOUR, t->arena, &lock, &t->err), HF_E_USAGE);
		WANT(hf_kv_lock_try(t->kv, "job", wrong[i], HOUR, t->arena, &lock, &t->err), HF_E_USAGE);
		WANT(hf_kv_lock_show(t->kv, wrong[i], t->arena, &lock, &t->err), HF_E_USAGE);
	}
	for (size_t i = 0; i < ARRAY_LEN(leases); i++)
		WANT(hf_kv_lock_try(t->kv, "job", "me", leases[i], t->arena, &lock, &t->err), HF_E_USAGE);
	WANT(hf_kv_lock_show(t->kv, "job", t->arena, &lock, &t->err), HF_NOT_FOUND);
	longest[HF_KV_LOCK_NAME_BYTES] = '\0';
	take(t, longest, longest, HF_KV_TTL_MAX_US);
	WANT_OK(hf_kv_lock_show(t->kv, longest, t->arena, &lock, &t->err));
	WANT_INT(lock.owner.len, HF_KV_LOCK_NAME_BYTES);
}

static void waiting(struct kv_test *t)
{
	struct hf_kv_lock got;
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	hf_deadline soon = hf_deadline_in(t->rig->ctx, 20);
	WANT(hf_kv_lock_acquire(t->kv, "job", "you", HOUR, soon, t->arena, &got, &t->err), HF_TIMEOUT);
	if (!strstr(t->err.message, "is held by \"me\""))
		kv_wrong(t, "the holder is not named: %s", t->err.message);
	WANT_OK(hf_kv_lock_release(t->kv, &mine, &t->err));
	WANT_OK(hf_kv_lock_acquire(t->kv, "job", "you", HOUR, HF_DEADLINE_DEFAULT, t->arena, &got, &t->err));
	WANT_TRUE(got.fence > mine.fence);
}

static void held(struct kv_test *t)
{
	hf_kv_hold *hold = NULL;
	if (!can(t))
		return;
	WANT_OK(hf_kv_hold_start(t->kv, "job", "me", HOUR, HF_DEADLINE_DEFAULT, NULL, NULL, &hold, &t->err));
	struct hf_kv_lock mine = *hf_kv_hold_lock(hold);
	WANT_TRUE(!hf_kv_hold_is_lost(hold));
	refuse(t, "you", &mine);
	int64_t fence = mine.fence;
	WANT_OK(hf_kv_hold_end(hold, &t->err));
	WANT_TRUE(take(t, "job", "you", HOUR).fence > fence);
}

/* ---- fences ---- */

/* All that writes, under a fence: accepted or refused as a whole. */
static void write_all(struct kv_test *t, const struct hf_kv_lock *lock, bool accepted)
{
	const struct hf_kv_fence fence = {lock->name, lock->owner, lock->fence};
	const struct hf_kv_put put = {.how.fence = &fence};
	const struct hf_kv_how how = {.fence = &fence};
	const struct hf_kv_write writes[] = {{.op = HF_KV_PUT, .key = B("b"), .value = B("2")},
	                                     {.op = HF_KV_ADD, .key = B("n"), .delta = 1},
	                                     {.op = HF_KV_DELETE, .key = B("a")}};
	const struct hf_bytes keys[] = {B("c"), B("d")}, values[] = {B("3"), B("4")};
	enum hf_status want = accepted ? HF_OK : HF_CONFLICT;
	WANT(hf_kv_put(t->kv, B("a"), B("1"), &put, &t->err), want);
	if (!accepted)
		WANT_TRUE(strstr(t->err.message, "fenced") != NULL);
	WANT(hf_kv_delete(t->kv, B("old"), &how, NULL, &t->err), want);
	WANT(hf_kv_apply(t->kv, writes, ARRAY_LEN(writes), &how, t->arena, NULL, &t->err), want);
	WANT(hf_kv_put_many(t->kv, keys, values, 2, &how, &t->err), want);
	WANT(hf_kv_touch(t->kv, B("old"), HOUR, &how, &t->err), accepted ? HF_NOT_FOUND : HF_CONFLICT);
}

static void refused_all(struct kv_test *t, const struct hf_kv_lock *lock)
{
	const struct hf_kv_fence fence = {lock->name, lock->owner, lock->fence};
	const struct hf_kv_how how = {.fence = &fence};
	uint64_t live = kv_live(t), removed = 77;
	struct hf_kv_entry before = kv_look(t, B("old"), B("o"), NULL, 0);
	write_all(t, lock, false);
	WANT(hf_kv_clear(t->kv, &how, &removed, &t->err), HF_CONFLICT);
	WANT_TRUE(strstr(t->err.message, "fenced") != NULL);
	WANT_INT(kv_look(t, B("old"), B("o"), NULL, 0).rev, before.rev);
	WANT_INT(kv_live(t), live);
}

static void fenced_accepted(struct kv_test *t)
{
	uint64_t removed = 0;
	if (!can(t))
		return;
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	kv_put(t, B("old"), B("o"), 0);
	write_all(t, &mine, true);
	kv_look_gone(t, B("old"));
	kv_look_gone(t, B("a"));
	kv_look(t, B("b"), B("2"), NULL, 0);
	kv_look(t, B("n"), B("1"), NULL, 0);
	kv_look(t, B("d"), B("4"), NULL, 0);
	struct hf_kv_fence fence = {mine.name, mine.owner, mine.fence};
	const struct hf_kv_how how = {.fence = &fence};
	WANT_OK(hf_kv_clear(t->kv, &how, &removed, &t->err));
	WANT_INT(removed, 4);
	WANT_INT(kv_live(t), 0);
}

static void fenced_refused(struct kv_test *t)
{
	if (!can(t))
		return;
	kv_put(t, B("old"), B("o"), 0);
	struct hf_kv_lock mine = take(t, "job", "me", HOUR);
	struct hf_kv_lock foreign = mine, older = mine, newer = mine, unknown = mine;
	foreign.owner = HF_STR("you");
	older.fence--;
	newer.fence++;
	unknown.name = HF_STR("no job");
	refused_all(t, &foreign);
	refused_all(t, &older);
	refused_all(t, &newer);
	refused_all(t, &unknown);
	WANT_OK(hf_kv_lock_release(t->kv, &mine, &t->err));
	refused_all(t, &mine);
}

/* A holder that slept past its lease: what it writes then is not kept, whoever holds the lock now. */
static void paused_holder(struct kv_test *t)
{
	if (!can(t))
		return;
	kv_put(t, B("old"), B("o"), 0);
	struct hf_kv_lock paused = take(t, "job", "me", MOMENT);
	kv_rig_pass(t->rig, MOMENT);
	refused_all(t, &paused);
	struct hf_kv_lock yours = take(t, "job", "you", HOUR);
	refused_all(t, &paused);
	WANT_OK(hf_kv_lock_release(t->kv, &yours, &t->err));
	struct hf_kv_lock back = take(t, "job", "me", HOUR);
	refused_all(t, &paused);
	write_all(t, &back, true);
}

/* ---- where there are none ---- */

static void refused_by_name(struct kv_test *t)
{
	struct hf_kv_lock lock = {.name = HF_STR("job"), .owner = HF_STR("me"), .fence = 1}, *locks;
	hf_kv_hold *hold;
	size_t count;
	if (can(t))
		return;
	WANT(hf_kv_lock_try(t->kv, "job", "me", HOUR, t->arena, &lock, &t->err), HF_E_UNSUPPORTED);
	WANT_TRUE(strstr(t->err.message, t->rig->kind) != NULL);
	WANT(hf_kv_lock_acquire(t->kv, "job", "me", HOUR, 0, t->arena, &lock, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_lock_renew(t->kv, &lock, HOUR, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_lock_release(t->kv, &lock, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_lock_show(t->kv, "job", t->arena, &lock, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_lock_list(t->kv, t->arena, &locks, &count, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_hold_start(t->kv, "job", "me", HOUR, 0, NULL, NULL, &hold, &t->err), HF_E_UNSUPPORTED);
}

const struct kv_case kv_cases_lock[] = {
	{.name = "a lock has one holder, whose own second taking keeps the fence", .run = one_holder},
	{.name = "a lease that is over goes to another, with a higher fence", .run = lapse},
	{.name = "a lease that is over is lost, also when nobody came", .run = lapse_alone},
	{.name = "what is released can be taken, by its holder alone", .run = release},
	{.name = "a renewal prolongs the holder's lease alone", .run = renew},
	{.name = "a renewal of what was lost is refused", .run = renew_lost},
	{.name = "locks are listed by name and shown", .run = list_and_show},
	{.name = "locks of namespaces are apart", .run = namespaces_apart},
	{.name = "clear and sweep leave locks", .run = clear_leaves_locks},
	{.name = "an owner that is not given is random", .run = random_owners},
	{.name = "names, owners and leases of locks have bounds", .run = words},
	{.name = "waiting for a lock ends with its deadline or the lock", .run = waiting},
	{.name = "a hold keeps the lock and gives it back", .run = held},
	{.name = "writes with the fence that is held happen", .run = fenced_accepted},
	{.name = "writes with any other fence do not", .run = fenced_refused},
	{.name = "a paused holder writes nothing", .run = paused_holder},
	{.name = "locks are refused by name where there are none", .run = refused_by_name},
	{0},
};
