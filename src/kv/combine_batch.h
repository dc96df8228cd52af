/*
 * combine_batch.h - a batch of requests that become one call of the backend: what is copied in, what comes out.
 *
 * While it gathers it is guarded by the mutex of combine.c, but for the three words that its riders sleep at and look
 * at. From closing on it belongs to its leader, and from BATCH_DONE on it is constant, until its last rider leaves.
 */
#ifndef KV_COMBINE_BATCH_H
#define KV_COMBINE_BATCH_H

#include "kv/combine.h"

enum batch_kind { BATCH_ENTRIES, BATCH_KEYS, BATCH_VALUES, BATCH_PUTS, BATCH_RELAXED_PUTS, BATCH_DELETES, BATCH_KINDS };

static inline bool batch_writes(enum batch_kind kind)
{
	return kind >= BATCH_PUTS;
}

/* One caller's, on its stack; the batch knows of it until it closes. */
struct request {
	enum batch_kind kind;
	struct hf_bytes key;
	const struct hf_kv_write *write; /* of kinds that write */
	bool blind;                      /* a put whose result nobody looks at */
	hf_deadline deadline;
	size_t bytes;
	uint32_t index; /* in its batch; settled when that closes */
};

enum { BATCH_DONE = 1, BATCH_NEW_LEADER = 2 };

struct batch {
	struct batch *next; /* in a lane, or among the spares */
	enum batch_kind kind;
	bool closed;
	bool blind; /* so are all of them */
	uint32_t count;
	size_t bytes;
	atomic_uint turn;   /* 1: the leader may go */
	atomic_uint done;   /* BATCH_DONE, or more by BATCH_NEW_LEADER: what followers sleep at */
	atomic_uint riders; /* who have not left since it closed */
	_Atomic(const struct request *) leader;
	_Atomic(hf_deadline) deadline; /* the leader's: the batch ends by it */
	hf_arena *arena;               /* what the backend answers */

	/* behind the call */
	bool alone; /* no answer: each is to ask for itself */
	enum hf_status status;
	hf_error error;

	struct request *requests[COMBINE_MOST];
	union {
		struct {
			struct hf_bytes keys[COMBINE_MOST];
			struct hf_kv_entry entries[COMBINE_MOST];
		};
		struct {
			struct hf_kv_write writes[COMBINE_MOST];
			struct hf_kv_result results[COMBINE_MOST];
		};
	};
	uint8_t input[COMBINE_BYTES]; /* keys, values, metadata */
};

enum { READS, WRITES, LANES };

/* What goes over the same connections. Under the mutex. */
struct lane {
	unsigned running;           /* statements on their way */
	uint32_t riding;            /* requests in them */
	uint32_t crowd;             /* and how many there were of late */
	struct batch *first, *last; /* wait for their turn */
};

struct combine {
	pthread_mutex_t mutex;
	const struct kv_backend *backend;
	int32_t ns;
	unsigned width;
	struct lane lanes[LANES];
	struct batch
		*open[BATCH_KINDS]; /* who comes joins it; it is in a lane, or has its turn and is about to close */
	struct batch *spares;
	unsigned nspares;
};

/** NULL when memory is short. */
struct batch *batch_new(void);
void batch_free(struct batch *batch);
/** What was answered goes. */
void batch_clear(struct batch *batch);
/** It is empty, and `leader` leads it. */
void batch_begin(struct batch *batch, const struct request *leader);
bool batch_has_room(const struct batch *batch, const struct request *request);
/** Copies the request's bytes; there is room. */
void batch_add(struct batch *batch, struct request *request);
/** The others move up. @return it was the leader's */
bool batch_remove(struct batch *batch, const struct request *request);
void batch_lead_by_first(struct batch *batch);
/** Ask the backend; fills status, error, alone, and entries or results. */
void batch_run(struct batch *batch, const struct kv_backend *backend, int32_t ns, hf_deadline deadline);

#endif
