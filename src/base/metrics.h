/*
 * metrics.h (base) - the registry's inside, and the library's own metrics by number.
 *
 * Invariants: a family (one name) has one kind and one set of label names; its series are only ever added, so that a
 * handle stays valid without a lock. Values are relaxed atomics: they order nothing else.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/macros.h"
#include "base/processor.h"
#include "base/str.h"
#include "holdfast/metrics.h"

enum {
	METRICS_FAMILIES_MAX = 512,
	METRICS_SERIES_MAX = 200,
	METRICS_LABELS_MAX = 4,
	METRICS_VALUE_MAX = 120,
	METRICS_BUCKETS = 18,
	METRICS_SHARES = 16,
	METRICS_TEXT_MAX = 16 * 1024 * 1024
};

/* X(number, kind, name, help): what the library itself counts without further labels. */
#define METRICS_TABLE(X)                                                                                               \
	X(POOL_SIZE, GAUGE, "janitor_db_connection_pool_size", "Current connection pool size")                         \
	X(POOL_ACTIVE, GAUGE, "janitor_db_active_connections", "Number of connections in use")                         \
	X(POOL_IDLE, GAUGE, "janitor_db_idle_connections", "Number of idle connections")                               \
	X(QUERY_DURATION, HISTOGRAM, "janitor_db_query_duration_seconds", "Time from sending a query to its last row") \
	X(QUERIES, COUNTER, "janitor_db_queries_total", "Queries run")                                                 \
	X(QUERIES_FAILED, COUNTER, "janitor_db_queries_failed", "Queries that failed")                                 \
	X(TRANSACTIONS, COUNTER, "janitor_db_transactions_total", "Transactions begun, savepoints not counted")        \
	X(TRANSACTIONS_FAILED, COUNTER, "janitor_db_transactions_failed", "Transactions that did not commit")          \
	X(TYPE_OPERATIONS, COUNTER, "janitor_db_custom_type_operations", "Values of user-defined types converted")     \
	X(INSUFFICIENT_RESOURCES, COUNTER, "postgres_insufficient_resources_total",                                    \
	  "Database refused query due to resource issues")                                                             \
	X(ROWS, COUNTER, "hf_rows_total", "Rows returned or changed")                                                  \
	X(RETRIES, COUNTER, "hf_retries_total", "Transactions begun again after a conflict or a lost connection")      \
	X(RETRIES_REFUSED, COUNTER, "hf_retries_refused_total", "Repetitions that the retry budget did not allow")     \
	X(OUTCOMES_UNKNOWN, COUNTER, "hf_outcome_unknown_total", "Writes that may or may not have happened")           \
	X(CANCELS, COUNTER, "hf_cancels_total", "Cancel requests sent")                                                \
	X(REPREPARES, COUNTER, "hf_reprepares_total", "Statements prepared again because the server forgot them")      \
	X(NOTICES, COUNTER, "hf_notices_total", "Notices received")                                                    \
	X(COMMIT_DURATION, HISTOGRAM, "hf_commit_duration_seconds", "Time from sending COMMIT to its answer")          \
	X(WATCH_HELD, GAUGE, "hf_kv_watch_held_milliseconds",                                                          \
	  "How long a transaction has held committed changes back from a watch")                                       \
	X(REFUSED, COUNTER, "hf_metrics_refused_total", "Metrics asked for and not given: bad name or too many")

enum metric {
#define METRIC_NUMBER(number, kind, name, help) METRIC_##number,
	METRICS_TABLE(METRIC_NUMBER)
#undef METRIC_NUMBER
	METRICS_OWN
};

enum metric_kind { METRIC_COUNTER = 1, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Own cache lines; most observations touch only the first: the sum and what takes up to 10 ms. */
struct histogram_cells {
	_Alignas(64) atomic_uint_least64_t sum_us;
	atomic_uint_least64_t buckets[METRICS_BUCKETS + 1]; /* each alone, not cumulated; the last is +Inf */
};

/* One value (or histogram) with its label values. Own cache lines: neighbours are counted by other threads. */
struct series {
	_Alignas(64) atomic_uint_least64_t value; /* counter, or the two's complement of a gauge */
	struct histogram_cells *cells;            /* histograms only; owned */
	char *labels;                             /* "a=\"x\",b=\"y\"", escaped; "" for none; owned */
	const struct hf_metrics *shared;          /* of the library's own: where the rest of it is counted; else NULL */
	enum metric metric;                       /* of these */
};
struct hf_counter { struct series series; };
struct hf_gauge { struct series series; };
struct hf_histogram { struct series series; };

struct family {
	char *name;
	char *help;
	enum metric_kind kind;
	char *label_names; /* "a,b": every series of the family has these */
	struct series **series;
	size_t nseries;
};

/* What the library itself counts, by processor: no statement takes a cache line from one that runs elsewhere, and what
 * one statement counts lies together. Who reads adds up. */
struct metrics_share {
	_Alignas(64) atomic_uint_least64_t counts[METRICS_OWN];
	struct histogram_cells query_duration;
};

struct hf_metrics {
	struct metrics_share shares[METRICS_SHARES];
	pthread_mutex_t mutex; /* guards families and their series arrays, never held while counting */
	struct family *families[METRICS_FAMILIES_MAX];
	size_t nfamilies;
	struct series *own[METRICS_OWN];
	struct series *nowhere[METRIC_HISTOGRAM + 1]; /* by kind: what refused handles count in; never written out */
};

extern const int64_t metrics_bounds_us[METRICS_BUCKETS];

/** @return NULL when memory is short. */
struct hf_metrics *metrics_new(void);
void metrics_free(struct hf_metrics *metrics);
DEFINE_OWNED(metrics, struct hf_metrics *, metrics_free)

/* The library's own, by number. */
static inline struct metrics_share *metrics_share(struct hf_metrics *metrics)
{
	return &metrics->shares[processor_part(METRICS_SHARES)];
}
static inline void metrics_count(struct hf_metrics *metrics, enum metric metric, uint64_t n)
{
	atomic_fetch_add_explicit(&metrics_share(metrics)->counts[metric], n, memory_order_relaxed);
}
static inline void metrics_gauge(struct hf_metrics *metrics, enum metric metric, int64_t delta)
{
	metrics_count(metrics, metric, (uint64_t)delta);
}
void metrics_observe_us(struct hf_metrics *metrics, enum metric metric, int64_t us);
/** A statement that took so long; of its rows those that it has. */
void metrics_statement(struct hf_metrics *metrics, int64_t us, int64_t rows);
/** Its value; for a histogram the number of observations. */
uint64_t metrics_value(const struct hf_metrics *metrics, enum metric metric);

/* All that was counted of a series. */
uint64_t series_value(const struct series *series);
void series_cells(const struct series *series, struct histogram_cells *ret_cells);

/** metrics_text.c: the exposition. The registry's mutex is taken meanwhile. */
void metrics_format(struct hf_metrics *metrics, struct buf *text);
/** Append a label value (or with quote = false a help text) with the format's escapes. */
void metrics_escape(struct buf *text, struct hf_str value, bool quote);

#endif
