/*
 * redis.h - the inside of the Redis backend: the key-value store on a Redis 5.0 or newer, through hiredis' reader.
 *
 * What a namespace NS is on the server, all on one slot of a cluster by the tag in braces (NS with % { } as %XX):
 *
 *     {holdfast:NS}:records   hash     key -> record (redis_record.h): one string with times, metadata, value; and
 *                                      under the byte 0xff the state: last revision, epoch, newest checkpoint,
 *                                      and whether it is known that there is no feed
 *     {holdfast:NS}:order     zset     key, score 0: ZRANGEBYLEX is the order of memcmp(3)
 *     {holdfast:NS}:expiry    zset     key, score the moment at which it expires, in microseconds
 *     {holdfast:NS}:locks     hash     name -> fence, times, owner: beside the entries, not one of them
 *     {holdfast:NS}:images    hash     key, epoch (4 bytes) -> record as it was before that epoch
 *     {holdfast:NS}:untils    hash     key -> the epochs of its images
 *     {holdfast:NS}:past      zset     keys that have images, score 0
 *     {holdfast:NS}:changed   zset     key, score the last epoch in which it was written, with checkpoints
 *     {holdfast:NS}:points    hash     id of a checkpoint -> its row (points.lua)
 *     {holdfast:NS}:epochs    zset     id of a checkpoint, score its epoch
 *     {holdfast:NS}:feed      hash     what the change feed keeps, and the number of the last change
 *     {holdfast:NS}:changes   stream   number -> kind, revision, time, key
 *     holdfast:namespaces     set      the names
 *     holdfast:ttls           hash     name -> default time to live, in microseconds
 *
 * A key that begins with 0xff stands there with that byte twice: the order is the same, and the state is no key.
 * Checkpoints go by epochs as those of LMDB do (engine_checkpoint.h).
 *
 * Invariant: a key is in `order` if and only if it is in `records`, and in `expiry` with the moment that its record
 * says if and only if that says one. Scripts (src/kv/redis/) are all that writes, so each change of them is one.
 *
 * A hash rather than a key of Redis per entry: emptying a namespace is one UNLINK that readers see at one moment and no
 * SCAN is ever needed, and nothing is left behind. Redis itself expires nothing (its PEXPIREAT would take a record and
 * leave its place in the order, and knows no fields of hashes before 7.4): the deadline in the record decides by the
 * server's TIME, sweep() removes by `expiry`. So no key of ours has a TTL and the volatile-* policies evict nothing,
 * but for what is put aside by a load or a restore (aside.lua): that has an hour, and its loss is noticed.
 *
 * Revisions are the server's time in microseconds, or one more than the last: with a counter alone a server that lost
 * its last seconds would give revisions twice. They are below 2^53, which Lua's numbers hold exactly.
 *
 * Durability. HF_KV_STRICT: the server writes its log through at each command (appendonly yes, appendfsync always), or
 * is asked to after each write (WAITAOF, 7.2 and newer); a server that does neither, or does not say, is refused by
 * name rather than believed. HF_KV_RELAXED: what the server is set to. A server that may evict, or keeps nothing, is
 * told of (log events redis_evicts, redis_forgets). Replication is asynchronous: a failover may lose what was
 * acknowledged.
 *
 * Failures. A request that was not sent completely did not happen, and one refused as -LOADING, -BUSY and the like
 * neither: both are sent again, `attempts_max` times in all with growing pauses. A write that was sent and not answered
 * is HF_E_OUTCOME_UNKNOWN; a read is sent again. Cluster redirections are refused (HF_E_UNSUPPORTED).
 *
 * redis_url.c URL . redis_wire.c sockets . redis_login.c what the server is . redis_pool.c connections . redis_call.c
 * requests, again . redis_error.c refusals . redis_space.c namespaces . redis_record.c records . redis_read.c reading .
 * redis_write.c writing . redis_checkpoint.c checkpoints . redis_restore.c restoring . redis_kept.c what they keep .
 * redis_lock.c leases . redis_feed.c the change feed . redis_load.c all or nothing . redis_health.c how the server is .
 * redis.c the table
 */
