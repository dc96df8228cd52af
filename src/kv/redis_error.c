/*
 * redis_error.c - what a refusal of Redis means here: its first word decides, or ours inside a script's error.
 *
 * The texts of Redis may quote a command but none of its values; they go into `detail`.
 */
#include "base/error.h"
#include "kv/redis.h"

/* What may be done. PASSING: nothing happened, and it may work in a moment; ELSEWHERE: so, on another connection. */
enum remedy { FINAL, PASSING, ELSEWHERE };

static const struct refusal {
	const char *word;
	enum hf_status status;
	enum hf_category category;
	enum hf_action action;
	enum remedy remedy;
	const char *meaning;
	const char *hint; /* NULL = none */
} refusals[] = {
	{"NOAUTH", HF_E_DENIED, HF_CATEGORY_AUTHENTICATION, HF_ACTION_FIX_CONFIG, FINAL, "Redis wants a password",
         "put it into the URL: redis://:PASSWORD@HOST"},
	{"WRONGPASS", HF_E_DENIED, HF_CATEGORY_AUTHENTICATION, HF_ACTION_FIX_CONFIG, FINAL,
         "Redis does not know this user and password", NULL},
	{"ERR invalid password", HF_E_DENIED, HF_CATEGORY_AUTHENTICATION, HF_ACTION_FIX_CONFIG, FINAL,
         "Redis does not know this password", NULL},
	{"ERR AUTH", HF_E_DENIED, HF_CATEGORY_AUTHENTICATION, HF_ACTION_FIX_CONFIG, FINAL,
         "the URL has a password and Redis has none", "leave it out of the URL, or set one at the server"},
	{"NOPERM", HF_E_DENIED, HF_CATEGORY_AUTHORIZATION, HF_ACTION_FIX_CONFIG, FINAL,
         "the user may not do that on Redis",
         "give it +@read +@write +@scripting +@connection +time +info +config|get on ~{holdfast:* and ~holdfast:*"},
	{"OOM", HF_E_LIMIT, HF_CATEGORY_RESOURCE, HF_ACTION_WAIT, FINAL, "Redis is full",
         "raise its maxmemory, or delete or sweep entries"},
	{"WRONGTYPE", HF_E_CORRUPT, HF_CATEGORY_SCHEMA, HF_ACTION_FIX_CONFIG, FINAL,
         "a key of the store is of another type", "another program writes keys that begin with {holdfast:"},
	{"LOADING", HF_E_UNAVAILABLE, HF_CATEGORY_CONNECTION, HF_ACTION_WAIT, PASSING, "Redis loads its data", NULL},
	{"BUSY", HF_E_UNAVAILABLE, HF_CATEGORY_CONNECTION, HF_ACTION_WAIT, PASSING, "Redis is busy with a script",
         NULL},
	{"TRYAGAIN", HF_E_UNAVAILABLE, HF_CATEGORY_CONNECTION, HF_ACTION_WAIT, PASSING, "Redis moves the keys", NULL},
	{"CLUSTERDOWN", HF_E_UNAVAILABLE, HF_CATEGORY_CONNECTION, HF_ACTION_WAIT, PASSING, "the cluster is down", NULL},
	{"MASTERDOWN", HF_E_UNAVAILABLE, HF_CATEGORY_CONNECTION, HF_ACTION_WAIT, PASSING, "the primary is down", NULL},
	{"ERR max number of clients", HF_E_UNAVAILABLE, HF_CATEGORY_RESOURCE, HF_ACTION_WAIT, ELSEWHERE,
         "Redis has as many clients as it takes", "raise its maxclients, or lower connections_max"},
	{"READONLY", HF_E_UNAVAILABLE, HF_CATEGORY_CONNECTION, HF_ACTION_RECONNECT, ELSEWHERE,
         "this Redis is a replica", "give the URL of the primary"},
	{"NOREPLICAS", HF_E_UNAVAILABLE, HF_CATEGORY_RESOURCE, HF_ACTION_WAIT, FINAL,
         "Redis has fewer replicas than min-replicas-to-write", NULL},
	{"MISCONF", HF_E_UNAVAILABLE, HF_CATEGORY_SERVER, HF_ACTION_WAIT, FINAL,
         "Redis cannot write to its disk and takes no writes", NULL},
	{"MOVED", HF_E_UNSUPPORTED, HF_CATEGORY_UNSUPPORTED, HF_ACTION_FIX_CONFIG, FINAL,
         "this Redis is a node of a cluster that does not hold the namespace", "give the URL of the node that does"},
	{"ASK", HF_E_UNSUPPORTED, HF_CATEGORY_UNSUPPORTED, HF_ACTION_FIX_CONFIG, FINAL,
         "this Redis is a node of a cluster that gives the namespace away", NULL},
	{"ERR DB index", HF_E_CONFIG, HF_CATEGORY_CONFIG, HF_ACTION_FIX_CONFIG, FINAL,
         "Redis has no database of this number", NULL},
	{"ERR invalid DB index", HF_E_CONFIG, HF_CATEGORY_CONFIG, HF_ACTION_FIX_CONFIG, FINAL,
         "Redis has no database of this number", NULL},
};

