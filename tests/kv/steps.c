/*
 * steps.c - see steps.h.
 */
#include "steps.h"

#include <stdio.h>

void kv_wrong(const struct kv_test *t, const char *format, ...)
{
	char text[900];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "# %s: %s: %s\n", t->rig->kind, t->name, text); /* cmocka's TAP leaves messages out */
	fail_msg("%s: %s: %s", t->rig->kind, t->name, text);
	__builtin_unreachable();
}

void kv_put(struct kv_test *t, struct hf_bytes key, struct hf_bytes value, int64_t ttl_us)
{
	struct hf_kv_put put = {.ttl_us = ttl_us};
	WANT_OK(hf_kv_put(t->kv, key, value, &put, &t->err));
}

uint64_t kv_live(struct kv_test *t)
{
	uint64_t count = UINT64_MAX;
	WANT_OK(hf_kv_count(t->kv, NULL, &count, &t->err));
	return count;
}

hf_kv *kv_other(struct kv_test *t, const char *name)
{
	hf_kv *other = NULL;
	WANT_OK(hf_kv_namespace(t->kv, name, &other, &t->err));
	return other;
}

/* ---- looking ---- */

/* What each way of reading says; all of them answered. */
struct seen {
	bool get, contains, ttl, many, again, read, list, scan, count, keys, value, values;
	struct hf_kv_entry entry, many_entry, read_entry, list_entry, keys_entry, value_entry, value_entries[2];
	int64_t ttl_us;
};

struct finding {
	struct hf_bytes key;
	bool found;
};

static enum hf_status find(void *user, const struct hf_kv_entry *entry, UNUSED hf_error *err)
{
	struct finding *finding = user;
	finding->found |= kv_same(entry->key, finding->key);
	return HF_OK;
}

static bool answered(struct kv_test *t, const char *what, enum hf_status status)
{
	if (status != HF_OK && status != HF_NOT_FOUND)
		kv_wrong(t, "%s answers %s: %s %s", what, hf_status_word(status), t->err.message, t->err.detail);
	return status == HF_OK;
}

/* The list's only entry, when it is the key's. */
static bool list_one(struct kv_test *t, const struct hf_kv_range *range, struct hf_kv_entry *ret_entry)
{
	struct hf_kv_entry *entries = NULL;
	size_t count = 0;
	answered(t, "list", hf_kv_list(t->kv, range, t->arena, &entries, &count, &t->err));
	if (count == 0)
		return false;
	*ret_entry = entries[0];
	return true;
}

static void look_at_ranges(struct kv_test *t, struct hf_bytes key, struct seen *seen)
{
	uint8_t *next = hf_arena_alloc(t->arena, key.len + 1);
	struct hf_kv_range only = {.from = key, .to = {next, key.len + 1}, .limit = 2};
	struct finding finding = {key, false};
	uint64_t count = 0;
	if (key.len >= HF_KV_KEY_BYTES) /* the end would be longer than a key may be */
		only = (struct hf_kv_range){.prefix = key, .limit = 2};
	if (key.len > 0)
		memcpy(next, key.ptr, key.len);
	next[key.len] = 0;
	seen->list = list_one(t, &only, &seen->list_entry);
	only.how.keys_only = true;
	only.reverse = true;
	seen->keys = list_one(t, &only, &seen->keys_entry);
	answered(t, "count", hf_kv_count(t->kv, &only, &count, &t->err));
	seen->count = count != 0;
	answered(t, "scan", hf_kv_scan(t->kv, NULL, find, &finding, &t->err));
	seen->scan = finding.found;
}

static void look_at_values(struct kv_test *t, struct hf_bytes key, struct seen *seen)
{
	const struct hf_kv_read how = {.value_only = true};
	const struct hf_bytes twice[2] = {key, key};
	struct hf_kv_entry *two = seen->value_entries;
	two[0].rev = two[1].rev = -1;
	seen->value =
		answered(t, "get of the value", hf_kv_get(t->kv, key, &how, t->arena, &seen->value_entry, &t->err));
	answered(t, "get_many of values", hf_kv_get_many(t->kv, twice, 2, &how, t->arena, two, &t->err));
	seen->values = two[0].value.ptr != NULL;
	if (seen->values != (two[1].value.ptr != NULL))
		kv_wrong(t, "\"%s\": get_many of values says two things of one key", kv_show(key));
}

