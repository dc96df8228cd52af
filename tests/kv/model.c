/*
 * model.c - see model.h.
 */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "steps.h"

const struct hf_bytes model_keys[MODEL_KEYS] = {BYTES(""),       BYTES("\0"),        BYTES("\0\xff"),
                                                BYTES("a"),      BYTES("a\0"),       BYTES("a\0b"),
                                                BYTES("aa"),     BYTES("ab"),        BYTES("abc"),
                                                BYTES("a\xff"),  BYTES("a\xff\xff"), BYTES("b"),
                                                BYTES("b\x01"),  BYTES("bb"),        BYTES("\x7f"),
                                                BYTES("\x80"),   BYTES("\xfe\xff"),  BYTES("\xff"),
                                                BYTES("\xff\0"), BYTES("\xff\xff")};

size_t model_index(struct hf_bytes key)
{
	size_t i = 0;
	while (i < MODEL_KEYS && !kv_same(model_keys[i], key))
		i++;
	return i;
}

bool model_lives(const struct model *model, const struct model_entry *entry)
{
	return entry->there && (entry->expires_us == HF_KV_NEVER || entry->expires_us > model->now_us);
}

static struct hf_bytes value_of(const struct model_entry *entry)
{
	return (struct hf_bytes){entry->value, entry->len};
}

static enum hf_kv_outcome refusal(const struct model *model, const struct hf_kv_write *write,
                                  const struct model_entry *entry)
{
	const uint32_t present = HF_KV_IF_PRESENT | HF_KV_IF_REV | HF_KV_IF_VALUE;
	bool lives = model_lives(model, entry);
	if ((write->flags & HF_KV_IF_ABSENT) && lives)
		return HF_KV_EXISTS;
	if ((write->flags & present) && !lives)
		return HF_KV_ABSENT;
	if ((write->flags & HF_KV_IF_REV) && write->if_rev != entry->rev)
		return HF_KV_CHANGED;
	if ((write->flags & HF_KV_IF_VALUE) && !kv_same(write->if_value, value_of(entry)))
		return HF_KV_CHANGED;
	return HF_KV_DONE;
}

static void set_value(struct model_entry *entry, size_t at, struct hf_bytes value)
{
	assert_true(at + value.len <= MODEL_VALUE_BYTES);
	if (value.len)
		memcpy(entry->value + at, value.ptr, value.len);
	entry->len = at + value.len;
}

/* `entry` gets a value: what else changes. */
static void written(const struct model *model, const struct hf_kv_write *write, struct model_entry *entry)
{
	bool lives = model_lives(model, entry);
	bool keeps_ttl = write->op != HF_KV_PUT || (write->flags & HF_KV_KEEP_TTL);
	bool keeps_metadata = write->op != HF_KV_PUT || (write->flags & HF_KV_KEEP_METADATA);
	if (!lives || !keeps_ttl)
		entry->expires_us = write->ttl_us ? model->now_us + write->ttl_us : HF_KV_NEVER;
	if (!lives || !keeps_metadata)
		entry->metadata = write->op == HF_KV_PUT ? write->metadata.ptr : NULL;
	if (!lives)
		entry->created_us = model->now_us;
	entry->updated_us = model->now_us;
	entry->there = true;
	entry->rev = MODEL_REV_NEW;
}

static enum hf_kv_outcome add(const struct model *model, const struct hf_kv_write *write, struct model_entry *entry,
                              int64_t *ret_number)
{
	char text[MODEL_VALUE_BYTES + 1];
	int64_t number = 0;
	if (model_lives(model, entry)) {
		memcpy(text, entry->value, entry->len);
		text[entry->len] = '\0';
		size_t sign = text[0] == '-', digits = strspn(text + sign, "0123456789");
		errno = 0;
		number = strtoll(text, NULL, 10);
		if (digits == 0 || sign + digits != entry->len || errno)
			return HF_KV_NO_NUMBER;
	}
	if (__builtin_add_overflow(number, write->delta, ret_number))
		return HF_KV_NO_NUMBER;
	written(model, write, entry);
	snprintf(text, sizeof(text), "%" PRId64, *ret_number);
	set_value(entry, 0, hf_kv_text(text));
	return HF_KV_DONE;
}

