/*
 * point_steps.c - see point_steps.h.
 */
#include "point_steps.h"

#include <stdio.h>

bool point_can(const struct kv_test *t)
{
	return hf_kv_capabilities(t->kv) & HF_KV_CAN_CHECKPOINT;
}

Point point_of(struct kv_test *t, const struct hf_kv_checkpoint_new *how)
{
	Point point = {.epoch = -1};
	WANT_OK(hf_kv_checkpoint_create(t->kv, how, t->arena, &point, &t->err));
	WANT_INT(point.counted, !(how && how->uncounted));
	return point;
}

Point point_make(struct kv_test *t)
{
	return point_of(t, NULL);
}

struct hf_kv_restored point_restore(struct kv_test *t, const struct hf_uuid *id)
{
	struct hf_kv_restored restored = {.put = 99, .deleted = 99};
	WANT_OK(hf_kv_checkpoint_restore(t->kv, id, NULL, &restored, &t->err));
	return restored;
}

enum hf_status told_add(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
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

void told_want(struct kv_test *t, const char *what, const struct told *told, const char *want)
{
	if (strcmp(told->text, want) != 0)
		kv_wrong(t, "%s: expected \"%s\", got \"%s\"", what, want, told->text);
}

void point_scan(struct kv_test *t, const Point *point, const struct hf_kv_range *range, const char *want)
{
	struct told told = {0};
	WANT_OK(hf_kv_scan_at(t->kv, &point->id, range, told_add, &told, &t->err));
	told_want(t, "scan at a checkpoint", &told, want);
}

void now_scan(struct kv_test *t, const char *want)
{
	struct told told = {0};
	WANT_OK(hf_kv_scan(t->kv, NULL, told_add, &told, &t->err));
	told_want(t, "scan", &told, want);
}

void point_diff(struct kv_test *t, const Point *from, const Point *to, const char *want)
{
	struct told told = {0};
	WANT_OK(hf_kv_checkpoint_diff(t->kv, &from->id, to ? &to->id : NULL, told_add, &told, &t->err));
	told_want(t, "difference", &told, want);
}

void text_put(struct kv_test *t, const char *key, const char *value)
{
	kv_put(t, hf_kv_text(key), hf_kv_text(value), 0);
}

void text_del(struct kv_test *t, const char *key)
{
	bool existed = false;
	WANT_OK(hf_kv_delete(t->kv, hf_kv_text(key), NULL, &existed, &t->err));
	WANT_TRUE(existed);
}

/* Three states: "a=1 b=1 c=1", "a=2 b=1 d=2", and "a=2 d=3 e=3" now. */
void three_states(struct kv_test *t, Point *ret_first, Point *ret_second)
{
	text_put(t, "a", "1"), text_put(t, "b", "1"), text_put(t, "c", "1");
	*ret_first = point_make(t);
	text_put(t, "a", "2"), text_del(t, "c"), text_put(t, "d", "2");
	*ret_second = point_make(t);
	text_del(t, "b"), text_put(t, "d", "3"), text_put(t, "e", "3");
}