static void look(struct kv_test *t, struct hf_bytes key, struct seen *seen)
{
	const struct hf_bytes twice[2] = {key, key};
	const struct hf_kv_write read = {.op = HF_KV_READ, .key = key};
	struct hf_kv_entry many[2] = {{.rev = -1}, {.rev = -1}};
	struct hf_kv_result result = {.rev = -1};
	*seen = (struct seen){.ttl_us = -1};
	seen->get = answered(t, "get", hf_kv_get(t->kv, key, NULL, t->arena, &seen->entry, &t->err));
	answered(t, "contains", hf_kv_contains(t->kv, key, NULL, &seen->contains, &t->err));
	seen->ttl = answered(t, "ttl", hf_kv_ttl(t->kv, key, &seen->ttl_us, &t->err));
	answered(t, "get_many", hf_kv_get_many(t->kv, twice, 2, NULL, t->arena, many, &t->err));
	seen->many = many[0].rev != 0;
	seen->again = many[1].rev != 0;
	seen->many_entry = many[1];
	answered(t, "apply", hf_kv_apply(t->kv, &read, 1, NULL, t->arena, &result, &t->err));
	seen->read = result.outcome == HF_KV_DONE;
	seen->read_entry = result.before;
	if (!seen->read && (result.outcome != HF_KV_NO_ENTRY || result.before.rev != 0 || result.existed))
		kv_wrong(t, "READ of \"%s\": outcome %s", kv_show(key), hf_kv_outcome_word(result.outcome));
	look_at_values(t, key, seen);
	look_at_ranges(t, key, seen);
}

static void compare(struct kv_test *t, const char *what, const struct hf_kv_entry *a, const struct hf_kv_entry *b,
                    bool keys_only)
{
	if (!kv_same(a->key, b->key) || a->rev != b->rev || a->created_us != b->created_us ||
	    a->updated_us != b->updated_us || a->expires_us != b->expires_us)
		kv_wrong(t,
		         "\"%s\": get and %s differ: rev %lld %lld, created %lld %lld, updated %lld %lld, expires %lld "
		         "%lld",
		         kv_show(a->key), what, (long long)a->rev, (long long)b->rev, (long long)a->created_us,
		         (long long)b->created_us, (long long)a->updated_us, (long long)b->updated_us,
		         (long long)a->expires_us, (long long)b->expires_us);
	if (keys_only && (b->value.len > 0 || b->metadata.ptr))
		kv_wrong(t, "\"%s\": keys only, and %s gives more", kv_show(a->key), what);
	struct hf_bytes ours = {(const uint8_t *)a->metadata.ptr, a->metadata.len};
	struct hf_bytes theirs = {(const uint8_t *)b->metadata.ptr, b->metadata.len};
	if (!keys_only && (!kv_same(a->value, b->value) || !kv_same(ours, theirs)))
		kv_wrong(t, "\"%s\": get gives \"%s\", %s gives \"%s\"", kv_show(a->key), kv_show(a->value), what,
		         kv_show(b->value));
}

static void all_say(struct kv_test *t, struct hf_bytes key, const struct seen *seen, bool there)
{
	const struct {
		const char *name;
		bool there;
	} ways[] = {{"get", seen->get},
	            {"contains", seen->contains},
	            {"ttl", seen->ttl},
	            {"get_many", seen->many},
	            {"get_many of the same key again", seen->again},
	            {"read", seen->read},
	            {"list", seen->list},
	            {"scan", seen->scan},
	            {"count", seen->count},
	            {"keys", seen->keys},
	            {"get of the value", seen->value},
	            {"get_many of values", seen->values}};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (ways[i].there != there)
			kv_wrong(t, "\"%s\": expected %s, %s says %s", kv_show(key), there ? "an entry" : "none",
			         ways[i].name, there ? "there is none" : "there is one");
}

