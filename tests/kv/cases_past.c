/*
 * cases_past.c - conformance: what was is read as of a checkpoint, restored, and compared.
 */
#include "base/str.h"
#include "point_steps.h"

static void read_at(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("c"), B("a"), B("d"), B("a"), B("none")};
	struct hf_kv_entry entries[ARRAY_LEN(keys)];
	struct hf_kv_read lean = {.keys_only = true};
	Point first, second;
	if (!point_can(t))
		return;
	three_states(t, &first, &second);
	int64_t now = kv_look(t, B("a"), B("2"), NULL, 0).rev;
	WANT_OK(hf_kv_get_many_at(t->kv, &first.id, keys, ARRAY_LEN(keys), NULL, t->arena, entries, &t->err));
	WANT_BYTES(entries[0].value, B("1"));
	WANT_BYTES(entries[1].value, B("1"));
	WANT_TRUE(entries[1].rev > 0 && entries[1].rev < now);
	WANT_INT(entries[2].rev, 0);
	WANT_BYTES(entries[3].value, B("1"));
	WANT_INT(entries[4].rev, 0);
	WANT_OK(hf_kv_get_many_at(t->kv, &second.id, keys, ARRAY_LEN(keys), NULL, t->arena, entries, &t->err));
	WANT_INT(entries[0].rev, 0);
	WANT_INT(entries[1].rev, now);
	WANT_BYTES(entries[2].value, B("2"));
	WANT_OK(hf_kv_get_many_at(t->kv, &second.id, keys, ARRAY_LEN(keys), &lean, t->arena, entries, &t->err));
	WANT_INT(entries[1].rev, now);
	WANT_INT(entries[1].value.len, 0);
	lean = (struct hf_kv_read){.value_only = true};
	WANT_OK(hf_kv_get_many_at(t->kv, &second.id, keys, ARRAY_LEN(keys), &lean, t->arena, entries, &t->err));
	WANT_BYTES(entries[1].value, B("2"));
	WANT_TRUE(entries[1].rev == 0 && !entries[0].value.ptr);
	lean.keys_only = true;
	WANT(hf_kv_get_many_at(t->kv, &second.id, keys, 1, &lean, t->arena, entries, &t->err), HF_E_USAGE);
}

static void scans_at(struct kv_test *t)
{
	struct hf_kv_range prefix = {.prefix = B("a/")}, back = {.reverse = true}, two = {.limit = 2};
	struct hf_kv_range last = {.prefix = B("a/"), .reverse = true, .limit = 1};
	struct hf_kv_range cut = {.from = B("a/2"), .to = B("c")}, page = {.after = B("a/1"), .limit = 2};
	struct hf_kv_range lean = {.prefix = B("a/"), .how.keys_only = true}, bare = {.prefix = B("a/"), .bare = true};
	if (!point_can(t))
		return;
	text_put(t, "a", "0"), text_put(t, "a/1", "1"), text_put(t, "a/2", "2"), text_put(t, "b", "3"),
		text_put(t, "c", "4");
	Point point = point_make(t);
	text_del(t, "a/1"), text_del(t, "b"), text_put(t, "a/2", "x"), text_put(t, "a/3", "x"), text_put(t, "z", "x");
	point_scan(t, &point, NULL, "a=0 a/1=1 a/2=2 b=3 c=4");
	point_scan(t, &point, &prefix, "a/1=1 a/2=2");
	point_scan(t, &point, &back, "c=4 b=3 a/2=2 a/1=1 a=0");
	point_scan(t, &point, &two, "a=0 a/1=1");
	point_scan(t, &point, &last, "a/2=2");
	point_scan(t, &point, &cut, "a/2=2 b=3");
	point_scan(t, &point, &page, "a/2=2 b=3");
	point_scan(t, &point, &lean, "a/1 a/2");
	point_scan(t, &point, &bare, "-a/1 -a/2"); /* no revision, no times */
	now_scan(t, "a=0 a/2=x a/3=x c=4 z=x");
}

/* What was written and deleted, and cleared, is there as it was. */
static void cleared(struct kv_test *t)
{
	uint64_t removed = 0;
	if (!point_can(t))
		return;
	text_put(t, "a", "1"), text_put(t, "b", "2");
	Point point = point_make(t);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 2);
	text_put(t, "c", "3");
	point_scan(t, &point, NULL, "a=1 b=2");
	struct hf_kv_restored restored = point_restore(t, &point.id);
	WANT_INT(restored.put, 2);
	WANT_INT(restored.deleted, 1);
	now_scan(t, "a=1 b=2");
}

