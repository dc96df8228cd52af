/*
 * cases_checkpoint.c - conformance: checkpoints are made, counted, kept and forgotten.
 */
#include "base/str.h"
#include "kv/store.h"
#include "point_steps.h"

#include <stdio.h>

static void counts(struct kv_test *t)
{
	struct hf_kv_checkpoint_new how = {.name = "night", .metadata = HF_STR("{\"b\": 1, \"a\": 2}"), .pinned = true};
	if (!point_can(t))
		return;
	Point nothing = point_make(t);
	WANT_INT(nothing.row_count, 0);
	WANT_INT(nothing.data_size, 0);
	WANT_TRUE(!nothing.name.ptr && !nothing.metadata.ptr && !nothing.pinned);
	text_put(t, "ab", "123");
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
	if (!point_can(t))
		return;
	text_put(t, "a", "123");
	Point point = point_of(t, &how);
	text_put(t, "b", "123");
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
	if (!point_can(t))
		return;
	text_put(t, "a", "123");
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
	if (!point_can(t))
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
	if (!point_can(t))
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
	point_diff(t, &point, NULL, "");
	text_put(t, "a", "4"), text_del(t, "d"), text_put(t, "f", "4");
	Point last = point_make(t);
	text_put(t, "a", "5");
	point_scan(t, &point, NULL, "a=2 d=3 e=3");
	point_diff(t, &first, &point, "a=2 -b -c d=3 e=3");
	point_diff(t, &point, &second, "b=1 d=2 -e");
	point_diff(t, &point, NULL, "a=5 -d f=4");
	struct hf_kv_restored restored = point_restore(t, &point.id);
	WANT_INT(restored.put, 2);
	WANT_INT(restored.deleted, 1);
	now_scan(t, "a=2 d=3 e=3");
	point_scan(t, &first, NULL, "a=1 b=1 c=1");
	point_scan(t, &second, NULL, "a=2 b=1 d=2");
	point_scan(t, &last, NULL, "a=4 e=3 f=4");
	point_restore(t, &restored.undo);
	now_scan(t, "a=5 e=3 f=4");
	point_restore(t, &second.id);
	now_scan(t, "a=2 b=1 d=2");
	point_scan(t, &point, NULL, "a=2 d=3 e=3");
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &point.id, &t->err));
	WANT(hf_kv_checkpoint_restore(t->kv, &point.id, NULL, NULL, &t->err), HF_NOT_FOUND);
	point_scan(t, &last, NULL, "a=4 e=3 f=4");
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
	if (!point_can(t))
		return;
	text_put(t, "a", "1");
	Point one = point_make(t);
	WANT_TRUE(memcmp(one.digest.bytes, a_is_1, sizeof(a_is_1)) == 0);
	text_put(t, "b", "2");
	Point two = point_make(t);
	WANT_TRUE(!same_digest(&one, &two));
	text_del(t, "a"), text_del(t, "b"), text_put(t, "b", "2"), text_put(t, "a", "1");
	Point three = point_make(t);
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
	if (!point_can(t))
		return;
	text_put(t, "a", "1");
	kv_put(t, B("gone"), B("2"), SECONDS(2));
	Point late = point_of(t, &how), point = point_make(t);
	if (point.row_count == 1 && !t->rig->own_clock)
		return; /* two seconds went by in between */
	WANT_INT(point.row_count, 2);
	kv_rig_pass(t->rig, SECONDS(2));
	point_scan(t, &point, NULL, "a=1");
	WANT_OK(hf_kv_checkpoint_verify(t->kv, &point.id, t->arena, &again, &t->err));
	WANT_OK(hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err));
	WANT_OK(hf_kv_checkpoint_verify(t->kv, &point.id, t->arena, &again, &t->err));
	WANT_OK(hf_kv_checkpoint_count(t->kv, &late.id, t->arena, &again, &t->err));
	WANT_TRUE(again.row_count == 2 && same_digest(&again, &point));
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
	if (!point_can(t))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct hf_kv_checkpoint_new how = {.name = names[i], .pinned = i == 0};
		text_put(t, "k", names[i]);
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
	point_scan(t, &points[1], NULL, "k=b");
}

static void undos_are_pruned(struct kv_test *t)
{
	const struct hf_kv_restore two = {.undos_kept = 2};
	struct hf_kv_restored last = {0}, kept = {0};
	Point *points, point;
	size_t count = 0;
	if (!point_can(t))
		return;
	text_put(t, "k", "1");
	point = point_make(t);
	for (int i = 0; i < 4; i++) {
		text_put(t, "k", "2");
		WANT_OK(hf_kv_checkpoint_restore(t->kv, &point.id, &two, &last, &t->err));
		if (i == 0) {
			kept = last;
			WANT_OK(hf_kv_checkpoint_pin(t->kv, &kept.undo, true, &t->err));
		}
	}
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 4); /* the newest two, the pinned one, and what is not of a restore */
	for (int i = 0; i < HF_KV_UNDOS_KEPT; i++)
		point_restore(t, &point.id);
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, HF_KV_UNDOS_KEPT + 2);
	point_scan(t, &point, NULL, "k=1");
	point_restore(t, &kept.undo);
	now_scan(t, "k=2");
}

