/*
 * cases_checkpoint.c - conformance: checkpoints are read, restored, compared, kept and forgotten.
 */
#include "base/str.h"
#include "holdfast/kv_checkpoint.h"
#include "kv/store.h"
#include "steps.h"

#include <stdio.h>

typedef struct hf_kv_checkpoint Point;

static bool can(const struct kv_test *t)
{
	return hf_kv_capabilities(t->kv) & HF_KV_CAN_CHECKPOINT;
}

static Point point_of(struct kv_test *t, const struct hf_kv_checkpoint_new *how)
{
	Point point = {.epoch = -1};
	WANT_OK(hf_kv_checkpoint_create(t->kv, how, t->arena, &point, &t->err));
	WANT_INT(point.counted, !(how && how->uncounted));
	return point;
}

static Point make(struct kv_test *t)
{
	return point_of(t, NULL);
}

static struct hf_kv_restored restore(struct kv_test *t, const struct hf_uuid *id)
{
	struct hf_kv_restored restored = {.put = 99, .deleted = 99};
	WANT_OK(hf_kv_checkpoint_restore(t->kv, id, NULL, &restored, &t->err));
	return restored;
}

/* ---- what a scan or a comparison tells, as text: "a=1 b=2 -c" ---- */

struct told {
	char text[300];
	size_t len;
};

static enum hf_status tell(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct told *told = user;
	bool gone = entry->rev == 0;
	int n = snprintf(told->text + told->len, sizeof(told->text) - told->len, "%s%s%.*s%s%.*s", told->len ? " " : "",
	                 gone ? "-" : "", (int)entry->key.len, (const char *)entry->key.ptr,
	                 entry->value.len ? "=" : "", (int)entry->value.len, (const char *)entry->value.ptr);
	told->len += (size_t)n;
	assert_true(told->len < sizeof(told->text));
	return HF_OK;
}

static void want_text(struct kv_test *t, const char *what, const struct told *told, const char *want)
{
	if (strcmp(told->text, want) != 0)
		kv_wrong(t, "%s: expected \"%s\", got \"%s\"", what, want, told->text);
}

static void scan_at(struct kv_test *t, const Point *point, const struct hf_kv_range *range, const char *want)
{
	struct told told = {0};
	WANT_OK(hf_kv_scan_at(t->kv, &point->id, range, tell, &told, &t->err));
	want_text(t, "scan at a checkpoint", &told, want);
}

static void scan_now(struct kv_test *t, const char *want)
{
	struct told told = {0};
	WANT_OK(hf_kv_scan(t->kv, NULL, tell, &told, &t->err));
	want_text(t, "scan", &told, want);
}

static void diff(struct kv_test *t, const Point *from, const Point *to, const char *want)
{
	struct told told = {0};
	WANT_OK(hf_kv_checkpoint_diff(t->kv, &from->id, to ? &to->id : NULL, tell, &told, &t->err));
	want_text(t, "difference", &told, want);
}

static void put(struct kv_test *t, const char *key, const char *value)
{
	kv_put(t, hf_kv_text(key), hf_kv_text(value), 0);
}

static void del(struct kv_test *t, const char *key)
{
	bool existed = false;
	WANT_OK(hf_kv_delete(t->kv, hf_kv_text(key), NULL, &existed, &t->err));
	WANT_TRUE(existed);
}

/* Three states: "a=1 b=1 c=1", "a=2 b=1 d=2", and "a=2 d=3 e=3" now. */
static void three_states(struct kv_test *t, Point *ret_first, Point *ret_second)
{
	put(t, "a", "1"), put(t, "b", "1"), put(t, "c", "1");
	*ret_first = make(t);
	put(t, "a", "2"), del(t, "c"), put(t, "d", "2");
	*ret_second = make(t);
	del(t, "b"), put(t, "d", "3"), put(t, "e", "3");
}

/* ---- cases ---- */