#ifndef KV_REDIS_H
#define KV_REDIS_H

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/macros.h"
#include "base/str.h"
#include "holdfast/backend.h"
#include "kv/codec.h"
#include "kv/redis_url.h"

enum {
	REDIS_SPACES_MAX = 65536,            /* namespaces used by one process */
	REDIS_REQUEST_BYTES_MAX = 900 << 20, /* the server's client-query-buffer-limit is a gigabyte */
	REDIS_ANSWER_BYTES_MAX = 1200 << 20,
	REDIS_FIRST_MAX = 16, /* connections made at open */
	REDIS_VERSION_MIN = 50000,
	REDIS_CHANGES_MAX = 100000 /* entries that one script restores or, with checkpoints, clears or replaces */
};

DEFINE_OWNED(reply, void *, freeReplyObject)

/* ---- requests: what is sent, made before there is a connection ---- */

/* A long argument; it goes in behind text[0..at). Borrowed. */
struct redis_piece {
	size_t at;
	struct hf_bytes bytes;
};

struct redis_request {
	struct buf text;
	struct redis_piece *pieces;
	size_t count, capacity;
	size_t piece_bytes;
	bool failed;
};

void redis_request_init(struct redis_request *request);
void redis_request_deinit(struct redis_request *request);
/** A command of `argc` words, its name included; the words follow. */
void redis_request_command(struct redis_request *request, size_t argc);
void redis_request_word(struct redis_request *request, struct hf_bytes word);
/** One word of two parts; the first is copied. */
void redis_request_joined(struct redis_request *request, struct hf_str first, struct hf_bytes rest);
/** A key as it stands at the server. */
void redis_request_key(struct redis_request *request, struct hf_bytes key);
void redis_request_text(struct redis_request *request, const char *word);
void redis_request_number(struct redis_request *request, int64_t number);
/** HF_E_LIMIT when it outgrew REDIS_REQUEST_BYTES_MAX; HF_E_NOMEM. */
enum hf_status redis_request_check(const struct redis_request *request, hf_error *err);

/* ---- connections ---- */

enum redis_strict { REDIS_STRICT_NOT, REDIS_STRICT_ALWAYS, REDIS_STRICT_WAIT };

/* What a server says of itself at the login; "" and 0 where it does not say. */
struct redis_server {
	int version;          /* 70015 = 7.0.15 */
	char append_only[8];  /* "yes", "no" */
	char append_sync[16]; /* "always", "everysec", "no" */
	char policy[32];      /* maxmemory-policy */
	int64_t memory_max;
	enum redis_strict strict;
};

struct redis_connection {
	hf_context *ctx;
	int fd;
	redisReader *reader;
	struct redis_server server;
	int64_t since_us; /* idle since */
	struct redis_connection *next;
};

enum hf_status redis_wire_connect(hf_context *ctx, const struct redis_url *url, hf_deadline deadline,
                                  struct redis_connection **ret_connection, hf_error *err);
void redis_wire_close(struct redis_connection *connection);
DEFINE_OWNED(redis_connection, struct redis_connection *, redis_wire_close)
/** Nobody has closed the other end, nor sent what was not asked for; not looked at within a millisecond of the last
 *  answer, after which a request finds it closed as one does whose server goes away meanwhile. No round trip. */
bool redis_wire_alive(const struct redis_connection *connection, int64_t now_us);
/** Nothing was received beyond the answers that were taken. */
bool redis_wire_is_silent(const struct redis_connection *connection);
/** @param ret_whole whether all of it left. Failures are HF_E_UNAVAILABLE, HF_TIMEOUT, HF_E_INTERRUPTED. */
enum hf_status redis_wire_send(struct redis_connection *connection, const struct redis_request *request,
                               hf_deadline deadline, bool *ret_whole, hf_error *err);
/** The next answer; free it with freeReplyObject(). As above; HF_E_PROTOCOL; HF_E_LIMIT; HF_E_NOMEM. */
enum hf_status redis_wire_receive(struct redis_connection *connection, hf_deadline deadline, redisReply **ret_reply,
                                  hf_error *err);

/** Connect, log in, learn what the server is. */
enum hf_status redis_login(hf_kv_backend_state *state, hf_deadline deadline, struct redis_connection **ret_connection,
                           hf_error *err);
