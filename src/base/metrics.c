/*
 * metrics.c - the metrics registry.
 */
#include "base/metrics.h"

#include <stdlib.h>

struct hf_metrics {
	int unused;
};

struct hf_metrics *metrics_new(void)
{
	return calloc(1, sizeof(struct hf_metrics));
}

void metrics_free(struct hf_metrics *metrics)
{
	free(metrics);
}