static void counts(struct kv_test *t)
{
	struct hf_kv_checkpoint_new how = {.name = "night", .metadata = HF_STR("{\"b\": 1, \"a\": 2}"), .pinned = true};
	if (!can(t))
		return;
	Point nothing = make(t);
	WANT_INT(nothing.row_count, 0);
	WANT_INT(nothing.data_size, 0);
	WANT_TRUE(!nothing.name.ptr && !nothing.metadata.ptr && !nothing.pinned);
	put(t, "ab", "123");
	kv_put(t, B("\0"), B(""), 0);
	Point point = point_of(t, &how);
	WANT_INT(point.row_count, 2);
	WANT_INT(point.data_size, 6);
	WANT_TRUE(str_eq(point.name, HF_STR("night")));
	WANT_TRUE(str_eq(point.metadata, HF_STR("{\"a\":2,\"b\":1}")));
	WANT_TRUE(point.pinned && point.epoch > nothing.epoch);
	WANT_TRUE(memcmp(&point.id, &nothing.id, sizeof(point.id)) != 0);
	Point shown;
	WANT_OK(hf_kv_checkpoint_show(t->kv, &point.id, t->arena, &shown, &t->err));
	WANT_INT(shown.row_count, 2);
	WANT_INT(shown.data_size, 6);
	WANT_INT(shown.created_us, point.created_us);
	WANT_TRUE(str_eq(shown.name, point.name) && str_eq(shown.metadata, point.metadata) && shown.pinned);
}

static void counted_later(struct kv_test *t)
{
	struct hf_kv_checkpoint_new how = {.uncounted = true};
	Point counted, shown;
	if (!can(t))
		return;
	put(t, "a", "123");
	Point point = point_of(t, &how);
	put(t, "b", "123");
	WANT_OK(hf_kv_checkpoint_count(t->kv, &point.id, t->arena, &counted, &t->err));
	WANT_INT(counted.counted, true);
	WANT_INT(counted.row_count, 1);
	WANT_INT(counted.data_size, 4);
	WANT_OK(hf_kv_checkpoint_show(t->kv, &point.id, t->arena, &shown, &t->err));
	WANT_INT(shown.counted, true);
	WANT_INT(shown.data_size, 4);
}

/* Whoever counts read the row before it was pinned. */
static void counted_while_pinned(struct kv_test *t)
{
	struct hf_kv_checkpoint_new how = {.uncounted = true};
	Point shown;
	if (!can(t))
		return;
	put(t, "a", "123");
	Point point = point_of(t, &how), counted = point;
	counted.counted = true;
	counted.row_count = 1;
	counted.data_size = 4;
	WANT_OK(hf_kv_checkpoint_pin(t->kv, &point.id, true, &t->err));
	WANT_OK(kv_vtable(t->kv)->point_update(t->kv->backend->state, t->kv->ns, &counted, INT64_MAX, &t->err));
	WANT_OK(hf_kv_checkpoint_show(t->kv, &point.id, t->arena, &shown, &t->err));
	WANT_TRUE(shown.pinned && shown.counted);
	point.pinned = false; /* read before it was counted */
	WANT_OK(kv_vtable(t->kv)->point_update(t->kv->backend->state, t->kv->ns, &point, INT64_MAX, &t->err));
	WANT_OK(hf_kv_checkpoint_show(t->kv, &point.id, t->arena, &shown, &t->err));
	WANT_TRUE(!shown.pinned && shown.counted);
	WANT_INT(shown.row_count, 1);
	WANT_INT(shown.data_size, 4);
}

static void misdescribed(struct kv_test *t)
{
	char longest[HF_KV_NAMESPACE_BYTES + 2];
	struct hf_kv_checkpoint_new wrong[] = {{.name = longest}, {.name = "\xff"}, {.metadata = HF_STR("{")}};
	Point *points = NULL, point;
	size_t count = 99;
	if (!can(t))
		return;
	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		WANT(hf_kv_checkpoint_create(t->kv, &wrong[i], t->arena, &point, &t->err), HF_E_USAGE);
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 0);
	longest[HF_KV_NAMESPACE_BYTES] = '\0';
	WANT_INT(point_of(t, &wrong[0]).name.len, HF_KV_NAMESPACE_BYTES);
}

