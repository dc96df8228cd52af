/*
 * redis_space.c - namespaces: their keys on the server, their numbers in this process, the list of all.
 *
 * Numbers are this process's own, in order of first use; what stands at the server goes by name.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/intern.h"
#include "kv/redis.h"

static const char *const suffixes[REDIS_KEYS] = {"records", "order",   "expiry", "locks",  "images", "untils",
                                                 "past",    "changed", "points", "epochs", "feed",   "changes"};
static const char *const types[REDIS_KEYS] = {"hash", "zset", "zset", "hash", "hash", "hash",
                                              "zset", "zset", "hash", "zset", "hash", "stream"};
#define NAMES_KEY "holdfast:namespaces"
#define TTLS_KEY "holdfast:ttls"

/* Without braces, which would end the tag, and one text for one name. */
static void add_escaped(struct buf *buf, struct hf_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (c == '%' || c == '{' || c == '}')
			buf_printf(buf, "%%%02X", (unsigned)c);
		else
			buf_add_char(buf, c);
	}
}

static void add_word(struct buf *buf, struct hf_str word)
{
	buf_printf(buf, "$%zu\r\n%.*s\r\n", word.len, STR_ARG(word));
}

enum hf_status redis_space_make(hf_arena *arena, struct hf_str name, struct redis_space **ret_space, hf_error *err)
{
	struct redis_space *space = hf_arena_calloc(arena, 1, sizeof(*space));
	struct buf tag, words;
	size_t first = 0;
	buf_init(&tag, 4 * HF_KV_NAMESPACE_BYTES);
	buf_init(&words, 8192);
	add_escaped(&tag, name);
	bool fine = space && buf_ok(&tag);
	for (int i = 0; fine && i < REDIS_KEYS; i++) {
		space->keys[i] = arena_printf(arena, "{holdfast:%.*s}:%s", STR_ARG(buf_str(&tag)), suffixes[i]);
		fine = space->keys[i].ptr != NULL;
		add_word(&words, space->keys[i]);
		first = i == 0 ? buf_str(&words).len : first;
	}
	if (fine) {
		space->words = hf_arena_str(arena, buf_str(&words));
		space->first_word = (struct hf_str){space->words.ptr, first};
	}
	fine = fine && buf_ok(&words) && space->words.ptr;
	buf_deinit(&tag);
	buf_deinit(&words);
	if (!fine)
		return error_nomem(err);
	*ret_space = space;
	return HF_OK;
}

struct redis_space *redis_space(const hf_kv_backend_state *state, int32_t ns)
{
	ASSERT(ns >= 0 && ns < REDIS_SPACES_MAX);
	return atomic_load_explicit(&state->spaces[ns], memory_order_acquire);
}

/* ---- at the server ---- */

static struct hf_bytes bytes_of(struct hf_str text)
{
	return (struct hf_bytes){(const uint8_t *)text.ptr, text.len};
}