/* Nothing was ever written when it is made and when all is cleared: what comes behind is not in it. */
static void cleared_when_empty(struct kv_test *t)
{
	uint64_t removed = 99;
	if (!point_can(t))
		return;
	Point nothing = point_make(t);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 0);
	text_put(t, "a", "1");
	point_scan(t, &nothing, NULL, "");
	Point one = point_make(t);
	WANT_TRUE(one.epoch > nothing.epoch);
	WANT_INT(point_restore(t, &nothing.id).deleted, 1);
	now_scan(t, "");
	point_scan(t, &one, NULL, "a=1");
}

static void restore_keeps(struct kv_test *t)
{
	struct hf_kv_put how = {.ttl_us = SECONDS(600), .metadata = HF_STR("{\"by\":\"me\"}")};
	if (!point_can(t))
		return;
	WANT_OK(hf_kv_put(t->kv, B("k"), B("v"), &how, &t->err));
	text_put(t, "same", "s");
	struct hf_kv_entry before = kv_look(t, B("k"), B("v"), "{\"by\":\"me\"}", SECONDS(600));
	struct hf_kv_entry same = kv_look(t, B("same"), B("s"), NULL, 0);
	Point point = point_make(t);
	kv_rig_pass(t->rig, KV_SECOND_US / 50);
	text_del(t, "k"), text_put(t, "k", "other"), text_put(t, "new", "n");
	int64_t rev = kv_look(t, B("k"), B("other"), NULL, 0).rev;
	struct hf_kv_restored restored = point_restore(t, &point.id);
	WANT_INT(restored.put, 1);
	WANT_INT(restored.deleted, 1);
	struct hf_kv_entry after = kv_look(t, B("k"), B("v"), "{\"by\":\"me\"}", SECONDS(600));
	WANT_INT(after.created_us, before.created_us);
	WANT_INT(after.expires_us, before.expires_us);
	WANT_TRUE(after.rev > rev);
	WANT_INT(kv_look(t, B("same"), B("s"), NULL, 0).rev, same.rev);
	kv_look_gone(t, B("new"));
	WANT_INT(kv_live(t), 2);
}

static void restore_twice(struct kv_test *t)
{
	Point first, second;
	if (!point_can(t))
		return;
	three_states(t, &first, &second);
	point_restore(t, &first.id);
	now_scan(t, "a=1 b=1 c=1");
	point_restore(t, &first.id);
	now_scan(t, "a=1 b=1 c=1");
	text_put(t, "a", "9"), text_put(t, "f", "9");
	point_restore(t, &first.id);
	now_scan(t, "a=1 b=1 c=1");
	point_restore(t, &second.id);
	now_scan(t, "a=2 b=1 d=2");
	point_scan(t, &first, NULL, "a=1 b=1 c=1");
	point_restore(t, &first.id);
	now_scan(t, "a=1 b=1 c=1");
	point_scan(t, &second, NULL, "a=2 b=1 d=2");
}

static void undone(struct kv_test *t)
{
	Point first, second, shown;
	if (!point_can(t))
		return;
	three_states(t, &first, &second);
	struct hf_kv_restored one = point_restore(t, &first.id);
	WANT_OK(hf_kv_checkpoint_show(t->kv, &one.undo, t->arena, &shown, &t->err));
	WANT_TRUE(str_eq(shown.name, HF_STR("before a restore")));
	struct hf_kv_restored back = point_restore(t, &one.undo);
	now_scan(t, "a=2 d=3 e=3");
	point_restore(t, &back.undo);
	now_scan(t, "a=1 b=1 c=1");
}

static void not_undone(struct kv_test *t)
{
	struct hf_kv_restore how = {.no_undo = true};
	const struct hf_uuid zero = {{0}};
	struct hf_kv_restored restored;
	Point first, second, *points;
	size_t count = 99;
	if (!point_can(t))
		return;
	three_states(t, &first, &second);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &first.id, &how, &restored, &t->err));
	WANT_TRUE(memcmp(&restored.undo, &zero, sizeof(zero)) == 0);
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 2);
	now_scan(t, "a=1 b=1 c=1");
	point_scan(t, &second, NULL, "a=2 b=1 d=2");
}

