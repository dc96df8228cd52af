/*
 * backends.c - which backend a URL names.
 */
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "kv/backends.h"
#include "kv/store.h"

static const struct scheme {
	const char *prefix;
	const struct hf_kv_vtable *vtable;
} schemes[] = {
	{"memory:", &memory_backend},       {"lmdb:", &lmdb_backend},         {"redis:", &redis_backend},
	{"redis+unix:", &redis_backend},    {"rediss:", &redis_backend}, /* which refuses it by name */
	{"postgresql:", &postgres_backend}, {"postgres:", &postgres_backend},
};

/* host=... dbname=...: what libpq takes beside URLs. */
static bool is_keywords(struct hf_str url)
{
	const char *equal = memchr(url.ptr, '=', url.len), *colon = memchr(url.ptr, ':', url.len);
	return equal && (!colon || equal < colon);
}

static enum hf_status unknown_kind(struct hf_str url, hf_error *err)
{
	const char *colon = memchr(url.ptr, ':', url.len);
	if (colon && colon - url.ptr < 20)
		error_set(err, HF_E_CONFIG, "no kind of store is called \"%.*s\"", (int)(colon - url.ptr), url.ptr);
	else
		error_set(err, HF_E_CONFIG, "the store's URL names no kind of store");
	error_hint(err, "use memory:, lmdb:PATH, redis://HOST or postgresql://...");
	return HF_E_CONFIG;
}

enum hf_status kv_backend_of_url(const char *url, const struct hf_kv_vtable **ret_vtable, hf_error *err)
{
	if (!url || !url[0]) {
		error_set(err, HF_E_CONFIG, "the store's URL is empty");
		error_hint(err, "use memory:, lmdb:PATH, redis://HOST or postgresql://...");
		return HF_E_CONFIG;
	}
	struct hf_str text = hf_str_of(url);
	*ret_vtable = &postgres_backend;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (str_starts(text, hf_str_of(schemes[i].prefix))) {
			*ret_vtable = schemes[i].vtable;
			return HF_OK;
		}
	}
	return is_keywords(text) ? HF_OK : unknown_kind(text, err);
}
