/*
 * metrics.c - the metrics registry: families, their series, and counting.
 *
 * A handle is the series itself; making one takes the mutex, counting takes none. What cannot be given is replaced by
 * a series that nobody reads, so that callers need no error path for counting.
 */
#include "base/metrics.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

const int64_t metrics_bounds_us[METRICS_BUCKETS] = {
        100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
        100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

static void series_free(struct series *series)
{
	free(series->cells);
	free(series->labels);
	free(series);
}
DEFINE_OWNED(series, struct series *, series_free)

static struct series *series_new(enum metric_kind kind, const char *labels)
{
	CLEANUP(series_freep) struct series *series = aligned_alloc(_Alignof(struct series), sizeof(struct series));
	if (!series)
		return NULL;
	memset(series, 0, sizeof(*series));
	series->labels = strdup(labels);
	if (kind == METRIC_HISTOGRAM) {
		series->cells = aligned_alloc(_Alignof(struct histogram_cells), sizeof(*series->cells));
		if (!series->cells)
			return NULL;
		memset(series->cells, 0, sizeof(*series->cells));
	}
	if (!series->labels)
		return NULL;
	return series_take(&series);
}

static void family_free(struct family *family)
{
	for (size_t i = 0; i < family->nseries; i++)
		series_free(family->series[i]);
	free(family->series);
	free(family->name);
	free(family->help);
	free(family->label_names);
	free(family);
}
DEFINE_OWNED(family, struct family *, family_free)

static struct family *family_new(const char *name, const char *help, enum metric_kind kind, const char *label_names)
{
	CLEANUP(family_freep) struct family *family = calloc(1, sizeof(*family));
	if (!family)
		return NULL;
	family->kind = kind;
	family->name = strdup(name);
	family->help = strdup(help ? help : "");
	family->label_names = strdup(label_names);
	/* one more than the bound: the combination "other" */
	family->series = calloc(METRICS_SERIES_MAX + 1, sizeof(*family->series));
	if (!family->name || !family->help || !family->label_names || !family->series)
		return NULL;
	return family_take(&family);
}

static bool is_name(const char *name, bool colon)
{
	if (!name || isdigit((unsigned char)name[0]) || name[0] == '\0')
		return false;
	for (const char *at = name; *at; at++) {
		bool plain = isascii((unsigned char)*at) && isalnum((unsigned char)*at);
		if (!plain && *at != '_' && !(colon && *at == ':'))
			return false;
	}
	return true;
}

/* The labels of one request, in the two forms that the registry compares. */
struct label_texts {
	struct buf names, values, others;
};

static void label_texts_deinit(struct label_texts *texts)
{
	buf_deinit(&texts->names);
	buf_deinit(&texts->values);
	buf_deinit(&texts->others);
}

/* At most METRICS_VALUE_MAX bytes of whole characters; the format knows UTF-8 only. */
static struct hf_str label_value(const char *value)
{
	struct hf_str text = {value, strnlen(value, METRICS_VALUE_MAX + 1)};
	if (text.len > METRICS_VALUE_MAX)
		for (text.len--; text.len > 0 && ((unsigned char)value[text.len] & 0xc0) == 0x80;)
			text.len--;
	return str_is_utf8(text, NULL) ? text : HF_STR("invalid");
}

static bool label_texts_init(struct label_texts *texts, const struct hf_label *labels, size_t nlabels)
{
	buf_init(&texts->names, 4096);
	buf_init(&texts->values, 4096);
	buf_init(&texts->others, 4096);
	if (nlabels > METRICS_LABELS_MAX)
		return false;
	for (size_t i = 0; i < nlabels; i++) {
		if (!is_name(labels[i].name, false))
			return false;
		const char *comma = i ? "," : "";
		struct hf_str value = label_value(labels[i].value ? labels[i].value : "");
		buf_printf(&texts->names, "%s%s", comma, labels[i].name);
		buf_printf(&texts->others, "%s%s=\"other\"", comma, labels[i].name);
		buf_printf(&texts->values, "%s%s=\"", comma, labels[i].name);
		metrics_escape(&texts->values, value, true);
		buf_add_char(&texts->values, '"');
	}
	return buf_ok(&texts->names) && buf_ok(&texts->values) && buf_ok(&texts->others);
}

static struct family *family_find(struct hf_metrics *metrics, const char *name)
{
	for (size_t i = 0; i < metrics->nfamilies; i++)
		if (strcmp(metrics->families[i]->name, name) == 0)
			return metrics->families[i];
	return NULL;
}

static struct family *family_get(struct hf_metrics *metrics, const char *name, const char *help,
                                 enum metric_kind kind, const char *label_names)
{
	struct family *family = family_find(metrics, name);
	if (family)
		return family->kind == kind && strcmp(family->label_names, label_names) == 0 ? family : NULL;
	if (metrics->nfamilies == METRICS_FAMILIES_MAX)
		return NULL;
	family = family_new(name, help, kind, label_names);
	if (family)
		metrics->families[metrics->nfamilies++] = family;
	return family;
}

static struct series *series_get(struct family *family, const struct label_texts *texts)
{
	const char *labels = buf_str(&texts->values).ptr;
	for (;;) {
		for (size_t i = 0; i < family->nseries; i++)
			if (strcmp(family->series[i]->labels, labels) == 0)
				return family->series[i];
		if (family->nseries < METRICS_SERIES_MAX || labels == buf_str(&texts->others).ptr)
			break;
		labels = buf_str(&texts->others).ptr;
	}
	struct series *series = series_new(family->kind, labels);
	if (series)
		family->series[family->nseries++] = series;
	return series;
}

/* Label values are part of the key as they are: callers give one name's labels in one order. */
static struct series *get(struct hf_metrics *metrics, enum metric_kind kind, const char *name, const char *help,
                          const struct hf_label *labels, size_t nlabels)
{
	CLEANUP(label_texts_deinit) struct label_texts texts;
	struct series *series = NULL;
	if (label_texts_init(&texts, labels, nlabels) && is_name(name, true)) {
		pthread_mutex_lock(&metrics->mutex);
		struct family *family = family_get(metrics, name, help, kind, buf_str(&texts.names).ptr);
		if (family)
			series = series_get(family, &texts);
		pthread_mutex_unlock(&metrics->mutex);
	}
	if (series)
		return series;
	metrics_count(metrics, METRIC_REFUSED, 1);
	return metrics->nowhere[kind];
}

hf_counter *hf_metrics_counter(hf_metrics *metrics, const char *name, const char *help, const struct hf_label *labels,
                               size_t nlabels)
{
	return (hf_counter *)get(metrics, METRIC_COUNTER, name, help, labels, nlabels);
}

hf_gauge *hf_metrics_gauge(hf_metrics *metrics, const char *name, const char *help, const struct hf_label *labels,
                           size_t nlabels)
{
	return (hf_gauge *)get(metrics, METRIC_GAUGE, name, help, labels, nlabels);
}

hf_histogram *hf_metrics_histogram(hf_metrics *metrics, const char *name, const char *help,
                                   const struct hf_label *labels, size_t nlabels)
{
	return (hf_histogram *)get(metrics, METRIC_HISTOGRAM, name, help, labels, nlabels);
}

void hf_counter_add(hf_counter *counter, uint64_t n)
{
	atomic_fetch_add_explicit(&counter->series.value, n, memory_order_relaxed);
}

static uint64_t load(const atomic_uint_least64_t *place)
{
	return atomic_load_explicit(place, memory_order_relaxed);
}

/* Parts of a gauge are read one behind the other: one that went up on one processor and down on another may be seen
 * down only. */
uint64_t series_value(const struct series *series)
{
	uint64_t sum = load(&series->value);
	for (size_t i = 0; series->shared && i < METRICS_SHARES; i++)
		sum += load(&series->shared->shares[i].counts[series->metric]);
	return series->shared && (int64_t)sum < 0 ? 0 : sum;
}

uint64_t hf_counter_value(const hf_counter *counter)
{
	return series_value(&counter->series);
}

void hf_gauge_set(hf_gauge *gauge, int64_t value)
{
	if (gauge->series.shared) /* the library goes on counting from where it is */
		return;
	atomic_store_explicit(&gauge->series.value, (uint64_t)value, memory_order_relaxed);
}

void hf_gauge_add(hf_gauge *gauge, int64_t delta)
{
	atomic_fetch_add_explicit(&gauge->series.value, (uint64_t)delta, memory_order_relaxed);
}

int64_t hf_gauge_value(const hf_gauge *gauge)
{
	return (int64_t)series_value(&gauge->series);
}

static void observe(struct histogram_cells *cells, int64_t us)
{
	if (us < 0)
		us = 0;
	size_t i = 0;
	while (i < METRICS_BUCKETS && us > metrics_bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&cells->buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&cells->sum_us, (uint64_t)us, memory_order_relaxed);
}

static void add_cells(struct histogram_cells *sum, const struct histogram_cells *cells)
{
	for (size_t i = 0; i <= METRICS_BUCKETS; i++)
		sum->buckets[i] += load(&cells->buckets[i]);
	sum->sum_us += load(&cells->sum_us);
}

void series_cells(const struct series *series, struct histogram_cells *ret_cells)
{
	memset(ret_cells, 0, sizeof(*ret_cells));
	add_cells(ret_cells, series->cells);
	for (size_t i = 0; series->shared && series->metric == METRIC_QUERY_DURATION && i < METRICS_SHARES; i++)
		add_cells(ret_cells, &series->shared->shares[i].query_duration);
}

static uint64_t observations(const struct series *series)
{
	struct histogram_cells cells;
	uint64_t count = 0;
	series_cells(series, &cells);
	for (size_t i = 0; i <= METRICS_BUCKETS; i++)
		count += cells.buckets[i];
	return count;
}

void hf_histogram_observe_us(hf_histogram *histogram, int64_t us)
{
	observe(histogram->series.cells, us);
}

uint64_t hf_histogram_count(const hf_histogram *histogram)
{
	return observations(&histogram->series);
}

HOT void metrics_observe_us(struct hf_metrics *metrics, enum metric metric, int64_t us)
{
	observe(metrics->own[metric]->cells, us);
}

HOT void metrics_statement(struct hf_metrics *metrics, int64_t us, int64_t rows)
{
	struct metrics_share *share = metrics_share(metrics);
	observe(&share->query_duration, us);
	atomic_fetch_add_explicit(&share->counts[METRIC_QUERIES], 1, memory_order_relaxed);
	if (rows > 0)
		atomic_fetch_add_explicit(&share->counts[METRIC_ROWS], (uint64_t)rows, memory_order_relaxed);
}

uint64_t metrics_value(const struct hf_metrics *metrics, enum metric metric)
{
	const struct series *series = metrics->own[metric];
	return series->cells ? observations(series) : series_value(series);
}

static const struct {
	enum metric_kind kind;
	const char *name, *help;
} own[METRICS_OWN] = {
#define OWN_METRIC(number, kind, name, help) [METRIC_##number] = {METRIC_##kind, name, help},
        METRICS_TABLE(OWN_METRIC)
#undef OWN_METRIC
};

static bool make_own(struct hf_metrics *metrics)
{
	for (int kind = METRIC_COUNTER; kind <= METRIC_HISTOGRAM; kind++) {
		metrics->nowhere[kind] = series_new((enum metric_kind)kind, "");
		if (!metrics->nowhere[kind])
			return false;
	}
	for (size_t i = 0; i < METRICS_OWN; i++) {
		struct series *series = get(metrics, own[i].kind, own[i].name, own[i].help, NULL, 0);
		if (series == metrics->nowhere[own[i].kind])
			return false;
		metrics->own[i] = series;
		series->shared = metrics;
		series->metric = (enum metric)i;
	}
	return true;
}

struct hf_metrics *metrics_new(void)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics =
		aligned_alloc(_Alignof(struct hf_metrics), sizeof(*metrics));
	if (!metrics)
		return NULL;
	memset(metrics, 0, sizeof(*metrics));
	if (pthread_mutex_init(&metrics->mutex, NULL) != 0)
		return NULL;
	return make_own(metrics) ? metrics_take(&metrics) : NULL;
}

void metrics_free(struct hf_metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < metrics->nfamilies; i++)
		family_free(metrics->families[i]);
	for (size_t kind = 0; kind < ARRAY_LEN(metrics->nowhere); kind++)
		if (metrics->nowhere[kind])
			series_free(metrics->nowhere[kind]);
	pthread_mutex_destroy(&metrics->mutex);
	free(metrics);
}