static void pruned_by_bytes(struct kv_test *t)
{
	const struct hf_kv_prune much = {.bytes = UINT64_C(1) << 40}, little = {.bytes = 250};
	size_t deleted = 99;
	Point points[3];
	if (!point_can(t))
		return;
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		text_put(t, "k", i % 2 ? "1" : "2");
		points[i] = point_make(t);
	}
	text_put(t, "k", "3");
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &much, &deleted, &t->err));
	WANT_INT(deleted, 0);
	WANT_OK(hf_kv_checkpoint_prune(t->kv, &little, &deleted, &t->err));
	WANT_INT(deleted, 1); /* about 105 bytes each */
	point_scan(t, &points[1], NULL, "k=1");
	point_scan(t, &points[2], NULL, "k=2");
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
	if (!point_can(t))
		return;
	for (size_t i = 0; i < MANY_IMAGES; i++) {
		snprintf(names[i], sizeof(names[i]), "k%04zu", i);
		keys[i] = hf_kv_text(names[i]);
	}
	put_all(t, keys);
	point_make(t);
	put_all(t, keys);
	point_make(t);
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
	Point own = point_make(t), point;
	WANT(hf_kv_checkpoint_show(t->kv, id, t->arena, &point, &t->err), HF_NOT_FOUND);
	WANT_TRUE(strstr(t->err.message, "no checkpoint ") != NULL);
	WANT(hf_kv_checkpoint_count(t->kv, id, t->arena, &point, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_delete(t->kv, id, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_pin(t->kv, id, true, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_restore(t->kv, id, NULL, &restored, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_get_many_at(t->kv, id, &key, 1, NULL, t->arena, &entry, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_scan_at(t->kv, id, NULL, told_add, &told, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_diff(t->kv, id, NULL, told_add, &told, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_diff(t->kv, id, &own.id, told_add, &told, &t->err), HF_NOT_FOUND);
	WANT(hf_kv_checkpoint_diff(t->kv, &own.id, id, told_add, &told, &t->err), HF_NOT_FOUND);
	told_want(t, "of an unknown checkpoint", &told, "");
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &own.id, &t->err));
}

static void unknown_ids(struct kv_test *t)
{
	const struct hf_uuid zero = {{0}};
	Point *points = NULL;
	size_t count = 99;
	if (!point_can(t))
		return;
	text_put(t, "a", "1");
	Point point = point_make(t);
	WANT_OK(hf_kv_checkpoint_delete(t->kv, &point.id, &t->err));
	unknown_to(t, &point.id);
	unknown_to(t, &zero);
	now_scan(t, "a=1");
	WANT_OK(hf_kv_checkpoint_list(t->kv, t->arena, &points, &count, &t->err));
	WANT_INT(count, 0); /* a refused restore leaves no way back */
}

static void foreign_ids(struct kv_test *t)
{
	struct kv_test other = *t;
	if (!point_can(t))
		return;
	other.kv = kv_other(t, "checkpoints apart");
	text_put(t, "a", "1");
	text_put(&other, "b", "2");
	Point point = point_make(t);
	text_put(t, "a", "2");
	unknown_to(&other, &point.id);
	now_scan(&other, "b=2");
	point_restore(t, &point.id);
	now_scan(t, "a=1");
	now_scan(&other, "b=2");
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
	if (point_can(t))
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
	WANT(hf_kv_scan_at(t->kv, &id, NULL, told_add, &told, &t->err), HF_E_UNSUPPORTED);
	WANT(hf_kv_checkpoint_diff(t->kv, &id, NULL, told_add, &told, &t->err), HF_E_UNSUPPORTED);
}

const struct kv_case kv_cases_checkpoint[] = {
	{.name = "a checkpoint has name, metadata, and counts rows and bytes", .run = counts},
	{.name = "a checkpoint is counted later", .run = counted_later},
	{.name = "a checkpoint that is pinned while it is counted stays both", .run = counted_while_pinned},
	{.name = "a checkpoint has a digest, which no order and no history changes", .run = digested},
	{.name = "a checkpoint counts what was live when it was made", .run = counted_as_of_then},
	{.name = "a checkpoint's wrong name or metadata are refused", .run = misdescribed},
	{.name = "a checkpoint may be a copy", .run = kinds},
	{.name = "pruning deletes the oldest and leaves what is pinned", .run = pin_and_prune},
	{.name = "a restore prunes what others can be undone by", .run = undos_are_pruned},
	{.name = "pruning by bytes deletes the oldest", .run = pruned_by_bytes},
	{.name = "pruning by the bytes of many", .run = weighed_in_steps},
	{.name = "an id that is none, or none any more, is refused", .run = unknown_ids},
	{.name = "a checkpoint of another namespace is unknown", .run = foreign_ids},
	{.name = "checkpoints are refused by name where there are none", .run = refused_by_name},
	{0},
};
