/*
 * test_metrics.c - counting, bounds, and the exposition against its grammar.
 */
#include <ctype.h>
#include <string.h>

#include "base/context.h"
#include "base/metrics.h"
#include "../check.h"

static enum hf_status keep(void *user, struct hf_str text, UNUSED hf_error *err)
{
	buf_add(user, text);
	return HF_OK;
}

static char *exposition(struct hf_metrics *metrics, struct buf *text)
{
	hf_error err = HF_ERROR_INIT;
	buf_init(text, METRICS_TEXT_MAX);
	EXPECT_OK(hf_metrics_write(metrics, keep, text, &err));
	return text->ptr;
}

static void what_is_counted_is_written(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	struct hf_label labels[] = {{"queue", "a\"b\\c\nd"}, {"kind", NULL}};
	hf_counter *jobs = hf_metrics_counter(metrics, "jobs_total", "Jobs\nrun \\ done", labels, 2);
	hf_counter_add(jobs, 3);
	assert_ptr_equal(jobs, hf_metrics_counter(metrics, "jobs_total", "another help", labels, 2));
	assert_int_equal(hf_counter_value(jobs), 3);
	hf_gauge *level = hf_metrics_gauge(metrics, "level", "Level", NULL, 0);
	hf_gauge_set(level, 5);
	hf_gauge_add(level, -12);
	assert_int_equal(hf_gauge_value(level), -7);
	hf_histogram *wait = hf_metrics_histogram(metrics, "wait_seconds", "Wait", NULL, 0);
	hf_histogram_observe_us(wait, 100);
	hf_histogram_observe_us(wait, 101);
	hf_histogram_observe_us(wait, 90000000);
	hf_histogram_observe_us(wait, -5);
	assert_int_equal(hf_histogram_count(wait), 4);
	CLEANUP(buf_deinit) struct buf text;
	char *out = exposition(metrics, &text);
	EXPECT_CONTAINS(out, "# HELP jobs_total Jobs\\nrun \\\\ done\n# TYPE jobs_total counter\n");
	EXPECT_CONTAINS(out, "\njobs_total{queue=\"a\\\"b\\\\c\\nd\",kind=\"\"} 3\n");
	EXPECT_CONTAINS(out, "# TYPE level gauge\nlevel -7\n");
	EXPECT_CONTAINS(out, "wait_seconds_bucket{le=\"0.0001\"} 2\nwait_seconds_bucket{le=\"0.00025\"} 3\n");
	EXPECT_CONTAINS(out, "wait_seconds_bucket{le=\"60\"} 3\nwait_seconds_bucket{le=\"+Inf\"} 4\n");
	EXPECT_CONTAINS(out, "wait_seconds_sum 90.000201\nwait_seconds_count 4\n");
}

/* A program that sets one would make all that follows wrong. */
static void a_gauge_of_the_library_is_not_set(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	hf_gauge *idle = hf_metrics_gauge(metrics, "janitor_db_idle_connections", "", NULL, 0);
	metrics_gauge(metrics, METRIC_POOL_IDLE, 3);
	hf_gauge_set(idle, 7);
	assert_int_equal(hf_gauge_value(idle), 3);
	metrics_gauge(metrics, METRIC_POOL_IDLE, -3);
	assert_int_equal(hf_gauge_value(idle), 0);
}

static void the_names_of_the_plan_are_there(UNUSED void **state)
{
	static const char *const types[] = {
	        "janitor_db_connection_pool_size gauge",       "janitor_db_active_connections gauge",
	        "janitor_db_idle_connections gauge",           "janitor_db_query_duration_seconds histogram",
	        "janitor_db_queries_total counter",            "janitor_db_queries_failed counter",
	        "janitor_db_transactions_total counter",       "janitor_db_transactions_failed counter",
	        "janitor_db_custom_type_operations counter",   "postgres_insufficient_resources_total counter",
	};
	hf_error err = HF_ERROR_INIT;
	CLEANUP(context_freep) hf_context *ctx = NULL;
	EXPECT_OK(hf_context_new(NULL, &ctx, &err));
	metrics_count(ctx->metrics, METRIC_QUERIES, 2);
	metrics_gauge(ctx->metrics, METRIC_POOL_IDLE, 3);
	metrics_gauge(ctx->metrics, METRIC_POOL_IDLE, -1);
	metrics_observe_us(ctx->metrics, METRIC_QUERY_DURATION, 10);
	assert_int_equal(metrics_value(ctx->metrics, METRIC_QUERY_DURATION), 1);
	CLEANUP(buf_deinit) struct buf text;
	char *out = exposition(hf_context_metrics(ctx), &text);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		EXPECT_CONTAINS(out, types[i]);
	EXPECT_CONTAINS(out, "\njanitor_db_queries_total 2\n");
	EXPECT_CONTAINS(out, "\njanitor_db_idle_connections 2\n");
	assert_int_equal(metrics_value(ctx->metrics, METRIC_QUERIES), 2);
}

