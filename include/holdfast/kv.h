/*
 * kv.h - a durable key-value store with the same answers on PostgreSQL, LMDB, Redis and in memory.
 *
 *     hf_kv *kv;
 *     hf_kv_open(ctx, "lmdb:/var/lib/app/state", NULL, &kv, &err);
 *     hf_kv_put(kv, HF_KV_KEY("greeting"), HF_KV_KEY("hello"), NULL, &err);
 *     hf_kv_get(kv, HF_KV_KEY("greeting"), NULL, arena, &entry, &err);      HF_OK; entry.value is "hello"
 *     hf_kv_close(kv);
 *
 * Keys and values are bytes. A key has 0 to `key_bytes_max` bytes and orders as memcmp(3) does, the shorter first; a
 * value may be empty, which is not the same as absent. An entry has a revision, times, an expiry or none, and JSON
 * metadata or none. A namespace is a store of its own within a backend; a handle belongs to one.
 *
 * Expired is absent: an entry whose expiry is not in the future is returned, counted and listed by nothing, whether or
 * not it was swept yet. The clock is that of the store: the server's for PostgreSQL and Redis, the context's for LMDB
 * and memory.
 *
 * A revision is a number of the store that is never given twice, not even after a delete, and grows with each write of
 * a key. It is what to compare with: HF_KV_IF_REV cannot be fooled by a value that changed and changed back.
 *
 * Writes: what a call acknowledges is durable as the backend's durability says (memory: none). All writes of one call
 * happen or none does. A connection lost at the commit is HF_E_OUTCOME_UNKNOWN; plain puts and deletes may be repeated
 * by the caller, conditional ones must be looked up, unless there is a token (struct hf_kv_how).
 *
 * Errors of every call, the same on each backend: HF_E_LIMIT a key, a value or metadata is too long, a batch has too
 * many items, or the store is full (category HF_CATEGORY_RESOURCE); HF_E_USAGE a TTL that is not in 1 us to 100 years,
 * metadata that is not JSON, a flag that does not go with the operation; HF_E_UNSUPPORTED what the backend cannot give,
 * by name; HF_TIMEOUT; HF_BUSY an LMDB folder has as many readers, in all processes together, as it has places (4096);
 * HF_E_UNAVAILABLE; HF_E_DENIED; HF_E_CORRUPT a stored record that is none, or a file that was cut; HF_E_DRIFT the
 * tables are not those of this version; HF_E_NOMEM. Expected ones are named at each call.
 *
 * Threads: a handle may be used by any number of threads. fork: in a child every call but hf_kv_close() is HF_E_USAGE.
 * Ownership: inputs are borrowed for the call; everything returned lives in the arena passed in.
 * Round trips: none for memory and LMDB; for Redis one a call unless said otherwise, and two for a get where some
 * entries expire and some do not, and for the first put of a key after a checkpoint. For PostgreSQL one for what reads
 * and for plain puts, however many, or a plain delete (different keys, of hf_kv_put_many() any; no flag but
 * HF_KV_NO_TTL, no created_us, no fence; deletes strict). Two for several plain deletes and for hf_kv_clear(). Three
 * for all other writes, also if they are refused: epoch and fence; what is read and locked; all is stored and
 * committed. Above 5,000 keys or 8 MiB one more for each such step of either. The first use of a query on a connection
 * is one more. A race for a key that was free begins anew.
 * A plain put of one key takes two where those before it replaced an entry and it does not: the key is new, its entry
 * has expired, or expires and the put has no TTL, or it is written for the first time since a checkpoint. Where that is
 * common, one put in 256 does.
 *
 * Combining (PostgreSQL and Redis; hf_kv_options.combine): while `combine` statements of a handle that read are on
 * their way, calls of other threads that read one key wait for the next, which is one for all of them, up to 256. So do
 * plain puts and deletes of one key of up to 8 KiB, with as many statements again, each a transaction, or a request to
 * Redis. No thread is behind it, and a call that finds none on its way goes at once. With many threads on PostgreSQL it
 * gives several times the throughput of a connection each. By four threads on Redis it spares processor time where that
 * is short, and where it is not has half the calls a second. Answers are those of the call alone, errors too: what one
 * caller's value is to blame for the others do not see. What differs on PostgreSQL: a caller whose deadline passes
 * while its put or delete is on its way in a statement of others has HF_E_OUTCOME_UNKNOWN at once, where alone the
 * statement would be cancelled. And on Redis, which cancels nothing: puts and deletes that share a request have
 * HF_E_OUTCOME_UNKNOWN when the deadline of the one of them that sent it passes, those with more time too.
 */
