/*
 * backends.c - which backend a URL names.
 */
#include "base/error.h"
#include "base/str.h"
#include "kv/backends.h"
#include "kv/store.h"

static const struct scheme {
	const char *prefix; /* "" = anything else */
	const struct hf_kv_vtable *vtable;
} schemes[] = {
	{"memory:", &memory_backend},
	{"lmdb:", &lmdb_backend},
	{"redis:", &redis_backend},
	{"redis+unix:", &redis_backend},
	{"rediss:", &redis_backend}, /* which refuses it by name */
	{"", &postgres_backend},
};

enum hf_status kv_backend_of_url(const char *url, const struct hf_kv_vtable **ret_vtable, hf_error *err)
{
	if (!url || !url[0]) {
		error_set(err, HF_E_CONFIG, "the store's URL is empty");
		error_hint(err, "use memory:, lmdb:PATH, redis://HOST or postgresql://...");
		return HF_E_CONFIG;
	}
	const struct scheme *scheme = schemes;
	while (!str_starts(hf_str_of(url), hf_str_of(scheme->prefix)))
		scheme++;
	*ret_vtable = scheme->vtable;
	return HF_OK;
}