static enum hf_kv_outcome append(const struct model *model, const struct hf_kv_write *write, struct model_entry *entry)
{
	size_t before = model_lives(model, entry) ? entry->len : 0;
	if (before + write->value.len > model->value_bytes_max)
		return HF_KV_TOO_LONG;
	written(model, write, entry);
	set_value(entry, before, write->value);
	return HF_KV_DONE;
}

/* What needs a live entry. */
static void change(const struct model *model, const struct hf_kv_write *write, struct model_entry *entry)
{
	if (write->op == HF_KV_DELETE)
		entry->there = false;
	else if (write->op == HF_KV_TOUCH)
		entry->expires_us = model->now_us + write->ttl_us;
	else if (write->op == HF_KV_PERSIST)
		entry->expires_us = HF_KV_NEVER;
}

static void apply_one(struct model *model, const struct hf_kv_write *write, struct model_result *ret_result)
{
	struct model_entry *entry = &model->entries[model_index(write->key)];
	bool lives = model_lives(model, entry);
	*ret_result =
		(struct model_result){.outcome = refusal(model, write, entry), .existed = lives, .before = *entry};
	ret_result->before.there = lives;
	if (ret_result->outcome != HF_KV_DONE)
		return;
	if (write->op == HF_KV_PUT) {
		written(model, write, entry);
		set_value(entry, 0, write->value);
	} else if (write->op == HF_KV_ADD) {
		ret_result->outcome = add(model, write, entry, &ret_result->number);
	} else if (write->op == HF_KV_APPEND) {
		ret_result->outcome = append(model, write, entry);
	} else if (lives) {
		change(model, write, entry);
	} else {
		ret_result->outcome = HF_KV_NO_ENTRY;
	}
}

bool model_apply(struct model *model, const struct hf_kv_write *writes, size_t count, struct model_result *ret_results,
                 size_t *ret_refused)
{
	struct model changed = *model;
	for (size_t i = 0; i < count; i++) {
		apply_one(&changed, &writes[i], &ret_results[i]);
		if (ret_results[i].outcome > HF_KV_NO_ENTRY) {
			*ret_refused = i;
			return false;
		}
	}
	*model = changed;
	return true;
}

bool model_holds(const struct model *model, const struct hf_kv_write *compare, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (refusal(model, &compare[i], &model->entries[model_index(compare[i].key)]) != HF_KV_DONE)
			return false;
	return true;
}

/* Of the few texts that the test uses. */
static bool metadata_match(const char *metadata, const struct hf_str *part)
{
	if (!part->ptr)
		return true;
	return metadata && (strcmp(metadata, part->ptr) == 0 ||
	                    (strcmp(part->ptr, "{\"a\":1}") == 0 && strcmp(metadata, "{\"a\":1,\"b\":[1,2]}") == 0));
}

static bool in_range(const struct model *model, const struct hf_kv_range *range, size_t i)
{
	struct hf_bytes key = model_keys[i];
	const struct hf_bytes *prefix = &range->prefix;
	if (!model_lives(model, &model->entries[i]) ||
	    !metadata_match(model->entries[i].metadata, &range->has_metadata))
		return false;
	if (key.len < prefix->len || (prefix->len && memcmp(key.ptr, prefix->ptr, prefix->len) != 0))
		return false;
	if (kv_order(key, range->from) < 0 || (range->to.ptr && kv_order(key, range->to) >= 0))
		return false;
	int after = range->after.ptr ? kv_order(key, range->after) : 0;
	return !range->after.ptr || (range->reverse ? after < 0 : after > 0);
}

size_t model_range(const struct model *model, const struct hf_kv_range *range, size_t ret_indexes[MODEL_KEYS])
{
	size_t n = 0;
	for (size_t i = 0; i < MODEL_KEYS; i++) {
		size_t at = range->reverse ? MODEL_KEYS - 1 - i : i;
		if (in_range(model, range, at) && (range->limit == 0 || n < range->limit))
			ret_indexes[n++] = at;
	}
	return n;
}