/** The value behind "\nname:" of an answer to INFO; empty when it is not there. Borrowed. */
struct hf_str redis_info_field(struct hf_str info, const char *name);
/** HF_E_UNSUPPORTED unless `server` can keep HF_KV_STRICT. */
enum hf_status redis_check_strict(const struct redis_server *server, hf_error *err);

struct redis_pool {
	pthread_mutex_t mutex;
	pthread_cond_t freed;
	struct redis_connection *idle; /* the last that came back first */
	uint32_t idle_count, open_count, min, max;
	int64_t idle_us_max; /* negative = for ever */
	pid_t pid;           /* that made it */
};

void redis_pool_init(struct redis_pool *pool, const struct hf_kv_options *options);
void redis_pool_deinit(struct redis_pool *pool);
enum hf_status redis_pool_take(hf_kv_backend_state *state, hf_deadline deadline,
                               struct redis_connection **ret_connection, hf_error *err);
/** @param broken it is closed. */
void redis_pool_give(hf_kv_backend_state *state, struct redis_connection *connection, bool broken);

/* ---- the backend ---- */

struct redis_script {
	const char *name;
	char sha1[41];
	struct hf_str text;
};
extern const struct redis_script redis_script_write, redis_script_put, redis_script_puts, redis_script_read,
	redis_script_scan, redis_script_count, redis_script_clear, redis_script_sweep, redis_script_lock,
	redis_script_load, redis_script_load_end, redis_script_feed, redis_script_points, redis_script_forget,
	redis_script_read_at, redis_script_scan_at, redis_script_restore, redis_script_restore_aside,
	redis_script_restore_swap, redis_script_weigh;

/* As the scripts count them, from 1. Feed and changes are the last, everywhere. */
enum {
	REDIS_RECORDS,
	REDIS_ORDER,
	REDIS_EXPIRY,
	REDIS_LOCKS,
	REDIS_IMAGES,
	REDIS_UNTILS,
	REDIS_PAST,
	REDIS_CHANGED,
	REDIS_POINTS,
	REDIS_EPOCHS,
	REDIS_FEED,
	REDIS_CHANGES,
	REDIS_KEYS
};

/* A namespace: its keys, and the same as they stand in a request; and the first of those. */
struct redis_space {
	struct hf_str keys[REDIS_KEYS];
	struct hf_str words, first_word;
};

struct hf_kv_backend_state {
	hf_context *ctx;
	struct redis_url url;
	enum hf_kv_durability durability;
	int64_t timeout_ms, connect_timeout_ms, backoff_ms, backoff_ms_max;
	int64_t slow_us; /* a request that takes so long is told of; negative = none is */
	bool log_requests;
	uint32_t attempts_max;
	bool no_namespace; /* none is made */
	struct redis_pool pool;
	atomic_uint_least64_t retries;
	struct codec codec;
	atomic_bool expiring; /* the entry that was read last expires */
	int64_t changes_max;  /* REDIS_CHANGES_MAX; tests have less */

	pthread_mutex_t mutex; /* for what follows */
	hf_arena *arena;       /* of the spaces */
	struct intern *names;
	struct redis_space *_Atomic spaces[REDIS_SPACES_MAX]; /* read without the mutex */
	struct redis_server told;                             /* what log events were given of */
};

/** What NS is on the server. */
enum hf_status redis_space_make(hf_arena *arena, struct hf_str name, struct redis_space **ret_space, hf_error *err);
struct redis_space *redis_space(const hf_kv_backend_state *state, int32_t ns);
enum hf_status redis_name_space(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline, int32_t *ret_ns,
                                hf_error *err);
enum hf_status redis_space_ttl(hf_kv_backend_state *state, int32_t ns, const int64_t *set_us, hf_deadline deadline,
                               int64_t *ret_us, hf_error *err);
/** The names of all namespaces; in `arena`. */
enum hf_status redis_space_names(hf_kv_backend_state *state, hf_deadline deadline, hf_arena *arena,
                                 struct hf_str **ret_names, size_t *ret_count, hf_error *err);

typedef enum hf_status redis_space_fn(hf_kv_backend_state *state, const struct redis_space *space, hf_deadline deadline,
                                      void *user, hf_error *err);
