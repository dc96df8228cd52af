/*
 * point_steps.h - conformance: what cases of checkpoints have in common. Each step fails the case where it goes wrong.
 */
#ifndef TESTS_KV_POINT_STEPS_H
#define TESTS_KV_POINT_STEPS_H

#include "holdfast/kv_checkpoint.h"
#include "steps.h"

typedef struct hf_kv_checkpoint Point;

/* What a scan or a comparison tells, as text: "a=1 b=2 -c". */
struct told {
	char text[300];
	size_t len;
};

/** A callback; `user` is a struct told. */
enum hf_status told_add(void *user, const struct hf_kv_entry *entry, hf_error *err);
void told_want(struct kv_test *t, const char *what, const struct told *told, const char *want);

/** Has the store checkpoints? */
bool point_can(const struct kv_test *t);
Point point_of(struct kv_test *t, const struct hf_kv_checkpoint_new *how);
Point point_make(struct kv_test *t);
struct hf_kv_restored point_restore(struct kv_test *t, const struct hf_uuid *id);
void point_scan(struct kv_test *t, const Point *point, const struct hf_kv_range *range, const char *want);
/** `to` NULL = now. */
void point_diff(struct kv_test *t, const Point *from, const Point *to, const char *want);

void now_scan(struct kv_test *t, const char *want);
void text_put(struct kv_test *t, const char *key, const char *value);
/** It must have been there. */
void text_del(struct kv_test *t, const char *key);
/** Three states: "a=1 b=1 c=1", "a=2 b=1 d=2", and "a=2 d=3 e=3" now. */
void three_states(struct kv_test *t, Point *ret_first, Point *ret_second);

#endif