#ifndef HOLDFAST_KV_H
#define HOLDFAST_KV_H

#include "holdfast/arena.h"
#include "holdfast/context.h"
#include "holdfast/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_kv hf_kv;

#define HF_KV_KEY(literal) (HF_LITERAL(hf_bytes){(const uint8_t *)"" literal "", sizeof(literal) - 1})
/** A view of a NUL-terminated string as bytes. */
static inline struct hf_bytes hf_kv_text(const char *text)
{
	struct hf_bytes view = {(const uint8_t *)text, text ? strlen(text) : 0};
	return view;
}

enum {
	HF_KV_KEY_BYTES = 480,        /* default bound: what every backend can hold */
	HF_KV_KEY_BYTES_MAX = 2048,   /* PostgreSQL, memory, Redis */
	HF_KV_VALUE_BYTES = 64 << 20, /* default bound */
	HF_KV_VALUE_BYTES_MAX = 512 << 20,
	HF_KV_METADATA_BYTES = 64 << 10,
	HF_KV_COMPRESS_FROM = 512,   /* default: see hf_kv_options */
	HF_KV_METADATA_LEVELS = 63,  /* of nesting */
	HF_KV_NAMESPACE_BYTES = 128, /* UTF-8, at least one byte */
	HF_KV_BATCH_MAX = 1000000    /* writes, and keys of a read, a call */
};
#define HF_KV_COMPRESS_NEVER UINT32_MAX
#define HF_KV_TTL_MAX_US (INT64_C(100) * 36525 / 100 * 86400 * 1000000) /* 100 years */

/* What a backend can give (hf_kv_capabilities); what is missing is refused with HF_E_UNSUPPORTED. */
enum hf_kv_capability {
	HF_KV_CAN_PERSIST = 1, /* survives the process */
	HF_KV_CAN_SHARE = 2,   /* several processes at a time */
	HF_KV_CAN_RELAX = 4,   /* HF_KV_RELAXED is another promise than HF_KV_STRICT */
	HF_KV_CAN_CHECKPOINT = 8,
	HF_KV_CAN_LOCK = 16,
	HF_KV_CAN_ESTIMATE = 32, /* a count without reading */
	HF_KV_CAN_READ_REPLICAS = 64,
	HF_KV_CAN_WATCH = 128,   /* a change feed: kv_watch.h */
	HF_KV_CAN_INDEX = 256,   /* indexes on metadata: kv_index.h */
	HF_KV_CAN_SNAPSHOT = 512, /* checkpoints of kind HF_KV_SNAPSHOT: kv_checkpoint.h */
	HF_KV_CAN_TOKEN = 1024    /* tokens of writes (below) */
};

enum hf_kv_durability {
	HF_KV_STRICT = 0, /* acknowledged = on disk: PostgreSQL with fsync and full_page_writes (kv_health.h tells of
	                   * one without), even where synchronous_commit is off. The handle keeps what it was when
	                   * the store was opened, whatever role and database are set to later */
	HF_KV_RELAXED     /* may lose the last moments at a crash of the server or machine; never torn */
};

/* Two looks at the clock a call: a few in a hundred of what LMDB and memory take, nothing beside a round trip. */
enum hf_kv_latencies {
	HF_KV_LATENCIES_DEFAULT = 0, /* counted, but for LMDB and memory */
	HF_KV_LATENCIES_ON,
	HF_KV_LATENCIES_OFF
};

