/*
 * engine_rig.h - a backend of the engine through its table of functions, with a clock that the test moves and two
 * namespaces.
 */
#ifndef TESTS_KV_ENGINE_RIG_H
#define TESTS_KV_ENGINE_RIG_H

#include "holdfast/backend.h"

struct rig {
	hf_context *ctx;
	const struct hf_kv_vtable *vtable;
	hf_kv_backend_state *state;
	hf_arena *arena;
	struct hf_kv_options options;
	int32_t ns[2];
	char folder[64]; /* "" for memory */
	char url[80];
};

extern int64_t rig_now_us; /* the wall clock of the context */

/** Set-up functions of cmocka; *state is the rig. */
int rig_memory(void **state);
int rig_lmdb(void **state);
int rig_end(void **state);
/** Close and open again, or die. */
void rig_reopen(struct rig *rig);
enum hf_status rig_open(struct rig *rig, hf_error *err);
void rig_close(struct rig *rig);
/** Order of keys. */
int rig_order(struct hf_bytes a, struct hf_bytes b);
const char *rig_outcome(enum hf_kv_outcome outcome);
/** Remove a folder of LMDB. */
void rig_remove(const char *folder);

#endif