/* ---- a reader of the format, so that ours is judged by another mind than its writer's ---- */

static const char *skip_name(const char *at, bool colon)
{
	assert_true(isalpha((unsigned char)*at) || *at == '_' || (colon && *at == ':'));
	while (isalnum((unsigned char)*at) || *at == '_' || (colon && *at == ':'))
		at++;
	return at;
}

static const char *skip_labels(const char *at)
{
	if (*at != '{')
		return at;
	do {
		at = skip_name(at + 1, false);
		assert_memory_equal(at, "=\"", 2);
		for (at += 2; *at != '"'; at++) {
			assert_true(*at != '\n' && *at != '\0');
			if (*at == '\\')
				assert_non_null(strchr("\\\"n", *++at));
		}
		at++;
	} while (*at == ',');
	assert_int_equal(*at, '}');
	return at + 1;
}

static void check_line(const char *line, char family[128])
{
	if (strncmp(line, "# HELP ", 7) == 0) {
		const char *end = skip_name(line + 7, true);
		assert_int_equal(*end, ' ');
		snprintf(family, 128, "%.*s", (int)(end - line - 7), line + 7);
		return;
	}
	if (strncmp(line, "# TYPE ", 7) == 0) {
		assert_memory_equal(line + 7, family, strlen(family));
		const char *kind = line + 7 + strlen(family);
		assert_true(!strcmp(kind, " counter") || !strcmp(kind, " gauge") || !strcmp(kind, " histogram"));
		return;
	}
	const char *at = skip_name(line, true);
	assert_memory_equal(line, family, strlen(family)); /* samples stand under their family */
	at = skip_labels(at);
	assert_int_equal(*at++, ' ');
	char *end;
	strtod(at, &end);
	assert_true(end != at && *end == '\0');
}

static void the_exposition_keeps_to_its_grammar(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	for (int i = 0; i < 128; i++) {
		char value[] = {(char)i, 'x', '\0'};
		hf_histogram_observe_us(hf_metrics_histogram(metrics, "a:b_seconds", "h", (struct hf_label[]){{"v", value}}, 1), i);
		hf_counter_add(hf_metrics_counter(metrics, "c_total", value, (struct hf_label[]){{"_", value}}, 1), 1);
	}
	hf_metrics_counter(metrics, "bytes_total", NULL, (struct hf_label[]){{"v", "\xff\xfe"}}, 1);
	CLEANUP(buf_deinit) struct buf text;
	char *rest = exposition(metrics, &text), family[128] = "";
	assert_int_equal(text.ptr[text.len - 1], '\n');
	assert_true(str_is_utf8(buf_str(&text), NULL));
	size_t lines = 0;
	for (char *end; (end = strchr(rest, '\n')) != NULL; rest = end + 1, lines++) {
		*end = '\0';
		check_line(rest, family);
	}
	assert_in_range(lines, 2500, 4000);
}

static void kinds_names_and_numbers_are_bounded(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	struct hf_label one[] = {{"a", "1"}}, five[] = {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}, {"e", ""}};
	hf_metrics_counter(metrics, "x_total", "", one, 1);
	uint64_t refused = metrics_value(metrics, METRIC_REFUSED);
	hf_gauge_set(hf_metrics_gauge(metrics, "x_total", "", one, 1), 1);           /* another kind */
	hf_counter_add(hf_metrics_counter(metrics, "x_total", "", NULL, 0), 1);      /* other labels */
	hf_counter_add(hf_metrics_counter(metrics, "y_total", "", five, 5), 1);      /* too many labels */
	hf_counter_add(hf_metrics_counter(metrics, "1y", "", NULL, 0), 1);           /* not a name */
	hf_counter_add(hf_metrics_counter(metrics, "y y", "", NULL, 0), 1);
	hf_counter_add(hf_metrics_counter(metrics, "", "", NULL, 0), 1);
	hf_counter_add(hf_metrics_counter(metrics, NULL, "", NULL, 0), 1);
	hf_histogram_observe_us(hf_metrics_histogram(metrics, "x_total", "", one, 1), 1);
	hf_counter_add(hf_metrics_counter(metrics, "z", "", (struct hf_label[]){{"a:b", ""}}, 1), 1);
	assert_int_equal(metrics_value(metrics, METRIC_REFUSED), refused + 9);
	for (int i = 0; i < 1000; i++) {
		char value[16];
		snprintf(value, sizeof(value), "v%d", i);
		hf_counter_add(hf_metrics_counter(metrics, "many_total", "", (struct hf_label[]){{"v", value}}, 1), 1);
	}
	for (int i = 0; i < METRICS_FAMILIES_MAX; i++) {
		char name[16];
		snprintf(name, sizeof(name), "family%d", i);
		hf_metrics_counter(metrics, name, "", NULL, 0);
	}
	assert_true(metrics_value(metrics, METRIC_REFUSED) > refused + 9);
	CLEANUP(buf_deinit) struct buf text;
	char *out = exposition(metrics, &text);
	EXPECT_CONTAINS(out, "\nmany_total{v=\"v199\"} 1\nmany_total{v=\"other\"} 800\n");
	assert_null(strstr(out, "v200"));
}