struct hf_kv_options {
	size_t size;
	const char *name_space;           /* NULL = "default"; made when it is not there */
	uint32_t key_bytes_max;           /* 0 = HF_KV_KEY_BYTES */
	uint32_t value_bytes_max;         /* 0 = HF_KV_VALUE_BYTES */
	int64_t timeout_ms;               /* 0 = 60,000: of a call without a deadline of its own */
	int64_t ttl_us;                   /* of what is made and says none; 0 = the namespace's: hf_kv_default_ttl() */
	enum hf_kv_durability durability; /* of writes that say none */
	enum hf_kv_latencies latencies;   /* see hf_kv_latency() */
	int64_t slow_ms;                  /* 0 = 1,000; -1 = never: a statement (PostgreSQL) or request (Redis) that
	                                     took so long is a log event, query_slow or redis_slow, with its name */
	bool log_statements;              /* each is one, at debug; names, times and outcomes, never parameters */
	int64_t sweep_interval_ms;        /* 0 = 60,000; -1 = no thread of the handle removes what expired */
	/* Values of so many bytes and more are kept compressed where that makes them shorter by 12 % and more, on every
	 * backend; lengths are always those of the value. 0 = HF_KV_COMPRESS_FROM. It binds what is put, not what is
	 * read. */
	uint32_t compress_from;
	/* Checkpoints of the handle's namespace by themselves, named HF_KV_SCHEDULED (kv_checkpoint.h): one an
	 * interval, made by one of all handles and processes that ask for it, if anything was written since.
	 * HF_E_UNSUPPORTED where there are none. Which of them stay, pinned ones beside: the newest, and the newest of
	 * each of the latest hours and days (UTC) that have one. hf_kv_close() waits for one that is being made. */
	int64_t checkpoint_interval_ms; /* 0 = none are made */
	uint32_t checkpoints_kept;      /* 0 = 10 */
	uint32_t checkpoints_hourly;
	uint32_t checkpoints_daily;
	/* PostgreSQL */
	const char *schema;             /* NULL = "public" */
	const char *table;              /* NULL = "state_entries"; the others are named after it */
	bool no_migrate;                /* the tables must stand; without it hf_kv_open() makes or renews them.
	                                   LMDB: so must the folder */
	uint32_t connections_min;       /* 0 = 2, or connections_max if less; Redis too */
	uint32_t connections_max;       /* 0 = 10 */
	int64_t connect_timeout_ms;     /* 0 = 30,000 */
	uint32_t attempts_max;          /* 0 = 3: the first included. Repeated are conflicts, shortages, and what
	                                   certainly did not reach a server; never what may have happened */
	int64_t backoff_ms;             /* 0 = 100: base of the exponential pause with full jitter */
	int64_t backoff_ms_max;         /* 0 = 5,000: what it grows to */
	int64_t connection_idle_ms;     /* 0 = 600,000; -1 = never: closes idle ones beyond the minimum */
	int64_t connection_lifetime_ms; /* 0 = 1,800,000; -1 = for ever: PostgreSQL */
	uint32_t combine;               /* so many statements at a time that callers share (above); 0 = none. On
	                                   Redis 1 is best */
	const char *replica_url;        /* a hot standby that may be read from (hf_kv_read.replica); NULL = none */
	int64_t replica_stale_ms_max;   /* 0 = 5,000: how late it may be; from 10 */
	/* LMDB: concurrent calls of one write each share a commit. HF_KV_RELAXED does not wait for a commit's last
	 * page: a crash of the machine may undo the newest */
	uint64_t map_bytes_max; /* 0 = 64 GiB of address space: HF_E_LIMIT beyond */
	bool no_namespace;      /* none is made by looking at it: HF_NOT_FOUND, of hf_kv_namespace() too */
};

/**
 * Open by URL: "memory:" (a store of this handle and those made from it), "lmdb:PATH" (a directory, made when missing),
 * "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]" or "redis+unix:///SOCKET[?db=N]", "postgresql://..." or a key=value
 * string as settings.h has it. Redis: HF_E_UNSUPPORTED for HF_KV_STRICT unless the server syncs its log at each write
 * (appendonly yes, appendfsync always) or can be asked to (7.2 and newer, appendonly yes).
 * A folder of LMDB may be open in many processes, once in each: HF_E_USAGE the second time.
 * @return HF_OK; HF_NOT_FOUND the namespace, with no_namespace (and no_migrate: all of PostgreSQL's tables);
 * HF_E_CONFIG a URL of no backend; HF_E_UNAVAILABLE; HF_E_DENIED; HF_E_DRIFT made by another version, or with
 * no_migrate not made; HF_CONFLICT tables of another shape stand at that name (the hint names the import), or another
 * program's database in the folder. Nothing is left behind on failure. Round trips: a login, the migrations, and a few.
 */
enum hf_status hf_kv_open(hf_context *ctx, const char *url, const struct hf_kv_options *options, hf_kv **ret_kv,
                          hf_error *err);
