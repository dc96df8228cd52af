/*
 * metrics_text.c - the registry as Prometheus text (exposition format 0.0.4).
 *
 * The whole text is built under the registry's mutex and handed out after it was released, so that a slow reader
 * holds nobody up.
 */
#include <inttypes.h>

#include "base/error.h"
#include "base/metrics.h"

void metrics_escape(struct buf *text, struct hf_str value, bool quote)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '\n')
			buf_add_text(text, "\\n");
		else if (value.ptr[i] == '\\')
			buf_add_text(text, "\\\\");
		else if (value.ptr[i] == '"' && quote)
			buf_add_text(text, "\\\"");
		else
			buf_add_char(text, value.ptr[i]);
	}
}

static const char *kind_word(enum metric_kind kind)
{
	switch (kind) {
	case METRIC_COUNTER:
		return "counter";
	case METRIC_GAUGE:
		return "gauge";
	case METRIC_HISTOGRAM:
		break;
	}
	return "histogram";
}

/* "0.0025", "60": microseconds as seconds without trailing zeros, in any locale. */
static void add_seconds(struct buf *text, uint64_t us)
{
	buf_printf(text, "%" PRIu64, us / 1000000);
	uint64_t rest = us % 1000000;
	if (rest == 0)
		return;
	int digits = 6;
	for (; rest % 10 == 0; digits--)
		rest /= 10;
	buf_printf(text, ".%0*" PRIu64, digits, rest);
}

static void add_labels(struct buf *text, const char *labels)
{
	if (labels[0])
		buf_printf(text, "{%s}", labels);
}

/* The count is the sum of the buckets as read, so that one exposition agrees with itself while others count. */
static void add_histogram(struct buf *text, const char *name, const struct series *series)
{
	const char *comma = series->labels[0] ? "," : "";
	uint64_t count = 0;
	struct histogram_cells cells;
	series_cells(series, &cells);
	for (size_t i = 0; i < METRICS_BUCKETS; i++) {
		count += cells.buckets[i];
		buf_printf(text, "%s_bucket{%s%sle=\"", name, series->labels, comma);
		add_seconds(text, (uint64_t)metrics_bounds_us[i]);
		buf_printf(text, "\"} %" PRIu64 "\n", count);
	}
	count += cells.buckets[METRICS_BUCKETS];
	buf_printf(text, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n%s_sum", name, series->labels, comma, count, name);
	add_labels(text, series->labels);
	buf_add_char(text, ' ');
	add_seconds(text, cells.sum_us);
	buf_printf(text, "\n%s_count", name);
	add_labels(text, series->labels);
	buf_printf(text, " %" PRIu64 "\n", count);
}

static void add_series(struct buf *text, const struct family *family, const struct series *series)
{
	if (family->kind == METRIC_HISTOGRAM) {
		add_histogram(text, family->name, series);
		return;
	}
	uint64_t value = series_value(series);
	buf_add_text(text, family->name);
	add_labels(text, series->labels);
	if (family->kind == METRIC_GAUGE)
		buf_printf(text, " %" PRId64 "\n", (int64_t)value);
	else
		buf_printf(text, " %" PRIu64 "\n", value);
}

void metrics_format(struct hf_metrics *metrics, struct buf *text)
{
	pthread_mutex_lock(&metrics->mutex);
	for (size_t i = 0; i < metrics->nfamilies; i++) {
		const struct family *family = metrics->families[i];
		buf_printf(text, "# HELP %s ", family->name);
		metrics_escape(text, hf_str_of(family->help), false);
		buf_printf(text, "\n# TYPE %s %s\n", family->name, kind_word(family->kind));
		for (size_t j = 0; j < family->nseries; j++)
			add_series(text, family, family->series[j]);
	}
	pthread_mutex_unlock(&metrics->mutex);
}

enum hf_status hf_metrics_write(hf_metrics *metrics,
                                enum hf_status (*write)(void *user, struct hf_str text, hf_error *err), void *user,
                                hf_error *err)
{
	CLEANUP(buf_deinit) struct buf text;
	buf_init(&text, METRICS_TEXT_MAX);
	metrics_format(metrics, &text);
	if (buf_starved(&text))
		return error_nomem(err);
	if (!buf_ok(&text))
		return error_set(err, HF_E_LIMIT, "the metrics are longer than %d bytes", METRICS_TEXT_MAX);
	return write(user, buf_str(&text), err);
}