/* A copy is read, compared and restored like any other, beside others. */
static void kinds(struct kv_test *t)
{
	const struct hf_kv_checkpoint_new copy = {.kind = HF_KV_SNAPSHOT},
					  none = {.kind = (enum hf_kv_checkpoint_kind)9};
	Point first, point, second;
	if (!can(t))
		return;
	WANT(hf_kv_checkpoint_create(t->kv, &none, t->arena, &point, &t->err), HF_E_USAGE);
	three_states(t, &first, &second);
	WANT_TRUE(first.kind == HF_KV_EPOCH || first.kind == HF_KV_SNAPSHOT);
	if (!(hf_kv_capabilities(t->kv) & HF_KV_CAN_SNAPSHOT)) {
		WANT_INT(first.kind, HF_KV_EPOCH);
		WANT(hf_kv_checkpoint_create(t->kv, &copy, t->arena, &point, &t->err), HF_E_UNSUPPORTED);
		return;
	}
	point = point_of(t, &copy);
	WANT_INT(point.kind, HF_KV_SNAPSHOT);
	WANT_INT(point.row_count, 3);
	diff(t, &point, NULL, "");
	put(t, "a", "4"), del(t, "d"), put(t, "f", "4");
	Point last = make(t);
	put(t, "a", "5");
	scan_at(t, &point, NULL, "a=2 d=3 e=3");
	diff(t, &first, &point, "a=2 -b -c d=3 e=3");
	diff(t, &point, &second, "b=1 d=2 -e");
	diff(t, &point, NULL, "a=5 -d f=4");
	struct hf_kv_restored restored = restore(t, &point.id);
	WANT_INT(restored.put, 2);
	WANT_INT(restored.deleted, 1);
	scan_now(t, "a=2 d=3 e=3");
	scan_at(t, &first, NULL, "a=1 b=1 c=1");
	scan_at(t, &second, NULL, "a=2 b=1 d=2");
	scan_at(t, &last, NULL, "a=4 e=3 f=4");
	restore(t, &restored.undo);
	scan_now(t, "a=5 e=3 f=4");
	restore(t, &second.id);
	scan_now(t, "a=2 b=1 d=2");
	scan_at(t, &point, NULL, "a=2 d=3 e=3");
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &point.id, &t->err));
	WANT(hf_kv_checkpoint_restore(t->kv, &point.id, NULL, NULL, &t->err), HF_NOT_FOUND);
	scan_at(t, &last, NULL, "a=4 e=3 f=4");
}

static void read_at(struct kv_test *t)
{
	const struct hf_bytes keys[] = {B("c"), B("a"), B("d"), B("a"), B("none")};
	struct hf_kv_entry entries[ARRAY_LEN(keys)];
	struct hf_kv_read lean = {.keys_only = true};
	Point first, second;
	if (!can(t))
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
}

static void scans_at(struct kv_test *t)
{
	struct hf_kv_range prefix = {.prefix = B("a/")}, back = {.reverse = true}, two = {.limit = 2};
	struct hf_kv_range last = {.prefix = B("a/"), .reverse = true, .limit = 1};
	struct hf_kv_range cut = {.from = B("a/2"), .to = B("c")}, page = {.after = B("a/1"), .limit = 2};
	struct hf_kv_range lean = {.prefix = B("a/"), .how.keys_only = true};
	if (!can(t))
		return;
	put(t, "a", "0"), put(t, "a/1", "1"), put(t, "a/2", "2"), put(t, "b", "3"), put(t, "c", "4");
	Point point = make(t);
	del(t, "a/1"), del(t, "b"), put(t, "a/2", "x"), put(t, "a/3", "x"), put(t, "z", "x");
	scan_at(t, &point, NULL, "a=0 a/1=1 a/2=2 b=3 c=4");
	scan_at(t, &point, &prefix, "a/1=1 a/2=2");
	scan_at(t, &point, &back, "c=4 b=3 a/2=2 a/1=1 a=0");
	scan_at(t, &point, &two, "a=0 a/1=1");
	scan_at(t, &point, &last, "a/2=2");
	scan_at(t, &point, &cut, "a/2=2 b=3");
	scan_at(t, &point, &page, "a/2=2 b=3");
	scan_at(t, &point, &lean, "a/1 a/2");
	scan_now(t, "a=0 a/2=x a/3=x c=4 z=x");
}