/** A handle of another namespace of the same backend, with the options of `kv`. Close it like any. */
enum hf_status hf_kv_namespace(hf_kv *kv, const char *name, hf_kv **ret_kv, hf_error *err);
/** End and free. No call of the handle may be running. The backend closes with its last handle: its thread ends and
 *  what was relaxed is made durable. NULL is allowed. */
void hf_kv_close(hf_kv *kv);
/** Bits of enum hf_kv_capability. */
uint32_t hf_kv_capabilities(const hf_kv *kv);
/** "postgresql", "lmdb", "redis", "memory". */
const char *hf_kv_backend(const hf_kv *kv);

/* ---- entries ---- */

#define HF_KV_NEVER INT64_C(0) /* expires_us of what does not expire */

struct hf_kv_entry {
	struct hf_bytes key;
	struct hf_bytes value;  /* {NULL, 0} where only keys were asked for */
	struct hf_str metadata; /* canonical JSON: keys in order, no blanks; ptr NULL = none */
	int64_t rev;            /* above 0 */
	int64_t created_us;     /* since 1970; of the first put since the key was absent, or as brought along */
	int64_t updated_us;
	int64_t expires_us; /* since 1970, or HF_KV_NEVER */
};

/* How to read. NULL for the defaults. */
struct hf_kv_read {
	hf_deadline deadline; /* 0 = the handle's timeout from now */
	bool keys_only;       /* no values, no metadata */
	bool value_only;      /* of single keys: the value and nothing else, all other members of the entry are 0, its
	                         revision too; absent among several: value.ptr is NULL. What most callers want, and for
	                         PostgreSQL a tenth less work; there the first value of a backend that looks
	                         compressed is asked for twice, both times into the arena, and until then one of
	                         whose first eight bytes several were damaged is no HF_E_CORRUPT. HF_E_USAGE with
	                         keys_only and for ranges */
	bool fresh;           /* of the store itself, whatever a cache has (kv_cache.h) */
	bool replica;         /* a read replica may answer (below) */
	int64_t behind;       /* with `replica`: what hf_kv_position() told has to be there; 0 = nothing */
};

/*
 * Read replicas (PostgreSQL; hf_kv_options.replica_url, a hot standby that follows the same primary). A read with
 * `replica` is answered by it if it has everything that was committed until `replica_stale_ms_max` before the call, and
 * what `behind` names; if it lacks that, 50 ms later too, or cannot be reached, by the primary. So what is read is late
 * by that bound at most; the clock of expiries is the replica's. To read what was written: ask hf_kv_position()
 * behind the write, hand the number to whoever reads, in another process if need be. Conditions, transactions, reads
 * as of a checkpoint and whatever writes ask the primary; neither does a cache keep what a replica said. A range that
 * a replica begins and cannot end goes on at the primary, behind the last entry that was seen. Round trips: one;
 * every half of the bound one to the primary, and one or more to the replica where it is not known to be so far.
 */

/** A number that is behind every write that returned before. Round trips: one. HF_E_UNSUPPORTED without
 *  HF_KV_CAN_READ_REPLICAS. */
enum hf_status hf_kv_position(hf_kv *kv, hf_deadline deadline, int64_t *ret_position, hf_error *err);

/** HF_OK; HF_NOT_FOUND absent or expired. */
enum hf_status hf_kv_get(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how, hf_arena *arena,
                         struct hf_kv_entry *ret_entry, hf_error *err);
/** Is it there? An error is an error, never "no". */
enum hf_status hf_kv_contains(hf_kv *kv, struct hf_bytes key, const struct hf_kv_read *how, bool *ret_is,
                              hf_error *err);
/** Several at once, from one moment. `ret_entries` has `count` places in the order of `keys`; rev is 0 for what is
 *  absent. A key may stand in `keys` several times. */
enum hf_status hf_kv_get_many(hf_kv *kv, const struct hf_bytes *keys, size_t count, const struct hf_kv_read *how,
                              hf_arena *arena, struct hf_kv_entry *ret_entries, hf_error *err);

/* ---- writing ---- */

enum hf_kv_op {
	HF_KV_PUT = 1, /* replace as a whole: value, metadata, expiry; created_us is kept for a live entry */
	HF_KV_DELETE,  /* what is absent is deleted already */
	HF_KV_TOUCH,   /* another expiry: ttl_us from now; revision and updated_us stay; absent stays absent */
	HF_KV_PERSIST, /* no expiry; likewise */
	HF_KV_ADD,     /* the value is a decimal number of 64 bits, absent counts as 0: add `delta` */
	HF_KV_APPEND,  /* `value` behind the value; absent counts as empty */
	HF_KV_READ     /* changes nothing: `before` of its result is the entry */
};

