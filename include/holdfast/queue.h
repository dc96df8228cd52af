/*
 * queue.h - what will be tried, in the order (bucket, priority, id). Semantics: spec/janitor.md 6.
 *
 * An item holds the place (codebase, campaign, change set). Adding to a held place replaces the item when the new
 * bucket is the same or an earlier one, or the item is claimed or dead (claim.h), and does nothing otherwise. Its
 * priority is the offset, rounded; of two requests for a place in one bucket the newer says what is run, and the better
 * priority stays.
 *
 * The Janitor's table has no index that leads to an id. What is named by its id alone (get, move, remove, a list from
 * behind an entry, a run stored with the entry that it was) reads the table, some 10 ms per 100,000 entries; claims go
 * by the place of the row, bulk scheduling reads all of it anyway, and neither needs one. So none is there unasked:
 * every writer would pay for it. Who works by ids on a long queue adds the migration set janitor-ids.
 *
 * Defects of the original that can be kept: D-13, the newer priority counts, even when it is worse; D-14, the offset
 * is counted from the smallest priority of the whole queue (0 when empty), the replaced item included, so that
 * priorities drift; D-15, it is truncated toward zero; D-75, an item that is removed while its place is asked for again
 * fails the request.
 */
#ifndef HOLDFAST_QUEUE_H
#define HOLDFAST_QUEUE_H

#include "holdfast/arena.h"
#include "holdfast/connection.h"
#include "holdfast/defects.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * In the order in which buckets are served: the schema's enum queue_bucket. A bucket that is newer than this program is
 * none of these where items are only shown (list, get, peek, claims): its word is "". The stats name it as the database
 * does. Where the bucket decides (add, bulk scheduling), it is HF_E_DRIFT. A version control system that is newer has
 * the word "" likewise.
 */
enum hf_bucket {
	HF_BUCKET_UPDATE_EXISTING_MP = 0,
	HF_BUCKET_MANUAL,
	HF_BUCKET_CONTROL,
	HF_BUCKET_HOOK,
	HF_BUCKET_RESCHEDULE,
	HF_BUCKET_UPDATE_NEW_MP,
	HF_BUCKET_MISSING_DEPS,
	HF_BUCKET_DEFAULT
};
#define HF_BUCKET_COUNT 8
/** "update-existing-mp", ...; "" outside the enum. */
const char *hf_bucket_word(enum hf_bucket bucket);
/** @return HF_OK; HF_E_INPUT with the nearest word as hint. */
enum hf_status hf_bucket_parse(struct hf_str word, enum hf_bucket *ret_bucket, hf_error *err);

struct hf_queue_item {
	int32_t id;
	enum hf_bucket bucket;
	int64_t priority;
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str context; /* {NULL, 0} = NULL, as for the other texts below */
	struct hf_str command;
	struct hf_str requester;
	struct hf_str change_set;
	bool has_estimated_duration;
	int64_t estimated_duration_us;
	bool refresh;
};
typedef enum hf_status hf_queue_item_fn(void *user, const struct hf_queue_item *item, hf_error *err);

struct hf_queue_request {
	struct hf_str codebase;
	struct hf_str campaign;
	struct hf_str command; /* {NULL, 0} is accepted, "" is not */
	struct hf_str change_set;
	struct hf_str context;
	struct hf_str requester;
	double offset;
	enum hf_bucket bucket;
	bool refresh;
	bool has_estimated_duration;
	int64_t estimated_duration_us;
	const struct hf_defects *keep; /* defects of the original to keep; NULL: none */
};

/**
 * @param ret_id, ret_bucket those of the item that holds the place afterwards.
 * @return HF_OK; HF_E_INPUT an offset that is no number within 64 bits; HF_REJECTED unknown codebase or change set,
 *         campaign outside its domain, empty command, priority out of range. One or two round trips.
 */
