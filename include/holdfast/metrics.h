/*
 * metrics.h - counters, gauges and histograms of one context, written as Prometheus text.
 *
 * Everything that is made from a context counts in its registry (docs/metrics.md lists the names); a program may add
 * its own. Handles are made once and kept: they are never NULL, valid until the context is freed, and counting on
 * them is lock-free and cannot fail.
 *
 * Bounded: at most 512 names, and 200 label combinations of one name. A combination beyond that counts in the one
 * whose label values are all "other"; a name that is malformed, beyond the bound, or in use for another kind or other
 * labels counts nowhere, and in hf_metrics_refused_total. Threads: any.
 */
#ifndef HOLDFAST_METRICS_H
#define HOLDFAST_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "holdfast/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_metrics hf_metrics;
typedef struct hf_counter hf_counter;
typedef struct hf_gauge hf_gauge;
typedef struct hf_histogram hf_histogram;

struct hf_label {
	const char *name;
	const char *value; /* any text of at most 120 bytes; longer ones are cut */
};

/** Get or make. `name` like "myservice_jobs_total"; labels NULL for none (at most 4). All text is copied. */
hf_counter *hf_metrics_counter(hf_metrics *metrics, const char *name, const char *help, const struct hf_label *labels,
                               size_t nlabels);
hf_gauge *hf_metrics_gauge(hf_metrics *metrics, const char *name, const char *help, const struct hf_label *labels,
                           size_t nlabels);
/** Of durations, from 100 microseconds to 60 seconds; the name should end in "_seconds". */
hf_histogram *hf_metrics_histogram(hf_metrics *metrics, const char *name, const char *help,
                                   const struct hf_label *labels, size_t nlabels);

void hf_counter_add(hf_counter *counter, uint64_t n);
uint64_t hf_counter_value(const hf_counter *counter);
/** Of the library's own, which may be asked for by their names, too, it does nothing: they are counted up and down. */
void hf_gauge_set(hf_gauge *gauge, int64_t value);
void hf_gauge_add(hf_gauge *gauge, int64_t delta);
int64_t hf_gauge_value(const hf_gauge *gauge);
/** Negative durations (a clock that was set back) count as 0. */
void hf_histogram_observe_us(hf_histogram *histogram, int64_t us);
uint64_t hf_histogram_count(const hf_histogram *histogram);

/** Hand the whole exposition (text format 0.0.4, NUL-terminated, borrowed for the call) to `write`.
 *  @return what `write` returned; HF_E_NOMEM; HF_E_LIMIT beyond 16 MiB. */
enum hf_status hf_metrics_write(hf_metrics *metrics,
                                enum hf_status (*write)(void *user, struct hf_str text, hf_error *err), void *user,
                                hf_error *err);
/**
 * Hand the exposition to a Prometheus push gateway: PUT URL/metrics/job/JOB, which replaces what the job pushed before.
 * @param deadline HF_DEADLINE_DEFAULT: 30 s. @return HF_OK; HF_E_USAGE a URL or job that cannot be; HF_E_UNAVAILABLE,
 * HF_TIMEOUT, HF_E_INTERRUPTED; HF_REJECTED, HF_NOT_FOUND, HF_E_PROTOCOL as the gateway answers. One request.
 */
enum hf_status hf_metrics_push(hf_context *ctx, const char *gateway_url, struct hf_str job, hf_deadline deadline,
                               hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