enum hf_kv_flag {
	HF_KV_KEEP_TTL = 1,      /* PUT, ADD, APPEND: the expiry of a live entry stays. ADD and APPEND do so always */
	HF_KV_KEEP_METADATA = 2, /* PUT: likewise */
	HF_KV_NO_TTL = 4,        /* PUT: never expires, whatever the handle's ttl_us or the namespace says */
	HF_KV_RETURN_BEFORE = 8, /* any: result.before is the live entry that stood there, with its value */
	HF_KV_IF_ABSENT = 16,    /* only if there is no live entry */
	HF_KV_IF_PRESENT = 32,   /* only if there is one */
	HF_KV_IF_REV = 64,       /* only if its revision is `if_rev` */
	HF_KV_IF_VALUE = 128     /* only if its value is `if_value` */
};

/* One write. Zero what is not used. */
struct hf_kv_write {
	enum hf_kv_op op;
	uint32_t flags; /* enum hf_kv_flag */
	struct hf_bytes key;
	struct hf_bytes value;
	struct hf_str metadata; /* PUT: JSON of any kind, ptr NULL = none */
	int64_t ttl_us;         /* PUT, TOUCH: from now; 0 = the handle's or namespace's (PUT), refused (TOUCH) */
	int64_t delta;          /* ADD */
	int64_t created_us;     /* PUT of what is brought from elsewhere: what it had there, or now if that is
	                         * earlier; 0 = as the operation says */
	int64_t if_rev;
	struct hf_bytes if_value;
};

enum hf_kv_outcome {
	HF_KV_UNDONE = 0, /* another write of the call was refused: nothing happened */
	HF_KV_DONE,
	HF_KV_NO_ENTRY,  /* DELETE, TOUCH, PERSIST, READ: there was none; the call goes on */
	HF_KV_EXISTS,    /* refused: HF_KV_IF_ABSENT */
	HF_KV_ABSENT,    /* refused: HF_KV_IF_PRESENT, IF_REV or IF_VALUE, and there is no live entry */
	HF_KV_CHANGED,   /* refused: another revision or value; `rev` is the present one */
	HF_KV_NO_NUMBER, /* refused: ADD to what is no number, or the sum leaves 64 bits */
	HF_KV_TOO_LONG   /* refused: APPEND beyond value_bytes_max */
};

struct hf_kv_result {
	enum hf_kv_outcome outcome;
	int64_t rev;               /* of the entry behind this write; 0 = absent */
	int64_t number;            /* ADD: the sum */
	bool existed;              /* a live entry stood there */
	struct hf_kv_entry before; /* HF_KV_RETURN_BEFORE and HF_KV_READ; rev 0 = none */
};

/* A lock that must be held for the writes to happen, checked in the same transaction. */
struct hf_kv_fence {
	struct hf_str lock;
	struct hf_str owner;
	int64_t fence;
};

/* How to write. NULL for the defaults. */
struct hf_kv_how {
	hf_deadline deadline; /* 0 = the handle's timeout from now */
	enum hf_kv_durability durability;
	bool durability_set;             /* false = the handle's */
	const struct hf_kv_fence *fence; /* NULL = none; not held is HF_CONFLICT "fenced"; HF_E_USAGE without a name */
	const struct hf_uuid *token;     /* of the write (below); NULL = none. Any 16 bytes but zeros */
	bool *ret_repeated;              /* NULL allowed: what is returned is the result of an earlier call */
};