/** Each namespace of the server; HF_STOP ends it. */
enum hf_status redis_each_space(hf_kv_backend_state *state, hf_deadline deadline, redis_space_fn *fn, void *user,
                                hf_error *err);
enum hf_status redis_now(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_us, hf_error *err);
/** redis_health.c: for kv_health.h. */
enum hf_status redis_inspect(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline, struct hf_kv_health *health,
                             hf_error *err);

/* ---- calls ---- */

/* A request with what may be done about its failure. */
struct redis_call {
	const struct redis_request *request;
	const char *what;                  /* for messages: "read", "write" */
	const struct redis_script *script; /* what to load when the server does not know it; NULL = none */
	size_t answers;                    /* how many commands the request has */
	bool writes;
	bool strict; /* of what writes */
	hf_deadline deadline;
};

/** Lock, owner and fence as three words. */
void redis_request_fence(struct redis_request *request, const struct hf_kv_fence *fence);
/** EVALSHA of `script` on `space` with `argc` arguments, which follow. */
void redis_request_script(struct redis_request *request, const struct redis_script *script,
                          const struct redis_space *space, size_t argc);
/** @param ret_replies one for each command, none of them a refusal. Free them. */
enum hf_status redis_call(hf_kv_backend_state *state, const struct redis_call *call, redisReply **ret_replies,
                          hf_error *err);
/** One command, or `script` (NULL: none), that only reads or may be done twice: it may be sent again. Ends the
 *  request. */
enum hf_status redis_ask(hf_kv_backend_state *state, struct redis_request *request, const struct redis_script *script,
                         const char *what, hf_deadline deadline, redisReply **ret_reply, hf_error *err);
/** True for a refusal that says that nothing happened and may be gone soon. @param ret_drop use another connection. */
bool redis_is_passing(const redisReply *reply, bool *ret_drop);
/** The error that a refusal is. */
enum hf_status redis_refusal(const redisReply *reply, const char *what, hf_error *err);
/** The error of an answer that is none of those expected. */
enum hf_status redis_unexpected(const char *what, hf_error *err);
static inline bool redis_is_array(const redisReply *reply, size_t elements_min)
{
	return reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements_min;
}
/** A key without what redis_request_key() may have put before it; borrowed. */
static inline struct hf_bytes redis_plain_key(struct hf_bytes key)
{
	size_t doubled = key.len > 1 && key.ptr[0] == 0xff;
	return (struct hf_bytes){key.ptr + doubled, key.len - doubled};
}
/** The key that `reply`, a text, holds; borrowed. */
static inline struct hf_bytes redis_key_of(const redisReply *reply)
{
	return redis_plain_key((struct hf_bytes){(const uint8_t *)reply->str, reply->len});
}
/** Microseconds of an answer to TIME. False: it is none. */
bool redis_time(const redisReply *seconds, const redisReply *microseconds, int64_t *ret_us);

/* ---- entries (the functions of backend.h) ---- */

enum hf_status redis_read(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                          bool keys_only, hf_deadline deadline, hf_arena *arena, struct hf_kv_entry *ret_entries,
                          hf_error *err);
/** What the scripts `read` and `read_at` are to answer: heads, or records; of those `read` leaves longer values out. */
void redis_request_part(struct redis_request *request, bool keys_only, uint32_t value_bytes_max);
enum hf_status redis_gather(hf_kv_backend_state *state, int32_t ns, const struct hf_bytes *keys, size_t count,
                            uint32_t value_bytes_max, hf_deadline deadline, hf_arena *arena,
                            struct hf_kv_entry *ret_entries, hf_error *err);
enum hf_status redis_scan(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, hf_kv_entry_fn *fn,
                          void *user, hf_error *err);
enum hf_status redis_count(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_span *span, uint64_t *ret_count,
                           hf_error *err);
enum hf_status redis_apply(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_batch *batch, hf_arena *arena,
                           struct hf_kv_result *ret_results, hf_error *err);
enum hf_status redis_transact(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_txn *txn,
                              const struct hf_kv_batch *common, hf_arena *arena, bool *ret_held,
                              struct hf_kv_result *ret_results, hf_error *err);

