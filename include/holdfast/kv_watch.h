/*
 * kv_watch.h - the change feed of a key-value store: what changed, in order, without loss, from any moment on.
 *
 *     hf_kv_watch *watch;
 *     hf_kv_watch_open(kv, &(struct hf_kv_watch_options){.size = sizeof(struct hf_kv_watch_options)}, &watch, &err);
 *     ... read the namespace: hf_kv_scan() ...                     what changes meanwhile comes again below
 *     while (hf_kv_watch_next(watch, 0, &event, &err) == HF_OK)
 *             ... event.kind, event.key ...
 *     hf_kv_watch_token(watch, token);                             go on from here after a restart: options.from
 *
 * Off by default: a namespace has a feed from hf_kv_feed_on() to hf_kv_feed_off(), for all programs that use it; while
 * no namespace has one writes cost nothing more. The feed is written in the transaction that changes the entries.
 *
 * Promised: every change that was committed after hf_kv_watch_open() returned (with `from`: behind that token)
 * comes, none that was rolled back does, and those of a key come in the order in which they happened. All watches of
 * a namespace see the same order. A program that keeps its token with what it did sees each change once; one that
 * keeps it less often sees some again. Changes of different keys in one transaction come in any order, perhaps apart;
 * what one call does to one key is one change or several.
 *
 * Kept are the changes of `keep_us`, at most `keep_changes`, whoever watches. A token from before that is
 * HF_E_COMPACTED, as is a watch that falls so far behind: open one from now, read the namespace, go on.
 *
 * Delay: the watch asks again after 1 ms to 100 ms, the longer the less there is to tell. PostgreSQL: a transaction
 * that writes, anywhere in the cluster, holds back what is committed behind its first write until it ends, and
 * hf_kv_watch_open() without `from` too; feed.held_us and the gauge hf_kv_watch_held_milliseconds tell of it.
 *
 * HF_E_UNSUPPORTED without HF_KV_CAN_WATCH; else the errors of kv.h. Threads: a watch belongs to one at a time. It
 * borrows the handle, which closes after it. Round trips: one a question, two where there is something (PostgreSQL).
 */
#ifndef HOLDFAST_KV_WATCH_H
#define HOLDFAST_KV_WATCH_H

#include "holdfast/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the feed ---- */

#define HF_KV_FEED_KEEP_US (INT64_C(86400) * 1000000) /* default: a day */
enum { HF_KV_FEED_CHANGES = 1000000, HF_KV_TOKEN_BYTES = 48 };

struct hf_kv_feed {
	int64_t keep_us;       /* 0 = HF_KV_FEED_KEEP_US; at most 100 years */
	int64_t keep_changes;  /* 0 = HF_KV_FEED_CHANGES; at most 10^12 */
	/* of hf_kv_feed_show() */
	int64_t changes;       /* kept now */
	int64_t since_us;      /* 1970; when it was turned on; 0 = the backend does not say */
	int64_t held_us;       /* how long a transaction holds changes back by now; 0 = none does */
};

/** Turn it on, or keep more or less of it. @param feed NULL for the defaults. PostgreSQL: the first feed of a table,
 *  and turning one off, wait for those who write to it, 2 s at most (HF_BUSY), and need the owner's rights. */
enum hf_status hf_kv_feed_on(hf_kv *kv, const struct hf_kv_feed *feed, hf_error *err);
/** Turn it off and forget its changes: watches end with HF_NOT_FOUND. Off already is HF_OK. */
enum hf_status hf_kv_feed_off(hf_kv *kv, hf_error *err);
/** HF_OK; HF_NOT_FOUND it is off. */
enum hf_status hf_kv_feed_show(hf_kv *kv, struct hf_kv_feed *ret_feed, hf_error *err);

/* ---- watching ---- */

enum hf_kv_event_kind {
	HF_KV_EVENT_PUT = 1,  /* another value: every write that gives a revision */
	HF_KV_EVENT_TOUCH,    /* another expiry; the revision stayed */
	HF_KV_EVENT_DELETE,   /* a live entry was removed */
	HF_KV_EVENT_EXPIRE,   /* an expired entry was removed, or deleted by somebody; it was absent before that */
	HF_KV_EVENT_CLEAR,    /* everything was removed: no key */
	/* To a checkpoint; its puts and deletes come behind. No key. Redis: nothing comes behind that of a load, nor of
	 * a restore that changes more than 100,000 entries: read the namespace. */
	HF_KV_EVENT_RESTORE
};

struct hf_kv_event {
	enum hf_kv_event_kind kind;
	struct hf_bytes key;
	int64_t rev;               /* of the entry that was put, touched or removed; 0 = none */
	int64_t at_us;             /* 1970, by the store's clock; of the transaction */
	int64_t position;          /* in the feed: grows, with gaps */
	struct hf_kv_entry entry;  /* with options.values: PUT and TOUCH as it is by now, rev 0 = gone meanwhile */
};

struct hf_kv_watch_options {
	size_t size;
	const char *from;          /* a token; NULL = from now */
	struct hf_bytes prefix;    /* only these keys, and what has none */
	bool values;               /* read the entries too. PostgreSQL: one call a page, and one for each value of
	                            * more than 64 KiB; Redis: one for so many as value_bytes_max has room for in a
	                            * gibibyte, 16 by default */
	hf_deadline deadline;      /* of opening; 0 = the handle's timeout from now */
};

typedef struct hf_kv_watch hf_kv_watch;

/** @param options NULL for the defaults; what it points to is not kept. @return HF_OK; HF_NOT_FOUND there is no feed;
 *  HF_E_COMPACTED; HF_E_USAGE a token of another namespace or none; HF_TIMEOUT. */
enum hf_status hf_kv_watch_open(hf_kv *kv, const struct hf_kv_watch_options *options, hf_kv_watch **ret_watch,
                                hf_error *err);
/** The next change, waited for until `deadline` (0 = without end). @param ret_event valid until the next call.
 *  @return HF_OK; HF_TIMEOUT there was none; HF_NOT_FOUND the feed was turned off; HF_E_COMPACTED; HF_E_INTERRUPTED.
 *  After a failure of the backend the call may be repeated. */
enum hf_status hf_kv_watch_next(hf_kv_watch *watch, hf_deadline deadline, struct hf_kv_event *ret_event, hf_error *err);
/** Where to go on behind the last event that was returned. `ret_token` has HF_KV_TOKEN_BYTES. No round trip. */
void hf_kv_watch_token(const hf_kv_watch *watch, char *ret_token);
/** How long committed changes have been held back by now, in microseconds; 0 = they are not. No round trip. */
int64_t hf_kv_watch_held_us(const hf_kv_watch *watch);
/** NULL is allowed. */
void hf_kv_watch_close(hf_kv_watch *watch);

/** "put", "touch", "delete", "expire", "clear", "restore". Never NULL. */
const char *hf_kv_event_word(enum hf_kv_event_kind kind);

#ifdef __cplusplus
}
#endif
#endif