/* What was written and deleted, and cleared, is there as it was. */
static void cleared(struct kv_test *t)
{
	uint64_t removed = 0;
	if (!can(t))
		return;
	put(t, "a", "1"), put(t, "b", "2");
	Point point = make(t);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 2);
	put(t, "c", "3");
	scan_at(t, &point, NULL, "a=1 b=2");
	struct hf_kv_restored restored = restore(t, &point.id);
	WANT_INT(restored.put, 2);
	WANT_INT(restored.deleted, 1);
	scan_now(t, "a=1 b=2");
}

/* Nothing was ever written when it is made and when all is cleared: what comes behind is not in it. */
static void cleared_when_empty(struct kv_test *t)
{
	uint64_t removed = 99;
	if (!can(t))
		return;
	Point nothing = make(t);
	WANT_OK(hf_kv_clear(t->kv, NULL, &removed, &t->err));
	WANT_INT(removed, 0);
	put(t, "a", "1");
	scan_at(t, &nothing, NULL, "");
	Point one = make(t);
	WANT_TRUE(one.epoch > nothing.epoch);
	WANT_INT(restore(t, &nothing.id).deleted, 1);
	scan_now(t, "");
	scan_at(t, &one, NULL, "a=1");
}

static bool same_digest(const Point *a, const Point *b)
{
	return memcmp(&a->digest, &b->digest, sizeof(a->digest)) == 0;
}

/* Pinned: every backend says the same. */
static void digested(struct kv_test *t)
{
	static const uint8_t a_is_1[] = {0x1c, 0xe3, 0x63, 0x62, 0x94, 0x70, 0xde, 0x71};
	Point again, shown;
	if (!can(t))
		return;
	put(t, "a", "1");
	Point one = make(t);
	WANT_TRUE(memcmp(one.digest.bytes, a_is_1, sizeof(a_is_1)) == 0);
	put(t, "b", "2");
	Point two = make(t);
	WANT_TRUE(!same_digest(&one, &two));
	del(t, "a"), del(t, "b"), put(t, "b", "2"), put(t, "a", "1");
	Point three = make(t);
	WANT_TRUE(same_digest(&two, &three));
	WANT_OK(hf_kv_checkpoint_verify(t->kv, &two.id, t->arena, &again, &t->err));
	WANT_TRUE(again.counted && same_digest(&again, &two));
	WANT_OK(hf_kv_checkpoint_pin(t->kv, &two.id, true, &t->err));
	WANT_OK(hf_kv_checkpoint_show(t->kv, &two.id, t->arena, &shown, &t->err));
	WANT_TRUE(same_digest(&shown, &two));
}

/* Counting again gives the same, though less of it is to be read. */
static void counted_as_of_then(struct kv_test *t)
{
	const struct hf_kv_checkpoint_new how = {.uncounted = true};
	struct hf_kv_checkpoint again;
	uint64_t removed = 0;
	if (!can(t))
		return;
	put(t, "a", "1");
	kv_put(t, B("gone"), B("2"), SECONDS(2));
	Point late = point_of(t, &how), point = make(t);
	if (point.row_count == 1 && !t->rig->own_clock)
		return; /* two seconds went by in between */
	WANT_INT(point.row_count, 2);
	kv_rig_pass(t->rig, SECONDS(2));
	scan_at(t, &point, NULL, "a=1");
	WANT_OK(hf_kv_checkpoint_verify(t->kv, &point.id, t->arena, &again, &t->err));
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err));
	WANT_OK(hf_kv_checkpoint_verify(t->kv, &point.id, t->arena, &again, &t->err));
	WANT_OK(hf_kv_checkpoint_count(t->kv, &late.id, t->arena, &again, &t->err));
	WANT_TRUE(again.row_count == 2 && same_digest(&again, &point));
}