static void delete_one(struct kv_test *t, size_t which)
{
	static const char *const states[] = {"a=1 b=1 c=1", "a=2 b=1 d=2", "a=2 d=3 e=3"};
	Point points[3];
	three_states(t, &points[0], &points[1]);
	points[2] = point_make(t);
	text_put(t, "a", "4"), text_del(t, "d"), text_put(t, "c", "4");
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &points[which].id, &t->err));
	WANT(hf_kv_checkpoint_delete(t->kv, &points[which].id, &t->err), HF_NOT_FOUND);
	for (size_t i = 0; i < 3; i++)
		if (i != which)
			point_scan(t, &points[i], NULL, states[i]);
	for (size_t i = 0; i < 3; i++)
		if (i != which) {
			point_restore(t, &points[i].id);
			now_scan(t, states[i]);
		}
}

static void delete_keeps_others(struct kv_test *t)
{
	if (!point_can(t))
		return;
	for (size_t which = 0; which < 3; which++) {
		WANT_OK(hf_kv_clear(t->kv, NULL, NULL, &t->err));
		delete_one(t, which);
	}
}

static void expired_apart(struct kv_test *t)
{
	if (!point_can(t))
		return;
	kv_put(t, B("gone"), B("1"), SECONDS(1) / 50);
	kv_put(t, B("soon"), B("2"), SECONDS(3600));
	text_put(t, "stays", "3");
	kv_rig_pass(t->rig, SECONDS(1) / 50);
	Point point = point_make(t);
	WANT_INT(point.row_count, 2);
	WANT_INT(point.data_size, 11);
	point_scan(t, &point, NULL, "soon=2 stays=3");
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err));
	point_scan(t, &point, NULL, "soon=2 stays=3");
	text_del(t, "soon"), text_del(t, "stays");
	if (!t->rig->own_clock)
		return;
	kv_rig_pass(t->rig, SECONDS(3600)); /* expiries are absolute */
	point_scan(t, &point, NULL, "stays=3");
	point_restore(t, &point.id);
	now_scan(t, "stays=3");
}

static void differences(struct kv_test *t)
{
	Point first, second;
	if (!point_can(t))
		return;
	three_states(t, &first, &second);
	point_diff(t, &first, &second, "a=2 -c d=2");
	point_diff(t, &second, &first, "a=1 c=1 -d");
	point_diff(t, &second, NULL, "-b d=3 e=3");
	point_diff(t, &first, NULL, "a=2 -b -c d=3 e=3");
	point_diff(t, &first, &first, "");
	Point now = point_make(t);
	point_diff(t, &now, NULL, "");
	point_diff(t, &second, &now, "-b d=3 e=3");
	point_restore(t, &first.id);
	point_diff(t, &first, NULL, "a=1 b=1 c=1"); /* what was written is told, although it is the same again */
}

static enum hf_status stop(void *user, UNUSED const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	++*(int *)user;
	return HF_STOP;
}

static void stopped(struct kv_test *t)
{
	Point first, second;
	int told = 0;
	if (!point_can(t))
		return;
	three_states(t, &first, &second);
	WANT_OK(hf_kv_scan_at(t->kv, &first.id, NULL, stop, &told, &t->err));
	WANT_OK(hf_kv_checkpoint_diff(t->kv, &first.id, NULL, stop, &told, &t->err));
	WANT_INT(told, 2);
}

const struct kv_case kv_cases_past[] = {
	{.name = "keys are read as of a checkpoint", .run = read_at},
	{.name = "ranges are scanned as of a checkpoint", .run = scans_at},
	{.name = "what was cleared is in a checkpoint", .run = cleared},
	{.name = "a namespace that was cleared when it was empty keeps its checkpoints", .run = cleared_when_empty},
	{.name = "a restore brings back expiry, metadata and creation", .run = restore_keeps},
	{.name = "a checkpoint is restored as often as one likes", .run = restore_twice},
	{.name = "a restore is undone, and its undoing", .run = undone},
	{.name = "a restore makes no way back where none is wanted", .run = not_undone},
	{.name = "the other checkpoints stay when one is deleted", .run = delete_keeps_others},
	{.name = "what expired is not in a checkpoint", .run = expired_apart},
	{.name = "differences of checkpoints, both ways and to now", .run = differences},
	{.name = "a callback stops a scan of a checkpoint and a difference", .run = stopped},
	{0},
};
