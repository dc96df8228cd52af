/* double_rig.c - see double_rig.h. */
#include "double_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void note_event(void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                       size_t nfields)
{
	struct bench *bench = user;
	(void)level;
	(void)fields;
	(void)nfields;
	size_t len = strlen(bench->events);
	snprintf(bench->events + len, sizeof(bench->events) - len, "%s ", event);
}

int bench_up(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct bench *bench = calloc(1, sizeof(*bench));
	assert_non_null(bench);
	struct hf_context_options options = {.size = sizeof(options),
	                                     .user = bench,
	                                     .monotonic_us = double_now_us,
	                                     .log = note_event,
	                                     .log_level = HF_LOG_DEBUG};
	EXPECT_OK(hf_context_new(&options, &bench->ctx, &err));
	EXPECT_OK(hf_settings_new(bench->ctx, &bench->settings, &err));
	EXPECT_OK(hf_settings_parse(bench->settings, "host=/nowhere user=u dbname=d", &err));
	double_script(NULL, 0);
	double_connects(NULL, 0);
	EXPECT_OK(hf_connection_open(bench->ctx, bench->settings, NULL, 0, &bench->connection, &err));
	bench->where = hf_on_connection(bench->connection);
	bench->arena = hf_arena_new(0);
	*state = bench;
	return 0;
}

int bench_down(void **state)
{
	struct bench *bench = *state;
	double_release_cancel();
	hf_connection_free(bench->connection);
	hf_settings_free(bench->settings);
	hf_arena_free(bench->arena);
	hf_context_free(bench->ctx);
	free(bench);
	double_done();
	assert_int_equal(double_open_count(), 0);
	return 0;
}