/* Anywhere in the text of a script's error: our own words, and that of a command which it may not use. */
static const struct refusal inside[] = {
	{"HFCORRUPT", HF_E_CORRUPT, HF_CATEGORY_SERVER, HF_ACTION_FIX_CONFIG, FINAL,
         "what is stored contradicts itself: a record that is none, or keys that were evicted or changed by others",
         "clear the namespace; a server that may evict is none for a store"},
	{"The user executing the script", HF_E_DENIED, HF_CATEGORY_AUTHORIZATION, HF_ACTION_FIX_CONFIG, FINAL,
         "the user may not do that on Redis", NULL},
	{"HFPOINTS", HF_E_LIMIT, HF_CATEGORY_NONE, HF_ACTION_NEVER, FINAL, "the namespace has 10,000 checkpoints",
         "delete some, or prune them"},
	{"HFLIMIT", HF_E_LIMIT, HF_CATEGORY_NONE, HF_ACTION_NEVER, FINAL,
         "the values have more than a gigabyte together", "read fewer keys at once"},
};

static const struct refusal *find(const redisReply *reply)
{
	struct hf_str text = {reply->str, reply->len};
	for (size_t i = 0; i < ARRAY_LEN(inside); i++)
		if (str_find_str(text, hf_str_of(inside[i].word)) >= 0)
			return &inside[i];
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct hf_str word = hf_str_of(refusals[i].word);
		if (str_starts(text, word) && (text.len == word.len || text.ptr[word.len] == ' '))
			return &refusals[i];
	}
	/* Redis 7.0 words what a command inside of a script was refused with as an error of its own, older ones do not.
	 */
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		ptrdiff_t at = str_find_str(text, hf_str_of(refusals[i].word));
		if (at > 0 && (text.ptr[at - 1] == '-' || str_starts(text, HF_STR("ERR Error running script"))))
			return &refusals[i];
	}
	return NULL;
}

bool redis_is_passing(const redisReply *reply, bool *ret_drop)
{
	const struct refusal *refusal = find(reply);
	*ret_drop = refusal && refusal->remedy == ELSEWHERE;
	return refusal && refusal->remedy != FINAL;
}

enum hf_status redis_refusal(const redisReply *reply, const char *what, hf_error *err)
{
	static const struct refusal other = {"",  HF_E_DB, HF_CATEGORY_SERVER, HF_ACTION_NEVER, FINAL, "Redis refused",
	                                     NULL};
	const struct refusal *refusal = find(reply);
	refusal = refusal ? refusal : &other;
	error_set(err, refusal->status, "could not %s: %s", what, refusal->meaning);
	error_detail(err, "%.*s", (int)(reply->len < 400 ? reply->len : 400), reply->str);
	if (refusal->hint)
		error_hint(err, "%s", refusal->hint);
	if (err) {
		err->category = refusal->category;
		err->action = refusal->action;
		err->alert = refusal->status == HF_E_CORRUPT || refusal->status == HF_E_LIMIT;
	}
	return refusal->status;
}

enum hf_status redis_unexpected(const char *what, hf_error *err)
{
	return error_set(err, HF_E_PROTOCOL, "could not %s: Redis answered with something else than was asked for",
	                 what);
}