/* Is the name in the list, and are the keys of the types that they must have? */
static enum hf_status look(hf_kv_backend_state *state, struct hf_str name, const struct redis_space *space,
                           hf_deadline deadline, bool *ret_listed, hf_error *err)
{
	struct redis_request request;
	redisReply *replies[1 + REDIS_KEYS];
	redis_request_init(&request);
	redis_request_command(&request, 3);
	redis_request_text(&request, "SISMEMBER");
	redis_request_text(&request, NAMES_KEY);
	redis_request_word(&request, bytes_of(name));
	for (int i = 0; i < REDIS_KEYS; i++) {
		redis_request_command(&request, 2);
		redis_request_text(&request, "TYPE");
		redis_request_word(&request, bytes_of(space->keys[i]));
	}
	const struct redis_call call = {.request = &request,
	                                .what = "open the namespace",
	                                .answers = ARRAY_LEN(replies),
	                                .deadline = deadline};
	enum hf_status status = redis_call(state, &call, replies, err);
	redis_request_deinit(&request);
	if (status != HF_OK)
		return status;
	*ret_listed = replies[0]->type == REDIS_REPLY_INTEGER && replies[0]->integer == 1;
	for (int i = 0; i < REDIS_KEYS; i++) {
		const redisReply *type = replies[1 + i];
		bool fits = type->type == REDIS_REPLY_STATUS &&
		            (strcmp(type->str, "none") == 0 || strcmp(type->str, types[i]) == 0);
		if (!fits && status == HF_OK)
			status = error_set(err, HF_CONFLICT,
			                   "the key %.*s of Redis is of type %.20s, not %s: it is another's",
			                   STR_ARG(space->keys[i]), type->str ? type->str : "?", types[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(replies); i++)
		freeReplyObject(replies[i]);
	return status;
}

static enum hf_status enlist(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_command(&request, 3);
	redis_request_text(&request, "SADD");
	redis_request_text(&request, NAMES_KEY);
	redis_request_word(&request, bytes_of(name));
	/* Adding twice is adding once: sent again like a read. */
	enum hf_status status = redis_ask(state, &request, NULL, "make the namespace", deadline, &reply, err);
	if (status == HF_OK)
		freeReplyObject(reply);
	return status;
}

/* ---- in this process ---- */

static enum hf_status publish(hf_kv_backend_state *state, struct hf_str name, struct redis_space *space,
                              int32_t *ret_ns, hf_error *err)
{
	pthread_mutex_lock(&state->mutex);
	uint32_t number = intern_add(state->names, name), count = intern_count(state->names);
	if (number != INTERN_NONE)
		atomic_store_explicit(&state->spaces[number], space, memory_order_release);
	pthread_mutex_unlock(&state->mutex);
	if (number == INTERN_NONE && count < REDIS_SPACES_MAX)
		return error_nomem(err);
	if (number == INTERN_NONE)
		return error_set(err, HF_E_LIMIT, "at most %d namespaces are used by one program", REDIS_SPACES_MAX);
	*ret_ns = (int32_t)number;
	return HF_OK;
}

enum hf_status redis_name_space(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline, int32_t *ret_ns,
                                hf_error *err)
{
	struct redis_space *space = NULL;
	bool listed = false;
	enum hf_status status = HF_OK;
	pthread_mutex_lock(&state->mutex);
	uint32_t known = intern_find(state->names, name);
	if (known == INTERN_NONE)
		status = redis_space_make(state->arena, name, &space, err);
	pthread_mutex_unlock(&state->mutex);
	if (known != INTERN_NONE) {
		*ret_ns = (int32_t)known;
		return HF_OK;
	}
	if (status == HF_OK)
		status = look(state, name, space, deadline, &listed, err);
	if (status == HF_OK && !listed)
		status = state->no_namespace ? HF_NOT_FOUND : enlist(state, name, deadline, err);
	return status == HF_OK ? publish(state, name, space, ret_ns, err) : status;
}

/* ---- the time to live of what says none: a field of TTLS_KEY ---- */

/* Setting twice is setting once: sent again like a read. */
static enum hf_status ask_ttl(hf_kv_backend_state *state, struct hf_str name, const int64_t *set_us,
                              hf_deadline deadline, redisReply **ret_reply, hf_error *err)
{
	struct redis_request request;
	redis_request_init(&request);
	redis_request_command(&request, set_us ? 4 : 3);
	redis_request_text(&request, set_us ? "HSET" : "HGET");
	redis_request_text(&request, TTLS_KEY);
	redis_request_word(&request, bytes_of(name));
	if (set_us)
		redis_request_number(&request, *set_us);
	enum hf_status status =
		redis_ask(state, &request, NULL, "keep a default time to live", deadline, ret_reply, err);
	return status;
}

enum hf_status redis_space_ttl(hf_kv_backend_state *state, int32_t ns, const int64_t *set_us, hf_deadline deadline,
                               int64_t *ret_us, hf_error *err)
{
	redisReply *reply;
	pthread_mutex_lock(&state->mutex);
	struct hf_str name = intern_text(state->names, (uint32_t)ns);
	pthread_mutex_unlock(&state->mutex);
	enum hf_status status = ask_ttl(state, name, set_us, deadline, &reply, err);
	if (status != HF_OK)
		return status;
	*ret_us = set_us ? *set_us : 0;
	bool fits = set_us || reply->type == REDIS_REPLY_NIL ||
	            (reply->type == REDIS_REPLY_STRING && str_to_i64((struct hf_str){reply->str, reply->len}, ret_us));
	freeReplyObject(reply);
	return fits ? HF_OK : redis_unexpected("read a default time to live", err);
}

static enum hf_status copy_names(const redisReply *reply, hf_arena *arena, struct hf_str **ret_names, size_t *ret_count,
                                 hf_error *err)
{
	if (reply->type != REDIS_REPLY_ARRAY)
		return redis_unexpected("list the namespaces", err);
	struct hf_str *names = hf_arena_calloc(arena, reply->elements + 1, sizeof(*names));
	for (size_t i = 0; names && i < reply->elements; i++) {
		const redisReply *name = reply->element[i];
		if (name->type != REDIS_REPLY_STRING)
			return redis_unexpected("list the namespaces", err);
		names[i] = hf_arena_str(arena, (struct hf_str){name->str, name->len});
		if (!names[i].ptr)
			return error_nomem(err);
	}
	*ret_names = names;
	*ret_count = reply->elements;
	return names ? HF_OK : error_nomem(err);
}

enum hf_status redis_space_names(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena,
                                 struct hf_str **ret_names, size_t *ret_count, hf_error *err)
{
	struct redis_request request;
	redisReply *reply;
	redis_request_init(&request);
	redis_request_command(&request, 2);
	redis_request_text(&request, "SMEMBERS");
	redis_request_text(&request, NAMES_KEY);
	enum hf_status status = redis_ask(state, &request, NULL, "list the namespaces", deadline, &reply, err);
	if (status != HF_OK)
		return status;
	status = copy_names(reply, arena, ret_names, ret_count, err);
	freeReplyObject(reply);
	return status;
}