/* What takes the place of a namespace that has checkpoints in steps, since it is too much for one script. */
struct redis_replacing {
	const char *what;                /* for messages */
	const char *token;               /* of a load that is aside as a whole; NULL = nothing comes: it is cleared */
	int64_t aside;                   /* entries there */
	bool empty;                      /* nothing live may stand there */
	const struct hf_kv_fence *fence; /* NULL = none */
	enum hf_kv_durability durability;
	hf_deadline deadline;
};
/** At one moment for readers; others write meanwhile, which is lost. HF_CONFLICT; HF_BUSY others made or deleted a
 *  checkpoint, or wrote too much; HF_E_UNAVAILABLE what was put aside is gone. Whatever fails, nothing has happened,
 * but for HF_E_OUTCOME_UNKNOWN. @param ret_gone live entries that stood there. */
enum hf_status redis_replace(hf_kv_backend_state *state, int32_t ns, const struct redis_replacing *how,
                             uint64_t *ret_gone, hf_error *err);
/** What tells things put aside from those of others. */
void redis_aside_name(hf_kv_backend_state *state, char ret_token[20]);
/** They go, in a time of its own, or by themselves in an hour. */
void redis_aside_drop(hf_kv_backend_state *state, const struct redis_space *space, const char *token);
enum hf_status redis_load(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_load *how, hf_error *err);
enum hf_status redis_lock_take(hf_kv_backend_state *state, int32_t ns, struct hf_str name, struct hf_str owner,
                               int64_t ttl_us, hf_deadline deadline, hf_arena *arena, struct hf_kv_lock *ret_lock,
                               hf_error *err);
enum hf_status redis_lock_renew(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_fence *held, int64_t ttl_us,
                                hf_deadline deadline, int64_t *ret_expires_us, hf_error *err);
enum hf_status redis_lock_list(hf_kv_backend_state *state, int32_t ns, struct hf_str name, hf_deadline deadline,
                               hf_arena *arena, struct hf_kv_lock **ret_locks, size_t *ret_count, hf_error *err);

enum hf_status redis_feed_set(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_feed *feed,
                              hf_deadline deadline, hf_error *err);
enum hf_status redis_feed_show(hf_kv_backend_state *state, int32_t ns, hf_deadline deadline,
                               struct hf_kv_feed *ret_feed, hf_error *err);
enum hf_status redis_changes(hf_kv_backend_state *state, int32_t ns, struct hf_kv_feed_place *place, size_t limit,
                             hf_deadline deadline, hf_arena *arena, struct hf_kv_event **ret_events, size_t *ret_count,
                             hf_error *err);

/* ---- checkpoints ---- */

enum hf_status redis_point_create(hf_kv_backend_state *state, int32_t ns, struct hf_kv_checkpoint *point,
                                  hf_deadline deadline, hf_error *err);
enum hf_status redis_point_list(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id, hf_deadline deadline,
                                hf_arena *arena, struct hf_kv_checkpoint **ret_points, size_t *ret_count,
                                hf_error *err);
enum hf_status redis_point_update(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *point,
                                  hf_deadline deadline, hf_error *err);
enum hf_status redis_point_delete(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                  hf_deadline deadline, hf_error *err);
/** A row of `points`; all but the id, texts borrowed. False: it is none. */
bool redis_read_point(const redisReply *record, struct hf_kv_checkpoint *ret_point);
enum hf_status redis_point_changed(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                                   hf_deadline deadline, bool *ret_changed, hf_error *err);
enum hf_status redis_points_weigh(hf_kv_backend_state *state, int32_t ns, const struct hf_kv_checkpoint *points,
                                  size_t count, hf_deadline deadline, uint64_t *ret_bytes, hf_error *err);
enum hf_status redis_restore(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                             struct hf_kv_checkpoint *undo, hf_deadline deadline, struct hf_kv_restored *ret_restored,
                             hf_error *err);
enum hf_status redis_read_at(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *id,
                             const struct hf_bytes *keys, size_t count, bool keys_only, hf_deadline deadline,
                             hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err);
enum hf_status redis_diff(hf_kv_backend_state *state, int32_t ns, const struct hf_uuid *from, const struct hf_uuid *to,
                          int64_t moment_us, hf_deadline deadline, hf_kv_change_fn *fn, void *user, hf_error *err);

#endif