/* Nothing but the value. */
static void check_value(struct kv_test *t, const struct hf_kv_entry *entry, struct hf_bytes value)
{
	static const struct hf_kv_entry nothing;
	struct hf_kv_entry rest = *entry;
	WANT_BYTES(entry->value, value);
	rest.value = nothing.value;
	if (memcmp(&rest, &nothing, sizeof(rest)) != 0)
		kv_wrong(t, "\"%s\" has more than its value, though that alone was asked for", kv_show(value));
}

static void check_metadata(struct kv_test *t, const struct hf_kv_entry *entry, const char *metadata)
{
	struct hf_bytes got = {(const uint8_t *)entry->metadata.ptr, entry->metadata.len};
	if (!metadata != !entry->metadata.ptr || (metadata && !kv_same(got, hf_kv_text(metadata))))
		kv_wrong(t, "\"%s\": expected metadata %s, got \"%s\"", kv_show(entry->key),
		         metadata ? metadata : "(none)", kv_show(got));
}

struct hf_kv_entry kv_look(struct kv_test *t, struct hf_bytes key, struct hf_bytes value, const char *metadata,
                           int64_t ttl_max_us)
{
	struct seen seen;
	look(t, key, &seen);
	all_say(t, key, &seen, true);
	WANT_BYTES(seen.entry.key, key);
	WANT_BYTES(seen.entry.value, value);
	check_value(t, &seen.value_entry, value);
	check_value(t, &seen.value_entries[0], value);
	check_value(t, &seen.value_entries[1], value);
	check_metadata(t, &seen.entry, metadata);
	compare(t, "get_many", &seen.entry, &seen.many_entry, false);
	compare(t, "read", &seen.entry, &seen.read_entry, false);
	compare(t, "list", &seen.entry, &seen.list_entry, false);
	compare(t, "keys", &seen.entry, &seen.keys_entry, true);
	WANT_TRUE(seen.entry.rev > 0);
	if (ttl_max_us == 0 && (seen.entry.expires_us != HF_KV_NEVER || seen.ttl_us != HF_KV_NEVER))
		kv_wrong(t, "\"%s\": expected no expiry, it has %lld us left", kv_show(key), (long long)seen.ttl_us);
	if (ttl_max_us > 0 && (seen.ttl_us <= 0 || seen.ttl_us > ttl_max_us || seen.entry.expires_us <= 0))
		kv_wrong(t, "\"%s\": expected 1 to %lld us left, got %lld", kv_show(key), (long long)ttl_max_us,
		         (long long)seen.ttl_us);
	return seen.entry;
}

void kv_look_gone(struct kv_test *t, struct hf_bytes key)
{
	struct seen seen;
	look(t, key, &seen);
	all_say(t, key, &seen, false);
}

/* ---- steps ---- */

static enum hf_status step_put(struct kv_test *t, const struct kv_step *step)
{
	int64_t rev = -1;
	struct hf_kv_put put = {.ttl_us = step->ttl,
	                        .metadata = hf_str_of(step->metadata),
	                        .flags = step->flags | (step->if_slot ? (uint32_t)HF_KV_IF_REV : 0),
	                        .if_rev = t->slots[step->if_slot],
	                        .if_value = step->old,
	                        .ret_rev = &rev};
	struct hf_kv_entry entry;
	enum hf_status status = hf_kv_put(t->kv, step->key, step->value, &put, &t->err);
	if (status == HF_OK || status == HF_CONFLICT) {
		enum hf_status there = hf_kv_get(t->kv, step->key, NULL, t->arena, &entry, &t->err);
		bool may_end = step->ttl > 0 && step->ttl < KV_SECOND_US;
		if (rev != (there == HF_OK ? entry.rev : 0) && !may_end)
			kv_wrong(t, "put of \"%s\" says rev %lld, get says %lld", kv_show(step->key), (long long)rev,
			         (long long)(there == HF_OK ? entry.rev : 0));
	}
	return status;
}

static enum hf_status step_delete(struct kv_test *t, const struct kv_step *step)
{
	bool existed = !step->number;
	enum hf_status status = hf_kv_delete(t->kv, step->key, NULL, &existed, &t->err);
	if (status == HF_OK && existed != (step->number != 0))
		kv_wrong(t, "delete of \"%s\" says that it %s", kv_show(step->key),
		         existed ? "existed" : "did not exist");
	return status;
}

