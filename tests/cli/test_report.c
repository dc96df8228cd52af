/* Errors, events and progress as they reach stderr. */
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "../check.h"

struct fixture {
	FILE *file;
	char *text;
	size_t size;
};

static void start(struct fixture *f)
{
	f->text = NULL;
	f->file = open_memstream(&f->text, &f->size);
	assert_non_null(f->file);
}

static void finish(struct fixture *f, const char *expected)
{
	fclose(f->file);
	assert_string_equal(f->text, expected);
	free(f->text);
}

static const hf_error sample = {
	.status = HF_CONFLICT, .category = HF_CATEGORY_TRANSACTION_CONFLICT, .action = HF_ACTION_RETRY_TRANSACTION,
	.sqlstate = "40001", .message = "two\nlines \x1b[2J", .detail = "the detail", .hint = "try   this\nor     that",
};

static void errors_are_lines_or_an_object(UNUSED void **state)
{
	struct fixture f;
	start(&f);
	report_error(f.file, &sample, 5, false, false);
	finish(&f, "error: two\n  lines \\x1b[2J\n  detail   the detail\n  try   this\n  or     that\n");
	start(&f);
	report_error(f.file, &sample, 5, true, true);
	finish(&f, "{\"error\":{\"code\":\"conflict\",\"exit\":5,\"message\":\"two\\nlines \\u001b[2J\",\"detail\":\"the detail\","
		   "\"hint\":\"try this; or that\",\"sqlstate\":\"40001\",\"retryable\":true}}\n");
	const hf_error plain = {.status = HF_E_FAILED, .message = "no"};
	start(&f);
	report_error(f.file, &plain, 1, false, true);
	finish(&f, "\033[1;31merror:\033[0m no\n");
	start(&f);
	report_error(f.file, &plain, 1, true, false);
	finish(&f, "{\"error\":{\"code\":\"failed\",\"exit\":1,\"message\":\"no\",\"detail\":null,\"hint\":null,"
		   "\"sqlstate\":null,\"retryable\":false}}\n");
}

static void only_what_may_help_is_retryable(UNUSED void **state)
{
	static const struct {
		enum hf_action action;
		const char *expected;
	} cases[] = {
		{HF_ACTION_NEVER, "false"},	  {HF_ACTION_RETRY_STATEMENT, "true"}, {HF_ACTION_REPREPARE, "true"},
		{HF_ACTION_RECONNECT, "true"}, {HF_ACTION_UNKNOWN, "false"},	       {HF_ACTION_WAIT, "true"},
		{HF_ACTION_FIX_CONFIG, "false"}, {(enum hf_action)99, "false"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		hf_error err = sample;
		err.action = cases[i].action;
		start(&f);
		report_error(f.file, &err, 5, true, false);
		fclose(f.file);
		EXPECT_CONTAINS(f.text, cases[i].expected);
		free(f.text);
	}
}

static void events_are_logfmt_or_json(UNUSED void **state)
{
	struct fixture f;
	const struct hf_log_field fields[] = {
		{.name = "text", .kind = HF_FIELD_TEXT, .text = HF_STR_INIT("a \"b\"=\n")},
		{.name = "word", .kind = HF_FIELD_TEXT, .text = HF_STR_INIT("plain")},
		{.name = "empty", .kind = HF_FIELD_TEXT, .text = HF_STR_INIT("")},
		{.name = "n", .kind = HF_FIELD_INT, .number = -7},
		{.name = "took_ms", .kind = HF_FIELD_MS, .number = 1500},
	};
	start(&f);
	struct report_log log = {.file = f.file};
	report_event(&log, HF_LOG_WARN, "tx_retry", fields, 5);
	fflush(f.file);
	assert_memory_equal(f.text, "ts=20", 5);
	EXPECT_CONTAINS(f.text, "Z level=warn event=tx_retry text=\"a \\\"b\\\"=\\n\" word=plain empty=\"\" n=-7 took_ms=1.500\n");
	fclose(f.file);
	free(f.text);
	start(&f);
	log = (struct report_log){.file = f.file, .format = LOG_JSON};
	report_event(&log, HF_LOG_DEBUG, "tx_retry", fields, 5);
	fflush(f.file);
	EXPECT_CONTAINS(f.text, "Z\",\"level\":\"debug\",\"event\":\"tx_retry\",\"text\":\"a \\\"b\\\"=\\n\",\"word\":\"plain\",\"empty\":\"\",\"n\":-7,"
				"\"took_ms\":1.5}\n");
	fclose(f.file);
	free(f.text);
}

static void a_warning_of_several_connections_is_said_once(UNUSED void **state)
{
	struct fixture f;
	start(&f);
	struct report_log log = {.file = f.file};
	const char *const hosts[] = {"a", "a", "b", "a"};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		const struct hf_log_field fields[] = {
			{.name = "host", .kind = HF_FIELD_TEXT, .text = hf_str_of(hosts[i])},
			{.name = "sslmode", .kind = HF_FIELD_TEXT, .text = HF_STR_INIT("prefer")},
		};
		report_warning(&log, HF_LOG_WARN, "tls_unverified", fields, ARRAY_LEN(fields));
	}
	fclose(f.file);
	assert_string_equal(f.text, "warning: anyone could answer for a with sslmode=prefer: set sslmode=verify-full\n"
				    "warning: anyone could answer for b with sslmode=prefer: set sslmode=verify-full\n"
				    "warning: anyone could answer for a with sslmode=prefer: set sslmode=verify-full\n");
	free(f.text);
}

static void progress_waits_then_shows_then_goes(UNUSED void **state)
{
	struct fixture f;
	start(&f);
	struct progress progress = {.file = f.file};
	progress_start(&progress, "importing", 1234567, 1000000);
	progress_update(&progress, 10, 1400000);
	fflush(f.file);
	assert_int_equal(f.size, 0);
	progress_update(&progress, 12345, 1500000);
	progress_update(&progress, 12346, 1550000);
	struct report_log log = {.file = f.file, .progress = &progress};
	report_event(&log, HF_LOG_WARN, "e", NULL, 0);
	fflush(f.file);
	EXPECT_CONTAINS(f.text, "\rimporting  12,345 of 1,234,567    0 %  0.5 s\033[K\r\033[Kts=");
	progress_update(&progress, 1234567, 2500000);
	progress_end(&progress);
	fflush(f.file);
	EXPECT_CONTAINS(f.text, "\rimporting  1,234,567 of 1,234,567  100 %  1.5 s\033[K\r\033[K");
	progress_start(&progress, "reading", 0, 0);
	progress_update(&progress, 999, 600000);
	fflush(f.file);
	EXPECT_CONTAINS(f.text, "\rreading  999  0.6 s\033[K");
	progress_end(&progress);
	fclose(f.file);
	free(f.text);
}

static void progress_is_silent_without_a_terminal(UNUSED void **state)
{
	struct progress progress = {0};
	progress_start(&progress, "importing", 10, 0);
	progress_update(&progress, 5, 10000000);
	assert_false(progress.visible);
	progress_end(&progress);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_lines_or_an_object),
		cmocka_unit_test(only_what_may_help_is_retryable),
		cmocka_unit_test(events_are_logfmt_or_json),
		cmocka_unit_test(a_warning_of_several_connections_is_said_once),
		cmocka_unit_test(progress_waits_then_shows_then_goes),
		cmocka_unit_test(progress_is_silent_without_a_terminal),
	};
	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
