/* rig.c - see rig.h. */
#include "rig.h"

#include "../fixture.h"

#include <stdlib.h>
#include <string.h>

int rig_up(void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	EXPECT_OK(hf_context_new(NULL, &rig->ctx, &err));
	EXPECT_OK(hf_settings_new(rig->ctx, &rig->settings, &err));
	EXPECT_OK(hf_settings_parse(rig->settings, fixture_database(NULL), &err));
	rig->arena = hf_arena_new(0);
	assert_non_null(rig->arena);
	*state = rig;
	return 0;
}

int rig_down(void **state)
{
	struct rig *rig = *state;
	hf_connection_free(rig->connection);
	hf_settings_free(rig->settings);
	hf_arena_free(rig->arena);
	hf_context_free(rig->ctx);
	free(rig);
	return 0;
}

hf_connection *rig_connect(struct rig *rig, const struct hf_connection_options *options)
{
	hf_error err = HF_ERROR_INIT;
	hf_connection *connection = NULL;
	EXPECT_OK(hf_connection_open(rig->ctx, rig->settings, options, HF_DEADLINE_DEFAULT, &connection, &err));
	return connection;
}

int rig_ready(void **state)
{
	struct rig *rig = *state;
	hf_arena_reset(rig->arena);
	if (rig->connection && rig->connection->broken) {
		hf_connection_free(rig->connection);
		rig->connection = NULL;
	}
	if (!rig->connection)
		rig->connection = rig_connect(rig, NULL);
	rig->where = hf_on_connection(rig->connection);
	return 0;
}

void rig_sql(struct rig *rig, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_sql_exec(rig->where, hf_str_of(sql), NULL, 0, NULL, &err));
}

const char *rig_text(struct rig *rig, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row = {0};
	EXPECT_OK(hf_sql_one(rig->where, hf_str_of(sql), NULL, 0, rig->arena, &row, &err));
	return row.values[0].kind == HF_VALUE_TEXT ? row.values[0].as.s.ptr : "";
}
