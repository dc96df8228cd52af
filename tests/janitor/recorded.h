/*
 * recorded.h - the recorded cases of the Python original (tests/data/janitor/README.md) and a database with our
 * migrations to play them in: load a case, make its calls, compare every answer and what is left behind.
 *
 * A call's answer is made as the JSON that the recording has for it, so that one comparison serves all: numbers by
 * value and bit, rows column by column. Nothing is compared by text.
 */
#ifndef TESTS_JANITOR_RECORDED_H
#define TESTS_JANITOR_RECORDED_H

#include <jansson.h>

#include "http_double.h"
#include "rig.h"

/* Where we do otherwise than the original, on purpose. */
enum difference {
	SAME = -1,
	CAMPAIGN_FILTER,
	NO_SUCH_ARGUMENT,
	NO_NULL_NAME,
	NO_NULL_REFRESH,
	ALL_OR_NOTHING,
	UNKNOWN_BUCKET,
	STRICT_OPERATORS,
	TAG_WITHOUT_REVISION,
	PASSWORD_NO_HASH,
	PASSWORD_TOO_LONG,
	WORKER_REPORTS,
	UPLOADS,
	REFUSED_EARLY,
	OTHER_CANDIDATE,
	NEW_URL,
	FREQUENCY,
	UNRULED,
	ONE_POLICY,
	DIFFERENCES
};

struct replay {
	struct rig rig;             /* its clock stands at the case's `now` */
	json_t *current;            /* the case */
	const json_t *call;         /* that is made; NULL: what the case left is compared */
	struct hf_defects keep;     /* those of the original that our calls are to have */
	bool asked;                 /* a call of the case could have kept some */
	bool quiet;                 /* failures are counted and not shown */
	struct http_double *runner; /* answers /200/... with 200 and so on; started by replay_reviews.c */
	size_t begun, cases, ended; /* `ended`: at a listed difference, before their end */
	size_t calls, rows;
	size_t differences[DIFFERENCES];
	size_t failures, shown;              /* answers that differ and may not; of the file, shown */
	size_t mended;                       /* cases that differ where no defect is kept ... */
	size_t defects[HF_DEFECT_COUNT + 1]; /* ... and those that make them equal again */
	struct hf_defects known[16];         /* sets of these, the latest first */
	size_t nknown;
	char first[HF_DEFECT_COUNT + 1][64]; /* the first case that hangs on it */
	const char *const *rare;             /* names of cases that are always asked, up to NULL */
	size_t every;                        /* so many cases of a file are one of which that is asked */
	size_t earlier;                      /* cases of the files before */
};

/* What a call of ours gave: JSON of the recording's form, or an error. */
struct answer {
	json_t *ok;    /* owned; NULL after a failure */
	json_t *posts; /* owned: what a runner heard meanwhile, or NULL */
	hf_error err;
	enum difference difference; /* the call cannot be made or compared for this reason */
	bool ends_case;             /* and what follows it neither */
};
typedef void call_fn(struct replay *replay, const json_t *args, struct answer *ret_answer);
struct call {
	const char *fn;
	call_fn *make;
};
/* End with {NULL, NULL}. */
extern const struct call queue_calls[], schedule_calls[], bulk_calls[], state_calls[], run_calls[], review_calls[],
	upload_calls[], publish_calls[], site_calls[];

/* cmocka group fixtures; *state is a struct replay *. */
int replay_up(void **state);
int replay_down(void **state);
/**
 * Play a file of the recording by the calls of `tables`; any other counts as a failure. First with all defects of the
 * original: every answer must be the same. Then with none (one of `every` and the rare ones, all with
 * HOLDFAST_TEST_LONG): for a case that comes out otherwise it is found which defects have to be kept to make it the
 * same, and these are counted.
 */
void replay_file(struct replay *replay, const char *file, const struct call *const *tables, size_t every);
/** For the calls that take them. */
const struct hf_defects *keep_of(struct replay *replay);
/** Is there a switch for this defect? */
bool replay_has_switch(int number);
/** Set the sequence of queue ids to [last value, given out]. */
void replay_set_sequence(struct replay *replay, const json_t *sequence);
/** Print a difference that may not be and count it; the first 30 of a file are shown. */
void replay_fail(struct replay *replay, const char *what, const json_t *expected, const json_t *got);
/** The same of two messages. */
void replay_told(struct replay *replay, const char *what, const char *expected, const char *other, const char *got);
/** Is `err` what we make of the recorded `error` of function `fn`? */
bool same_error(const char *fn, const json_t *error, const hf_error *err);
/** Numbers by bits (an integer of the recording may be a double of ours), the rest by value. */
bool same_json(const json_t *recorded, const json_t *ours);

/* ---- between JSON and our structs ---- */

struct hf_str text_of(const json_t *args, const char *name); /* null or missing: {NULL, 0} */
json_t *json_of(struct hf_str text);                         /* {NULL, 0}: null */
json_t *json_in(struct hf_str text);                         /* what JSON text says; {NULL, 0}: null */
json_t *json_time(bool known, struct hf_timestamp time);     /* not known: null */
json_t *json_sorted(const json_t *list); /* texts, numbers, null, or lists of them: null first; a new reference */
bool number_of(const json_t *args, const char *name, double *ret_number);   /* false: null or missing */
bool integer_of(const json_t *args, const char *name, int64_t *ret_number); /* false: null or missing */
bool bool_of(const json_t *args, const char *name);
/** false: null or missing; an unknown word fills `err`. */
bool bucket_of(const json_t *args, enum hf_bucket *ret_bucket, hf_error *err);

#endif