static void restore_keeps(struct kv_test *t)
{
	struct hf_kv_put how = {.ttl_us = SECONDS(600), .metadata = HF_STR("{\"by\":\"me\"}")};
	if (!can(t))
		return;
	WANT_OK(hf_kv_put(t->kv, B("k"), B("v"), &how, &t->err));
	put(t, "same", "s");
	struct hf_kv_entry before = kv_look(t, B("k"), B("v"), "{\"by\":\"me\"}", SECONDS(600));
	struct hf_kv_entry same = kv_look(t, B("same"), B("s"), NULL, 0);
	Point point = make(t);
	kv_rig_pass(t->rig, KV_SECOND_US / 50);
	del(t, "k"), put(t, "k", "other"), put(t, "new", "n");
	int64_t rev = kv_look(t, B("k"), B("other"), NULL, 0).rev;
	struct hf_kv_restored restored = restore(t, &point.id);
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
	if (!can(t))
		return;
	three_states(t, &first, &second);
	restore(t, &first.id);
	scan_now(t, "a=1 b=1 c=1");
	restore(t, &first.id);
	scan_now(t, "a=1 b=1 c=1");
	put(t, "a", "9"), put(t, "f", "9");
	restore(t, &first.id);
	scan_now(t, "a=1 b=1 c=1");
	restore(t, &second.id);
	scan_now(t, "a=2 b=1 d=2");
	scan_at(t, &first, NULL, "a=1 b=1 c=1");
	restore(t, &first.id);
	scan_now(t, "a=1 b=1 c=1");
	scan_at(t, &second, NULL, "a=2 b=1 d=2");
}

static void undone(struct kv_test *t)
{
	Point first, second, shown;
	if (!can(t))
		return;
	three_states(t, &first, &second);
	struct hf_kv_restored one = restore(t, &first.id);
	WANT_OK(hf_kv_checkpoint_show(t->kv, &one.undo, t->arena, &shown, &t->err));
	WANT_TRUE(str_eq(shown.name, HF_STR("before a restore")));
	struct hf_kv_restored back = restore(t, &one.undo);
	scan_now(t, "a=2 d=3 e=3");
	restore(t, &back.undo);
	scan_now(t, "a=1 b=1 c=1");
}

static void not_undone(struct kv_test *t)
{
	struct hf_kv_restore how = {.no_undo = true};
	const struct hf_uuid zero = {{0}};
	struct hf_kv_restored restored;
	Point first, second, *points;
	size_t count = 99;
	if (!can(t))
		return;
	three_states(t, &first, &second);
	WANT_OK(hf_kv_checkpoint_restore(t->kv, &first.id, &how, &restored, &t->err));
	WANT_TRUE(memcmp(&restored.undo, &zero, sizeof(zero)) == 0);
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 2);
	scan_now(t, "a=1 b=1 c=1");
	scan_at(t, &second, NULL, "a=2 b=1 d=2");
}

static void delete_one(struct kv_test *t, size_t which)
{
	static const char *const states[] = {"a=1 b=1 c=1", "a=2 b=1 d=2", "a=2 d=3 e=3"};
	Point points[3];
	three_states(t, &points[0], &points[1]);
	points[2] = make(t);
	put(t, "a", "4"), del(t, "d"), put(t, "c", "4");
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &points[which].id, &t->err));
	WANT(hf_kv_checkpoint_delete(t->kv, &points[which].id, &t->err), HF_NOT_FOUND);
	for (size_t i = 0; i < 3; i++)
		if (i != which)
			scan_at(t, &points[i], NULL, states[i]);
	for (size_t i = 0; i < 3; i++)
		if (i != which) {
			restore(t, &points[i].id);
			scan_now(t, states[i]);
		}
}