enum hf_status hf_queue_add(hf_where where, const struct hf_queue_request *request, int32_t *ret_id,
                            enum hf_bucket *ret_bucket, hf_error *err);
struct hf_queue_list_filter {
	struct hf_str campaign;            /* {NULL, 0} or "": all */
	const struct hf_queue_item *after; /* the last one of the page before, or NULL: bucket, priority and id count */
	int64_t limit;                     /* 0 = all */
};
/** In serving order, constant memory. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_queue_list(hf_where where, const struct hf_queue_list_filter *filter, hf_queue_item_fn *fn,
                             void *user, hf_error *err);
/** How many wait; campaign {NULL, 0} or "" = in all. One round trip; reads them all. */
enum hf_status hf_queue_count(hf_where where, struct hf_str campaign, int64_t *ret_count, hf_error *err);
/** HF_NOT_FOUND without it. One round trip. */
enum hf_status hf_queue_get(hf_where where, int32_t id, hf_arena *arena, struct hf_queue_item *ret_item, hf_error *err);

struct hf_queue_move {
	bool first; /* ahead of the item that is handed out next, into its bucket; the others are not looked at then */
	int64_t priority;
	bool has_bucket;
	enum hf_bucket bucket;
};
struct hf_queue_moved {
	bool changed;
	enum hf_bucket bucket, bucket_before;
	int64_t priority, priority_before;
};
/**
 * Place an item elsewhere. Who works on it finds that it was asked for again (claim.h). @param ret_moved NULL allowed.
 * @return HF_OK; HF_NOT_FOUND without it; HF_REJECTED no priority is smaller. One round trip.
 */
enum hf_status hf_queue_move(hf_where where, int32_t id, const struct hf_queue_move *move,
                             struct hf_queue_moved *ret_moved, hf_error *err);

/** HF_NOT_FOUND without it. One round trip. */
enum hf_status hf_queue_remove(hf_where where, int32_t id, hf_error *err);

struct hf_queue_filter {
	struct hf_str codebase; /* {NULL, 0} or "": any */
	struct hf_str campaign;
	struct hf_str_array exclude_hosts; /* count 0: none */
	struct hf_int4_array assigned;     /* ids that are being worked on */
	const struct hf_defects *keep;     /* NULL: none; D-11: with hosts, a branch URL without one is left out too */
};
struct hf_queue_next {
	struct hf_queue_item item;
	struct hf_str branch_url;
	struct hf_str subpath;
	struct hf_str vcs_type;
};
/** Look at the item to hand out next; nothing is claimed. HF_NOT_FOUND when no item passes. One round trip. */
enum hf_status hf_queue_peek(hf_where where, const struct hf_queue_filter *filter, hf_arena *arena,
                             struct hf_queue_next *ret_next, hf_error *err);

struct hf_queue_position {
	int32_t id;
	int64_t position; /* 1 = next */
	bool has_wait;    /* false when no item so far has an estimate */
	int64_t wait_us;
};
/** HF_NOT_FOUND when the codebase does not wait in the campaign. One round trip; reads what is ahead of the
 *  item, so that its cost grows with the answer; not where the migration set janitor-places is applied. */
enum hf_status hf_queue_position(hf_where where, struct hf_str codebase, struct hf_str campaign,
                                 struct hf_queue_position *ret_position, hf_error *err);

struct hf_queue_bucket_stats {
	enum hf_bucket bucket;
	struct hf_str word; /* as the database writes it, also of a bucket that is newer than this program */
	int64_t items;
	bool has_estimated_duration;
	int64_t estimated_duration_us;
	int64_t first_priority;
	int64_t last_priority;
};
typedef enum hf_status hf_queue_stats_fn(void *user, const struct hf_queue_bucket_stats *stats, hf_error *err);
/** Buckets that are not empty, in serving order. HF_STOP from `fn` ends with HF_OK. One round trip. */
enum hf_status hf_queue_stats(hf_where where, hf_queue_stats_fn *fn, void *user, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
