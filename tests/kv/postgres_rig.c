/*
 * postgres_rig.c - see postgres_rig.h.
 */
#include "postgres_rig.h"

void rig_begin(struct rig *rig, hf_context *ctx)
{
	*rig = (struct rig){.ctx = ctx ? ctx : fixture_context(), .arena = hf_arena_new(0)};
	snprintf(rig->url, sizeof(rig->url), "%s", fixture_database(NULL));
	rig->connection = fixture_connect(rig->url);
	assert_non_null(rig->arena);
}

void rig_open(struct rig *rig, hf_context *ctx, const struct hf_kv_options *options)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_options chosen = options ? *options : (struct hf_kv_options){0};
	chosen.size = sizeof(chosen);
	chosen.sweep_interval_ms = -1;
	rig_begin(rig, ctx);
	EXPECT_OK(hf_kv_open(rig->ctx, rig->url, &chosen, &rig->kv, &err));
}

int rig_close(void **user)
{
	struct rig *rig = *user;
	hf_kv_close(rig->kv);
	hf_connection_free(rig->connection);
	hf_arena_free(rig->arena);
	if (rig->ctx != fixture_context())
		hf_context_free(rig->ctx);
	return 0;
}

void rig_run(struct rig *rig, const char *sql)
{
	sql_run(hf_on_connection(rig->connection), sql);
}

int64_t rig_number(struct rig *rig, const char *sql)
{
	return sql_number(hf_on_connection(rig->connection), sql);
}

void rig_put(struct rig *rig, const char *key, const char *value)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_put(rig->kv, hf_kv_text(key), hf_kv_text(value), NULL, &err));
}