static void long_values_are_cut_between_characters(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	char value[200];
	memset(value, 'a', sizeof(value));
	memcpy(value + METRICS_VALUE_MAX - 1, "\xc3\xa9", 2);
	value[sizeof(value) - 1] = '\0';
	hf_metrics_counter(metrics, "cut_total", "", (struct hf_label[]){{"v", value}}, 1);
	CLEANUP(buf_deinit) struct buf text;
	EXPECT_CONTAINS(exposition(metrics, &text), "aaa\"} 0\n");
	assert_true(str_is_utf8(buf_str(&text), NULL));
}

static enum hf_status refuse(UNUSED void *user, UNUSED struct hf_str text, UNUSED hf_error *err)
{
	return HF_STOP;
}

static void the_writer_decides_the_outcome(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	assert_int_equal(hf_metrics_write(metrics, refuse, NULL, NULL), HF_STOP);
}

static void *count_much(void *user)
{
	struct hf_metrics *metrics = user;
	for (int i = 0; i < 10000; i++) {
		hf_counter_add(hf_metrics_counter(metrics, "shared_total", "", NULL, 0), 1);
		metrics_observe_us(metrics, METRIC_QUERY_DURATION, i);
		metrics_gauge(metrics, METRIC_POOL_ACTIVE, 1);
		metrics_statement(metrics, i, i % 2 ? 3 : -1);
		sched_yield();
		metrics_gauge(metrics, METRIC_POOL_ACTIVE, -1);
	}
	return NULL;
}

/* On the processor of that number, where there is one. */
static void *count_there(void *user)
{
	struct hf_metrics *metrics = user;
	static atomic_size_t number;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(atomic_fetch_add(&number, 1), &set);
	sched_setaffinity(0, sizeof(set), &set);
	return count_much(metrics);
}

static void threads_lose_no_count(UNUSED void **state)
{
	CLEANUP(metrics_freep) struct hf_metrics *metrics = metrics_new();
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_there, metrics), 0);
	for (size_t i = 0; i < 20; i++) {
		CLEANUP(buf_deinit) struct buf text;
		assert_null(strstr(exposition(metrics, &text), "active_connections -"));
	}
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(hf_counter_value(hf_metrics_counter(metrics, "shared_total", "", NULL, 0)), 40000);
	assert_int_equal(metrics_value(metrics, METRIC_QUERY_DURATION), 80000);
	assert_int_equal(metrics_value(metrics, METRIC_QUERIES), 40000);
	assert_int_equal(metrics_value(metrics, METRIC_ROWS), 60000);
	assert_int_equal(metrics_value(metrics, METRIC_POOL_ACTIVE), 0);
	hf_counter *queries = hf_metrics_counter(metrics, "janitor_db_queries_total", "", NULL, 0);
	hf_counter_add(queries, 5); /* a program may count in ours */
	assert_int_equal(hf_counter_value(queries), 40005);
	CLEANUP(buf_deinit) struct buf text;
	char *out = exposition(metrics, &text);
	EXPECT_CONTAINS(out, "\njanitor_db_queries_total 40005\n");
	EXPECT_CONTAINS(out, "\njanitor_db_query_duration_seconds_sum 399.96\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_counted_is_written),
	        cmocka_unit_test(a_gauge_of_the_library_is_not_set),
	        cmocka_unit_test(the_names_of_the_plan_are_there),
	        cmocka_unit_test(the_exposition_keeps_to_its_grammar),
	        cmocka_unit_test(kinds_names_and_numbers_are_bounded),
	        cmocka_unit_test(long_values_are_cut_between_characters),
	        cmocka_unit_test(the_writer_decides_the_outcome),
	        cmocka_unit_test(threads_lose_no_count),
	};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