/*
 * Tokens (HF_KV_CAN_TOKEN: PostgreSQL) make a write happen once, however often it is sent. The caller draws 128 random
 * bits before the first try. They are kept in the transaction of the write, with a hash of it and its result. Who
 * comes with the same token again, here or in another process, has that result and nothing is done; two at a time wait
 * for each other. With another request it is HF_E_USAGE: other writes or conditions, in another order, with another
 * TTL; deadline, durability and fence are no part of it, and what is told again is as durable as the repetition asks
 * for. A write that was refused (HF_CONFLICT, and HF_NOT_FOUND of hf_kv_compare_and_set()) or failed leaves no token:
 * it is judged anew. That there was nothing to touch, persist or delete is a result like any, HF_NOT_FOUND or not.
 * Where a connection is lost behind COMMIT, the library itself sends a write with a token again until the deadline, and
 * HF_E_OUTCOME_UNKNOWN is what is left when that passes; without a token it never does.
 * A token is of its namespace. It is kept for 24 hours at least, then the sweeper removes it; later it is a new one.
 * It is no part of checkpoints: behind a restore, a clear or a copy its write still counts as done. What came before
 * an entry (HF_KV_RETURN_BEFORE, HF_KV_READ) is kept with it, with values.
 * All calls take it that have a struct hf_kv_how, but for hf_kv_clear() and those of kv_blob.h. Round trips: one more
 * than without, four for plain puts and deletes too; three for a repetition.
 */

/**
 * Several writes, all or nothing, seen by readers at one moment. They take effect in the order given: a key may stand
 * there several times. @param ret_results `count` of them; NULL allowed. @return HF_OK; HF_CONFLICT one was refused or
 * the fence is not held, HF_E_LIMIT for HF_KV_TOO_LONG: the message and the results tell which, nothing was changed.
 */
enum hf_status hf_kv_apply(hf_kv *kv, const struct hf_kv_write *writes, size_t count, const struct hf_kv_how *how,
                           hf_arena *arena, struct hf_kv_result *ret_results, hf_error *err);

/* A transaction: if all of `compare` hold (writes of op HF_KV_READ with IF flags), then `then`, else `otherwise`. */
struct hf_kv_txn {
	const struct hf_kv_write *compare;
	size_t ncompare;
	const struct hf_kv_write *then;
	size_t nthen;
	const struct hf_kv_write *otherwise;
	size_t notherwise;
};
/** @param ret_held which branch ran. @param ret_results of that branch: room for the longer one. Writes in a branch may
 *  have conditions too: HF_CONFLICT as above. */
enum hf_status hf_kv_transact(hf_kv *kv, const struct hf_kv_txn *txn, const struct hf_kv_how *how, hf_arena *arena,
                              bool *ret_held, struct hf_kv_result *ret_results, hf_error *err);

/* What a put may say besides key and value. NULL for nothing. */
struct hf_kv_put {
	struct hf_kv_how how;
	int64_t ttl_us;
	struct hf_str metadata;
	uint32_t flags;
	int64_t if_rev;
	struct hf_bytes if_value;
	int64_t *ret_rev;
};
/** HF_OK; HF_CONFLICT a condition does not hold: the message says which, *put->ret_rev is the present revision. */
enum hf_status hf_kv_put(hf_kv *kv, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_put *put,
                         hf_error *err);
/** @param ret_existed NULL allowed. Absent is HF_OK. */
enum hf_status hf_kv_delete(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, bool *ret_existed,
                            hf_error *err);
/** Put all, the last of a key wins. Nothing to do is HF_OK without a round trip. */
enum hf_status hf_kv_put_many(hf_kv *kv, const struct hf_bytes *keys, const struct hf_bytes *values, size_t count,
                              const struct hf_kv_how *how, hf_error *err);
enum hf_status hf_kv_delete_many(hf_kv *kv, const struct hf_bytes *keys, size_t count, const struct hf_kv_how *how,
                                 size_t *ret_existed, hf_error *err);
/** Replace `expected` by `value`; the rest of the entry stays. HF_NOT_FOUND; HF_CONFLICT another value is there. */
enum hf_status hf_kv_compare_and_set(hf_kv *kv, struct hf_bytes key, struct hf_bytes expected, struct hf_bytes value,
                                     const struct hf_kv_how *how, hf_error *err);
/** HF_OK; HF_NOT_FOUND. An expired entry is not brought back. */
enum hf_status hf_kv_touch(hf_kv *kv, struct hf_bytes key, int64_t ttl_us, const struct hf_kv_how *how, hf_error *err);
enum hf_status hf_kv_persist(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, hf_error *err);
/** @param ret_ttl_us microseconds left, above 0; HF_KV_NEVER when it does not expire. HF_OK; HF_NOT_FOUND. */
enum hf_status hf_kv_ttl(hf_kv *kv, struct hf_bytes key, int64_t *ret_ttl_us, hf_error *err);
/** HF_OK; HF_CONFLICT no number, or the sum leaves 64 bits. */
enum hf_status hf_kv_increment(hf_kv *kv, struct hf_bytes key, int64_t delta, const struct hf_kv_how *how,
                               int64_t *ret_number, hf_error *err);
