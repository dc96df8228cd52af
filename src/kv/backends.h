/*
 * backends.h - the tables of the backends that are part of the build.
 */
#ifndef KV_BACKENDS_H
#define KV_BACKENDS_H

#include "holdfast/backend.h"

extern const struct hf_kv_vtable memory_backend;
extern const struct hf_kv_vtable lmdb_backend;
extern const struct hf_kv_vtable postgres_backend;
extern const struct hf_kv_vtable redis_backend;

#endif