static void delete_keeps_others(struct kv_test *t)
{
	if (!can(t))
		return;
	for (size_t which = 0; which < 3; which++) {
		WANT_OK(hf_kv_clear(t->kv, NULL, NULL, &t->err));
		delete_one(t, which);
	}
}

static void expired_apart(struct kv_test *t)
{
	if (!can(t))
		return;
	kv_put(t, B("gone"), B("1"), SECONDS(1) / 50);
	kv_put(t, B("soon"), B("2"), SECONDS(3600));
	put(t, "stays", "3");
	kv_rig_pass(t->rig, SECONDS(1) / 50);
	Point point = make(t);
	WANT_INT(point.row_count, 2);
	WANT_INT(point.data_size, 11);
	scan_at(t, &point, NULL, "soon=2 stays=3");
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, NULL, &t->err));
	scan_at(t, &point, NULL, "soon=2 stays=3");
	del(t, "soon"), del(t, "stays");
	if (!t->rig->own_clock)
		return;
	kv_rig_pass(t->rig, SECONDS(3600)); /* expiries are absolute */
	scan_at(t, &point, NULL, "stays=3");
	restore(t, &point.id);
	scan_now(t, "stays=3");
}

static void differences(struct kv_test *t)
{
	Point first, second;
	if (!can(t))
		return;
	three_states(t, &first, &second);
	diff(t, &first, &second, "a=2 -c d=2");
	diff(t, &second, &first, "a=1 c=1 -d");
	diff(t, &second, NULL, "-b d=3 e=3");
	diff(t, &first, NULL, "a=2 -b -c d=3 e=3");
	diff(t, &first, &first, "");
	Point now = make(t);
	diff(t, &now, NULL, "");
	diff(t, &second, &now, "-b d=3 e=3");
	restore(t, &first.id);
	diff(t, &first, NULL, "a=1 b=1 c=1"); /* what was written is told, although it is the same again */
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
	if (!can(t))
		return;
	three_states(t, &first, &second);
	WANT_OK(hf_kv_scan_at(t->kv, &first.id, NULL, stop, &told, &t->err));
	WANT_OK(hf_kv_checkpoint_diff(t->kv, &first.id, NULL, stop, &told, &t->err));
	WANT_INT(told, 2);
}

/* Ids of what is left, the newest first: "dcba" by their names. */
static void listed(struct kv_test *t, const char *want)
{
	char names[20] = "";
	Point *points = NULL;
	size_t count = 99;
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_TRUE(count < sizeof(names));
	for (size_t i = 0; i < count; i++)
		names[i] = points[i].name.ptr[0];
	names[count] = '\0';
	if (strcmp(names, want) != 0)
		kv_wrong(t, "checkpoints: expected \"%s\", got \"%s\"", want, names);
}

static void prune(struct kv_test *t, size_t keep, int64_t older_than_us, size_t want)
{
	const struct hf_kv_prune what = {.keep = keep, .older_than_us = older_than_us};
	size_t deleted = 99;
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &what, &deleted, &t->err));
	WANT_INT(deleted, want);
}

static void pin_and_prune(struct kv_test *t)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	Point points[ARRAY_LEN(names)], shown;
	if (!can(t))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct hf_kv_checkpoint_new how = {.name = names[i], .pinned = i == 0};
		put(t, "k", names[i]);
		points[i] = point_of(t, &how);
	}
	listed(t, "edcba");
	prune(t, 5, 0, 0);
	prune(t, 0, SECONDS(3600), 0);
	WANT_OK(hf_kv_checkpoint_pin(t->kv, &points[1].id, true, &t->err));
	WANT_OK(hf_kv_checkpoint_show(t->kv, &points[1].id, t->arena, &shown, &t->err));
	WANT_TRUE(shown.pinned && str_eq(shown.name, HF_STR("b")));
	WANT_INT(shown.row_count, 1);
	prune(t, 2, 0, 1);
	listed(t, "edba");
	WANT_OK(hf_kv_checkpoint_pin(t->kv, &points[0].id, false, &t->err));
	kv_rig_pass(t->rig, KV_SECOND_US / 50);
	prune(t, 1, KV_SECOND_US / 100, 2);
	listed(t, "eb");
	prune(t, 0, 0, 1);
	listed(t, "b");
	scan_at(t, &points[1], NULL, "k=b");
}

