/*
 * metrics.h (base) - life cycle of the registry that a context owns.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

struct hf_metrics;

struct hf_metrics *metrics_new(void);
void metrics_free(struct hf_metrics *metrics);

#endif