enum hf_status hf_kv_append(hf_kv *kv, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_how *how,
                            hf_error *err);
/** HF_OK; HF_NOT_FOUND nothing was there (get_and_put: and it is now; ret_before->rev is 0). */
enum hf_status hf_kv_get_and_delete(hf_kv *kv, struct hf_bytes key, const struct hf_kv_how *how, hf_arena *arena,
                                    struct hf_kv_entry *ret_before, hf_error *err);
enum hf_status hf_kv_get_and_put(hf_kv *kv, struct hf_bytes key, struct hf_bytes value, const struct hf_kv_how *how,
                                 hf_arena *arena, struct hf_kv_entry *ret_before, hf_error *err);

/* ---- ranges ---- */

/* Which keys: all that begin with `prefix`, cut down to from <= key < to. Zero everything for all. */
struct hf_kv_range {
	struct hf_bytes prefix;
	struct hf_bytes from;
	struct hf_bytes to;         /* ptr NULL = no end */
	struct hf_bytes after;      /* the last key of the page before; ptr NULL = the first page */
	bool reverse;               /* from the greatest key down; `after` is then an upper end */
	size_t limit;               /* 0 = no bound of entries */
	struct hf_str has_metadata; /* only entries whose metadata contain this JSON (jsonb's @>); ptr NULL = all. What
	                               makes that quick: kv_index.h */
	bool bare;                  /* keys and nothing else: all other members of an entry are 0, its revision too. For
	                               PostgreSQL a third less work than how.keys_only */
	struct hf_kv_read how;
};

typedef enum hf_status hf_kv_entry_fn(void *user, const struct hf_kv_entry *entry, hf_error *err);
/** In the order of keys, in constant memory; the entry is valid during the callback, which must not use the handle.
 *  HF_STOP ends with HF_OK. Redis reads pages of 1,000, PostgreSQL such that grow to 16,000: what is written meanwhile
 *  is seen or not; each entry is seen once at most, and each that stood there all the time once. Round trips:
 *  one a page. */
enum hf_status hf_kv_scan(hf_kv *kv, const struct hf_kv_range *range, hf_kv_entry_fn *fn, void *user, hf_error *err);
/** A page as an array; one longer than `range->limit` is not read. limit 0 is 1,000. */
enum hf_status hf_kv_list(hf_kv *kv, const struct hf_kv_range *range, hf_arena *arena, struct hf_kv_entry **ret_entries,
                          size_t *ret_count, hf_error *err);
/** How many live entries; `range` NULL = all. */
enum hf_status hf_kv_count(hf_kv *kv, const struct hf_kv_range *range, uint64_t *ret_count, hf_error *err);
/** About how many in the namespace, without reading them; exact for LMDB and memory but for expired ones. PostgreSQL
 *  tells what its statistics say, and counts while it has none. */
enum hf_status hf_kv_count_estimate(hf_kv *kv, uint64_t *ret_count, hf_error *err);

/* ---- care ---- */

/**
 * How long entries of the namespace live that are made without a TTL, by handles that have no ttl_us; it is kept in
 * the store, for every program. 0 = they never expire. A handle knows it as of its opening, and what it set or asked
 * for since. Copies, imports and restores have entries as they are. They, and hf_kv_clear(), leave it. Round trips:
 * one.
 */
enum hf_status hf_kv_default_ttl(hf_kv *kv, int64_t *ret_ttl_us, hf_error *err);
/** What stands there keeps its expiry. HF_E_USAGE neither 0 nor a TTL. HF_E_UNSUPPORTED a backend of the program's own
 *  that keeps none. HF_E_CORRUPT, of both: somebody deleted the namespace's row (PostgreSQL). Round trips: one. */
enum hf_status hf_kv_set_default_ttl(hf_kv *kv, int64_t ttl_us, hf_error *err);
/** Empty the namespace, at one moment for readers. @param ret_removed live entries, NULL allowed. With Redis, where
 *  there are checkpoints and more than 100,000 entries, what they need is kept in steps before: others work on
 *  meanwhile, and what they write goes with the rest. HF_BUSY, with nothing done: they made or deleted a checkpoint. */