static void undos_are_pruned(struct kv_test *t)
{
	const struct hf_kv_restore two = {.undos_kept = 2};
	struct hf_kv_restored last = {0}, kept = {0};
	Point *points, point;
	size_t count = 0;
	if (!can(t))
		return;
	put(t, "k", "1");
	point = make(t);
	for (int i = 0; i < 4; i++) {
		put(t, "k", "2");
		WANT_OK(hf_kv_checkpoint_restore(t->kv, &point.id, &two, &last, &t->err));
		if (i == 0) {
			kept = last;
			WANT_OK(hf_kv_checkpoint_pin(t->kv, &kept.undo, true, &t->err));
		}
	}
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 4); /* the newest two, the pinned one, and what is not of a restore */
	for (int i = 0; i < HF_KV_UNDOS_KEPT; i++)
		restore(t, &point.id);
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, HF_KV_UNDOS_KEPT + 2);
	scan_at(t, &point, NULL, "k=1");
	restore(t, &kept.undo);
	scan_now(t, "k=2");
}

static void pruned_by_bytes(struct kv_test *t)
{
	const struct hf_kv_prune much = {.bytes = UINT64_C(1) << 40}, little = {.bytes = 250};
	size_t deleted = 99;
	Point points[3];
	if (!can(t))
		return;
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		put(t, "k", i % 2 ? "1" : "2");
		points[i] = make(t);
	}
	put(t, "k", "3");
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &much, &deleted, &t->err));
	WANT_INT(deleted, 0);
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &little, &deleted, &t->err));
	WANT_INT(deleted, 1); /* about 105 bytes each */
	scan_at(t, &points[1], NULL, "k=1");
	scan_at(t, &points[2], NULL, "k=2");
}

enum { MANY_IMAGES = 1200 }; /* more than a step */

static void put_all(struct kv_test *t, const struct hf_bytes *keys)
{
	WANT_OK(hf_kv_put_many(t->kv, keys, keys, MANY_IMAGES, NULL, &t->err));
}

static void weighed_in_steps(struct kv_test *t)
{
	static char names[MANY_IMAGES][8];
	static struct hf_bytes keys[MANY_IMAGES];
	const struct hf_kv_prune fits = {.bytes = (uint64_t)2 * MANY_IMAGES * 125};
	const struct hf_kv_prune one = {.bytes = (uint64_t)2 * MANY_IMAGES * 105};
	size_t deleted = 99;
	if (!can(t))
		return;
	for (size_t i = 0; i < MANY_IMAGES; i++) {
		snprintf(names[i], sizeof(names[i]), "k%04zu", i);
		keys[i] = hf_kv_text(names[i]);
	}
	put_all(t, keys);
	make(t);
	put_all(t, keys);
	make(t);
	put_all(t, keys);
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &fits, &deleted, &t->err));
	WANT_INT(deleted, 0);
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &one, &deleted, &t->err));
	WANT_INT(deleted, 1);
}

