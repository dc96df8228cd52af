/*
 * engine_rig.c - see engine_rig.h.
 */
#include "engine_rig.h"

#include "../check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kv/backends.h"

int64_t rig_now_us;

static int64_t wall_us(void *user)
{
	(void)user;
	return rig_now_us;
}

int rig_order(struct hf_bytes a, struct hf_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
	return order ? order : (a.len > b.len) - (a.len < b.len);
}

const char *rig_outcome(enum hf_kv_outcome outcome)
{
	static const char *const words[] = {"undone", "done",    "no-entry",  "exists",
	                                    "absent", "changed", "no-number", "too-long"};
	return (size_t)outcome < sizeof(words) / sizeof(words[0]) ? words[outcome] : "?";
}

void rig_remove(const char *folder)
{
	static const char *const names[] = {"data.mdb", "lock.mdb", "lmdb.open", "lmdb.write"};
	char path[128];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

enum hf_status rig_open(struct rig *rig, hf_error *err)
{
	enum hf_status status = rig->vtable->open(rig->ctx, rig->url, &rig->options, &rig->state, err);
	if (status == HF_OK)
		status = rig->vtable->name_space(rig->state, HF_STR("one"), INT64_MAX, &rig->ns[0], err);
	if (status == HF_OK)
		status = rig->vtable->name_space(rig->state, HF_STR("two"), INT64_MAX, &rig->ns[1], err);
	return status;
}

void rig_close(struct rig *rig)
{
	if (rig->state)
		rig->vtable->close(rig->state);
	rig->state = NULL;
}

void rig_reopen(struct rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	rig_close(rig);
	EXPECT_OK(rig_open(rig, &err));
}

static int rig_new(void **state, const struct hf_kv_vtable *vtable)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_context_options options = {.size = sizeof(options), .wall_us = wall_us};
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	*state = rig;
	rig_now_us = 1700000000000000;
	rig->vtable = vtable;
	rig->options = (struct hf_kv_options){.size = sizeof(rig->options),
	                                      .map_bytes_max = UINT64_C(1) << 30,
	                                      .value_bytes_max = HF_KV_VALUE_BYTES,
	                                      .compress_from = HF_KV_COMPRESS_NEVER};
	if (vtable == &memory_backend) {
		snprintf(rig->url, sizeof(rig->url), "memory:");
	} else {
		snprintf(rig->folder, sizeof(rig->folder), "/tmp/holdfast-test-XXXXXX");
		assert_non_null(mkdtemp(rig->folder));
		snprintf(rig->url, sizeof(rig->url), "lmdb:%s", rig->folder);
	}
	rig->arena = hf_arena_new(0);
	assert_non_null(rig->arena);
	EXPECT_OK(hf_context_new(&options, &rig->ctx, &err));
	EXPECT_OK(rig_open(rig, &err));
	return 0;
}

int rig_memory(void **state)
{
	return rig_new(state, &memory_backend);
}

int rig_lmdb(void **state)
{
	return rig_new(state, &lmdb_backend);
}

int rig_end(void **state)
{
	struct rig *rig = *state;
	rig_close(rig);
	hf_arena_free(rig->arena);
	hf_context_free(rig->ctx);
	if (rig->folder[0])
		rig_remove(rig->folder);
	free(rig);
	return 0;
}