enum hf_status hf_kv_clear(hf_kv *kv, const struct hf_kv_how *how, uint64_t *ret_removed, hf_error *err);
/** Remove what expired, in the whole store, in steps of 1,000; what was put anew meanwhile stays. */
enum hf_status hf_kv_sweep(hf_kv *kv, hf_deadline deadline, uint64_t *ret_removed, hf_error *err);
/** VACUUM and ANALYZE the tables; HF_E_DENIED who does not own them. LMDB, Redis and memory have nothing to do. */
enum hf_status hf_kv_vacuum(hf_kv *kv, hf_deadline deadline, hf_error *err);

struct hf_kv_sizes {
	uint64_t total_bytes; /* of all tables with indexes; LMDB: pages in use; memory: what is allocated */
	uint64_t table_bytes; /* of the entries alone, without indexes and TOAST */
	/* -1: the backend has no such thing, or does not tell */
	int64_t index_bytes;   /* of what finds entries: indexes; the tree of expiries (LMDB), the orders (Redis) */
	int64_t history_bytes; /* of what checkpoints hold beside the entries */
	/* PostgreSQL, as its statistics have them: they come late */
	int64_t toast_bytes; /* of long values */
	int64_t live_rows, dead_rows;
	int64_t bloat_bytes; /* about so much of table_bytes holds nothing; as of the last ANALYZE */
	int64_t vacuumed_us; /* when the entries were vacuumed last, since 1970 */
};
enum hf_status hf_kv_sizes(hf_kv *kv, struct hf_kv_sizes *ret_sizes, hf_error *err);

/* Since the handle was opened. get_count = hits + misses; a batch adds what was submitted; query_count are calls that
 * went to the backend, transaction_count those that wrote; a call that was refused counts in `refused`, one that failed
 * in `failures`, and in nothing else. retry_count and expired_removed are of the backend. combined_count are calls that
 * were answered by one of the shared_count statements that several had (combining). */
struct hf_kv_stats {
	uint64_t get_count, put_count, delete_count, query_count, transaction_count, retry_count;
	uint64_t bytes_written, bytes_read;
	uint64_t hits, misses, refused, failures, expired_removed;
	uint64_t combined_count, shared_count;
	uint64_t replica_count; /* keys, and counts, that a replica answered */
	/* of the failures: HF_TIMEOUT, HF_E_UNAVAILABLE, HF_E_OUTCOME_UNKNOWN, HF_E_LIMIT, HF_E_CORRUPT */
	uint64_t timeouts, unavailable, outcomes_unknown, limits, corrupt;
};
/** Reads counters; no lock, no round trip. */
void hf_kv_stats(const hf_kv *kv, struct hf_kv_stats *ret_stats);
/* Kinds of calls, by what the backend was asked to do. */
enum hf_kv_call {
	HF_KV_CALL_GET = 0,
	HF_KV_CALL_GET_MANY,
	HF_KV_CALL_PUT,   /* one write of any kind */
	HF_KV_CALL_APPLY, /* several */
	HF_KV_CALL_TRANSACT,
	HF_KV_CALL_SCAN, /* with what the caller did between the entries */
	HF_KV_CALL_COUNT,
	HF_KV_CALLS
};
struct hf_kv_latency {
	uint64_t count, sum_us, max_us;
	uint64_t p50_us, p90_us, p99_us, p999_us; /* at most an eighth too high */
};
/** How long calls of a kind took since the handle was opened, failed ones too. Reads counters; no lock, no round trip.
 *  All zero where nothing is counted. */
void hf_kv_latency(const hf_kv *kv, enum hf_kv_call call, struct hf_kv_latency *ret_latency);
/** "get", "get-many", ... Never NULL. */
const char *hf_kv_call_word(enum hf_kv_call call);
/** One round trip, made now. HF_OK; else what is wrong. @param ret_latency_us NULL allowed. */
enum hf_status hf_kv_health(hf_kv *kv, hf_deadline deadline, int64_t *ret_latency_us, hf_error *err);

/** Microseconds since 1970 on the store's clock, by which entries expire. One round trip; none for LMDB and memory. */
enum hf_status hf_kv_now(hf_kv *kv, hf_deadline deadline, int64_t *ret_us, hf_error *err);

/** "done", "no-entry", "exists", ... Never NULL. */
const char *hf_kv_outcome_word(enum hf_kv_outcome outcome);

#ifdef __cplusplus
}
#endif
#endif