/* Every call with an id that this namespace has not. */
static void unknown_to(struct kv_test *t, const struct hf_uuid *id)
{
	const struct hf_bytes key = B("a");
	struct hf_kv_restored restored;
	struct hf_kv_entry entry;
	struct told told = {0};
	Point own = make(t), point;
	WANT(hf_kv_checkpoint_show(t->kv, id, t->arena, &point, &t->err), HF_NOT_FOUND);
	WANT_TRUE(strstr(t->err.message, "no checkpoint ") != NULL);
	WANT(hf_kv_checkpoint_count(t->kv, id, t->arena, &point, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_delete(t->kv, id, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_pin(t->kv, id, true, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_restore(t->kv, id, NULL, &restored, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_get_many_at(t->kv, id, &key, 1, NULL, t->arena, &entry, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_scan_at(t->kv, id, NULL, tell, &told, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_diff(t->kv, id, NULL, tell, &told, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_diff(t->kv, id, &own.id, tell, &told, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_diff(t->kv, &own.id, id, tell, &told, &t->err), HF_NOT_FOUND);
	want_text(t, "of an unknown checkpoint", &told, "");
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &own.id, &t->err));
}

static void unknown_ids(struct kv_test *t)
{
	const struct hf_uuid zero = {{0}};
	Point *points = NULL;
	size_t count = 99;
	if (!can(t))
		return;
	put(t, "a", "1");
	Point point = make(t);
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &point.id, &t->err));
	unknown_to(t, &point.id);
	unknown_to(t, &zero);
	scan_now(t, "a=1");
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 0); /* a refused restore leaves no way back */
}

static void foreign_ids(struct kv_test *t)
{
	struct kv_test other = *t;
	if (!can(t))
		return;
	other.kv = kv_other(t, "checkpoints apart");
	put(t, "a", "1");
	put(&other, "b", "2");
	Point point = make(t);
	put(t, "a", "2");
	unknown_to(&other, &point.id);
	scan_now(&other, "b=2");
	restore(t, &point.id);
	scan_now(t, "a=1");
	scan_now(&other, "b=2");
	hf_kv_close(other.kv);
}

static void refused_by_name(struct kv_test *t)
{
	const struct hf_uuid id = {{1}};
	const struct hf_bytes key = B("a");
	const struct hf_kv_prune what = {0};
	struct hf_kv_restored restored;
	struct hf_kv_entry entry;
	struct told told = {0};
	Point point, *points;
	size_t count;
	if (can(t))
		return;
	WANT(hf_kv_checkpoint_create(t->kv, NULL, t->arena, &point, &t->err), HF_E_UNSUPPORTED);
	WANT_TRUE(strstr(t->err.message, t->rig->kind) != NULL);
	WANT(hf_kv_checkpoint_count(t->kv, &id, t->arena, &point, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_verify(t->kv, &id, t->arena, &point, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_show(t->kv, &id, t->arena, &point, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_delete(t->kv, &id, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_pin(t->kv, &id, true, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_prune(t->kv, &what, &count, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_restore(t->kv, &id, NULL, &restored, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_get_many_at(t->kv, &id, &key, 1, NULL, t->arena, &entry, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_scan_at(t->kv, &id, NULL, tell, &told, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_diff(t->kv, &id, NULL, tell, &told, &t->err), HF_E_UNSUPPORTED);
}

const struct kv_case kv_cases_checkpoint[] = {
	{.name = "a checkpoint has name, metadata, and counts rows and bytes", .run = counts},
	{.name = "a checkpoint is counted later", .run = counted_later},
	{.name = "a checkpoint that is pinned while it is counted stays both", .run = counted_while_pinned},
	{.name = "a checkpoint has a digest, which no order and no history changes", .run = digested},
	{.name = "a checkpoint counts what was live when it was made", .run = counted_as_of_then},
	{.name = "a checkpoint's wrong name or metadata are refused", .run = misdescribed},
	{.name = "keys are read as of a checkpoint", .run = read_at},
	{.name = "a checkpoint may be a copy", .run = kinds},
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
	{.name = "pruning deletes the oldest and leaves what is pinned", .run = pin_and_prune},
	{.name = "a restore prunes what others can be undone by", .run = undos_are_pruned},
	{.name = "pruning by bytes deletes the oldest", .run = pruned_by_bytes},
	{.name = "pruning by the bytes of many", .run = weighed_in_steps},
	{.name = "an id that is none, or none any more, is refused", .run = unknown_ids},
	{.name = "a checkpoint of another namespace is unknown", .run = foreign_ids},
	{.name = "checkpoints are refused by name where there are none", .run = refused_by_name},
	{0},
};