static enum hf_status step_add(struct kv_test *t, const struct kv_step *step)
{
	int64_t sum = -1;
	enum hf_status status = hf_kv_increment(t->kv, step->key, step->number, NULL, &sum, &t->err);
	if (status == HF_OK)
		WANT_INT(sum, step->sum);
	return status;
}

static enum hf_status step_take(struct kv_test *t, const struct kv_step *step)
{
	struct hf_kv_entry before = {.rev = -1};
	enum hf_status status =
		step->act == GETDEL
			? hf_kv_get_and_delete(t->kv, step->key, NULL, t->arena, &before, &t->err)
			: hf_kv_get_and_put(t->kv, step->key, step->value, NULL, t->arena, &before, &t->err);
	if (status == HF_OK)
		WANT_BYTES(before.value, step->old);
	if (status == HF_NOT_FOUND && step->act == GETPUT)
		WANT_INT(before.rev, 0);
	return status;
}

static enum hf_status step_care(struct kv_test *t, const struct kv_step *step)
{
	uint64_t removed = UINT64_MAX;
	enum hf_status status = step->act == CLEAR ? hf_kv_clear(t->kv, NULL, &removed, &t->err)
	                                           : hf_kv_sweep(t->kv, HF_DEADLINE_DEFAULT, &removed, &t->err);
	if (status == HF_OK &&
	    (step->act == CLEAR ? removed != (uint64_t)step->number : removed < (uint64_t)step->number))
		kv_wrong(t, "expected %lld removed, got %lld", (long long)step->number, (long long)removed);
	return status;
}

static enum hf_status step_look(struct kv_test *t, const struct kv_step *step)
{
	if (step->act == GONE)
		kv_look_gone(t, step->key);
	else if (step->act == IS)
		kv_look(t, step->key, step->value, step->metadata, step->ttl);
	else if (step->act == COUNT)
		WANT_INT(kv_live(t), step->number);
	else
		kv_rig_pass(t->rig, step->number);
	return HF_OK;
}

static enum hf_status step_run(struct kv_test *t, const struct kv_step *step)
{
	switch (step->act) {
	case PUT:
		return step_put(t, step);
	case DEL:
		return step_delete(t, step);
	case TOUCH:
		return hf_kv_touch(t->kv, step->key, step->ttl, NULL, &t->err);
	case PERSIST:
		return hf_kv_persist(t->kv, step->key, NULL, &t->err);
	case CAS:
		return hf_kv_compare_and_set(t->kv, step->key, step->old, step->value, NULL, &t->err);
	case ADD:
		return step_add(t, step);
	case APPEND:
		return hf_kv_append(t->kv, step->key, step->value, NULL, &t->err);
	case GETDEL:
	case GETPUT:
		return step_take(t, step);
	case CLEAR:
	case SWEEP:
		return step_care(t, step);
	case IS:
	case GONE:
	case COUNT:
	case PASS:
		break;
	}
	return step_look(t, step);
}

static void check_rev(struct kv_test *t, const struct kv_step *step)
{
	struct hf_kv_entry entry = {0};
	if (!step->save && !step->above && !step->same)
		return;
	answered(t, "get", hf_kv_get(t->kv, step->key, NULL, t->arena, &entry, &t->err));
	if (step->above && entry.rev <= t->slots[step->above])
		kv_wrong(t, "expected a revision above %lld, got %lld", (long long)t->slots[step->above],
		         (long long)entry.rev);
	if (step->same && entry.rev != t->slots[step->same])
		kv_wrong(t, "expected revision %lld, got %lld", (long long)t->slots[step->same], (long long)entry.rev);
	if (step->save)
		t->slots[step->save] = entry.rev;
}

void kv_steps_run(struct kv_test *t, const struct kv_step *steps)
{
	char name[200];
	const char *whole = t->name;
	for (int i = 0; steps[i].act; i++) {
		snprintf(name, sizeof(name), "%s: step %d", whole, i + 1);
		t->name = name;
		WANT(step_run(t, &steps[i]), steps[i].want);
		check_rev(t, &steps[i]);
	}
	t->name = whole;
}
