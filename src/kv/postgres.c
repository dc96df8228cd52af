/*
 * postgres.c - see postgres.h.
 */
#include "kv/postgres.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "holdfast/migrate.h"
#include "kv/backends.h"
#include "kv/postgres_index.h"
#include "kv/postgres_replica.h"
#include "kv/postgres_retry.h"
#include "kv/postgres_token.h"
#include "kv/postgres_checkpoint.h"

DEFINE_OWNED(settings, hf_settings *, hf_settings_free)
DEFINE_OWNED(connection, hf_connection *, hf_connection_free)
DEFINE_OWNED(migrations, hf_migrations *, hf_migrations_free)

/* ---- open and close ---- */

static void postgres_close(hf_kv_backend_state *state)
{
	postgres_replica_close(state->replica);
	postgres_indexes_free(state->indexes);
	hf_pool_close(state->pool);
	hf_arena_free(state->arena);
	codec_deinit(&state->codec);
	free(state);
}
DEFINE_OWNED(state, hf_kv_backend_state *, postgres_close)

enum hf_status postgres_not_these(hf_error *err)
{
	char why[sizeof(err->message)];
	snprintf(why, sizeof(why), "%s", err ? err->message : "");
	error_set(err, HF_E_DRIFT, "the store's tables are not those of this version: %s", why);
	error_hint(err, "holdfast migrate up --set kv, or open without no_migrate, makes them");
	return HF_E_DRIFT;
}

/* What a database or a role may be set to otherwise; sql/migrations/kv/0002_checkpoints.sql says why it matters. */
#define READ_COMMITTED "-c default_transaction_isolation=read\\ committed"

/* What is strict is on disk where a database or a role is set to less as well; who is set to more keeps that. Said for
 * each session: a setting that somebody changes later binds those that the pool opens then. */
static enum hf_status choose_commit(hf_kv_backend_state *state, hf_connection *connection,
                                    struct hf_connection_options *how, hf_error *err)
{
	static const struct {
		const char *setting, *options;
	} choices[] = {{"remote_apply", READ_COMMITTED " -c synchronous_commit=remote_apply"},
	               {"remote_write", READ_COMMITTED " -c synchronous_commit=remote_write"},
	               {"local", READ_COMMITTED " -c synchronous_commit=local"}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct store_commits_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = store_commits(hf_on_connection(connection), &state->entries, arena, &row, err);
	if (status != HF_OK)
		return status;
	how->server_options = READ_COMMITTED " -c synchronous_commit=on";
	for (size_t i = 0; i < ARRAY_LEN(choices); i++)
		if (str_eq(row.setting, hf_str_of(choices[i].setting)))
			how->server_options = choices[i].options;
	return HF_OK;
}

/* Whether there is no table of the store yet. */
static bool has_none(hf_connection *connection, const hf_migrations *set)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_migrate_status state;
	return arena && hf_migrate_status(hf_on_connection(connection), set, arena, &state, NULL) == HF_OK &&
	       !state.applied[0] && state.failed == 0;
}

static enum hf_status none_of_these(const struct hf_kv_options *options, hf_error *err)
{
	error_set(err, HF_NOT_FOUND, "there is no store in table %s.%s", options->schema, options->table);
	error_hint(err, "holdfast migrate up --set kv, or open without no_migrate, makes it");
	return HF_NOT_FOUND;
}

/* On a session of its own, which the migrations need. */
static enum hf_status prepare(hf_kv_backend_state *state, const hf_settings *settings,
                              struct hf_connection_options *how, const struct hf_kv_options *options, hf_error *err)
{
	const struct hf_str names[] = {hf_str_of(options->schema), hf_str_of(options->table)};
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	CLEANUP(connection_freep) hf_connection *connection = NULL;
	enum hf_status status = hf_migrations_instance(state->ctx, "kv", names, ARRAY_LEN(names), &set, err);
	if (status == HF_OK)
		status = hf_connection_open(state->ctx, settings, how, HF_DEADLINE_DEFAULT, &connection, err);
	if (status == HF_OK)
		status = options->no_migrate ? hf_migrate_check(hf_on_connection(connection), set, err)
		                             : hf_migrate_up(connection, set, NULL, NULL, err);
	if (status == HF_DIFFERS && options->no_migrate)
		return options->no_namespace && has_none(connection, set) ? none_of_these(options, err)
		                                                          : postgres_not_these(err);
	return status == HF_OK ? choose_commit(state, connection, how, err) : status;
}

static enum hf_status open_pool(hf_kv_backend_state *state, const hf_settings *settings,
                                const struct hf_connection_options *how, const struct hf_kv_options *options,
                                hf_error *err)
{
	const struct hf_pool_options pool = {.size = sizeof(pool),
	                                     .name = "kv",
	                                     .connections_max = options->connections_max,
	                                     .connections_min = options->connections_min,
	                                     .acquire_timeout_ms = options->timeout_ms,
	                                     .idle_timeout_ms = options->connection_idle_ms,
	                                     .lifetime_ms = options->connection_lifetime_ms,
	                                     .connection = how};
	return hf_pool_open(state->ctx, settings, &pool, &state->pool, err);
}

/* The statements, for the tables of these names. */
static enum hf_status bind_all(hf_kv_backend_state *state, hf_error *err)
{
	const struct entries_names entries = {state->schema, state->table};
	const struct checkpoints_names points = {state->schema, state->table};
	const struct load_names load = {state->schema, state->table};
	const struct changes_names changes = {state->schema, state->table};
	const struct tokens_names tokens = {state->schema, state->table};
	enum hf_status status = entries_bind(&entries, state->arena, &state->entries, err);
	if (status == HF_OK)
		status = checkpoints_bind(&points, state->arena, &state->points, err);
	if (status == HF_OK)
		status = load_bind(&load, state->arena, &state->load, err);
	if (status == HF_OK)
		status = changes_bind(&changes, state->arena, &state->changes, err);
	if (status == HF_OK)
		status = tokens_bind(&tokens, state->arena, &state->tokens, err);
	return status;
}

static enum hf_status state_new(hf_context *ctx, const struct hf_kv_options *options, hf_kv_backend_state **ret_state,
                                hf_error *err)
{
	CLEANUP(state_freep) hf_kv_backend_state *state = calloc(1, sizeof(*state));
	if (!state || !(state->arena = hf_arena_new(0)))
		return error_nomem(err);
	state->ctx = ctx;
	codec_init(&state->codec, options);
	atomic_init(&state->upserts, POSTGRES_FIRST_UPSERTS);
	state->no_namespace = options->no_namespace;
	state->attempts_max = options->attempts_max;
	state->backoff_ms = options->backoff_ms;
	state->backoff_ms_max = options->backoff_ms_max;
	state->schema = hf_arena_str(state->arena, hf_str_of(options->schema));
	state->table = hf_arena_str(state->arena, hf_str_of(options->table));
	if (!state->schema.ptr || !state->table.ptr)
		return error_nomem(err);
	enum hf_status status = bind_all(state, err);
	if (status == HF_OK)
		status = postgres_indexes_new(&state->indexes, err);
	if (status == HF_OK)
		*ret_state = state_take(&state);
	return status;
}

static enum hf_status postgres_open(hf_context *ctx, const char *url, const struct hf_kv_options *options,
                                    hf_kv_backend_state **ret_state, hf_error *err)
{
	struct hf_connection_options how = {.size = sizeof(how),
	                                    .connect_timeout_ms = options->connect_timeout_ms,
	                                    .query_timeout_ms = options->timeout_ms,
	                                    .slow_statement_ms = options->slow_ms,
	                                    .log_statements = options->log_statements,
	                                    .server_options = READ_COMMITTED};
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	CLEANUP(state_freep) hf_kv_backend_state *state = NULL;
	enum hf_status status = hf_settings_new(ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, url, err);
	if (status == HF_OK)
		status = state_new(ctx, options, &state, err);
	if (status == HF_OK)
		status = prepare(state, settings, &how, options, err);
	if (status == HF_OK)
		status = open_pool(state, settings, &how, options, err);
	if (status == HF_OK && options->replica_url)
		status = postgres_replica_open(state, options, &how, &state->replica, err);
	if (status == HF_OK)
		*ret_state = state_take(&state);
	return status;
}

/* ---- namespaces ---- */

static enum hf_status find_or_add(hf_kv_backend_state *state, struct hf_str name, hf_where where, hf_arena *arena,
                                  int32_t *ret_ns, hf_error *err)
{
	struct space_find_row found = {0};
	struct space_add_row added = {0};
	enum hf_status status = space_find(where, &state->entries, &(struct space_find_in){name}, arena, &found, err);
	if (status == HF_NOT_FOUND && state->no_namespace)
		return status;
	if (status == HF_NOT_FOUND)
		status = space_add(where, &state->entries, &(struct space_add_in){name}, arena, &added, err);
	if (status == HF_NOT_FOUND) /* somebody else just did */
		status = space_find(where, &state->entries, &(struct space_find_in){name}, arena, &found, err);
	if (status == HF_OK)
		*ret_ns = added.id ? added.id : found.id;
	return status;
}

static enum hf_status postgres_name_space(hf_kv_backend_state *state, struct hf_str name, hf_deadline deadline,
                                          int32_t *ret_ns, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	enum hf_status status;
	struct retrying again;
	if (!arena)
		return error_nomem(err);
	postgres_retry(&again, state, deadline, err);
	do
		status = find_or_add(state, name, postgres_on(state, deadline), arena, ret_ns, &again.err);
	while (postgres_again(&again, status));
	return status;
}

/* HF_NOT_FOUND: the namespace has no row. */
static enum hf_status set_ttl(hf_kv_backend_state *state, int32_t ns, int64_t ttl_us, hf_where where, hf_error *err)
{
	const struct space_set_ttl_in in = {.ns = ns, .has_ttl = ttl_us > 0, .ttl = {.us = ttl_us}};
	int64_t rows = 0;
	enum hf_status status = space_set_ttl(where, &state->entries, &in, &rows, err);
	return status == HF_OK && rows == 0 ? HF_NOT_FOUND : status;
}

static enum hf_status postgres_space_ttl(hf_kv_backend_state *state, int32_t ns, const int64_t *set_us,
                                         hf_deadline deadline, int64_t *ret_us, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct space_ttl_row row = {0};
	struct retrying again;
	enum hf_status status;
	if (!arena)
		return error_nomem(err);
	postgres_retry(&again, state, deadline, err);
	do {
		hf_where where = postgres_on(state, deadline);
		status =
			set_us ? set_ttl(state, ns, *set_us, where, &again.err)
			       : space_ttl(where, &state->entries, &(struct space_ttl_in){ns}, arena, &row, &again.err);
	} while (postgres_again(&again, status));
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_E_CORRUPT, "the namespace is no longer in the table of namespaces");
	if (status == HF_OK)
		*ret_us = set_us ? *set_us : row.has_us ? row.us : 0;
	return status;
}

/* ---- care ---- */

/* A step of one namespace after the other, until there is no more or enough is done; then what else grows old. That may
 * fail for want of a grant, which is not to keep entries. */
static enum hf_status postgres_sweep(hf_kv_backend_state *state, size_t limit, hf_deadline deadline,
                                     uint64_t *ret_removed, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_where where = postgres_on(state, deadline);
	struct sweep_next_row next;
	struct sweep_step_row step = {.n = 1};
	enum hf_status status = arena ? HF_OK : error_nomem(err);
	uint64_t removed = 0;
	while (status == HF_OK && removed < limit && step.n > 0) { /* 0: somebody else is at it */
		status = sweep_next(where, &state->entries, arena, &next, err);
		struct sweep_step_in in = {.most = (int64_t)(limit - removed), .has_most = true};
		in.ns = status == HF_OK ? next.namespace_ : 0;
		if (status == HF_OK)
			status = sweep_step(where, &state->entries, &in, arena, &step, err);
		removed += status == HF_OK ? (uint64_t)step.n : 0;
	}
	if (status == HF_NOT_FOUND)
		status = HF_OK;
	if (status == HF_OK && removed < limit)
		status = postgres_trim(state, deadline, err);
	if (status == HF_OK && removed < limit)
		status = postgres_tokens_sweep(state, deadline, err);
	if (status == HF_OK)
		*ret_removed = removed;
	return status;
}

static enum hf_status postgres_vacuum(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	hf_where where = postgres_on(state, deadline);
	struct store_may_vacuum_row row = {0};
	if (!arena)
		return error_nomem(err);
	enum hf_status status = store_may_vacuum(where, &state->entries, arena, &row, err);
	if (status == HF_OK && !row.may) {
		error_set(err, HF_E_DENIED, "only who owns the store's tables may vacuum them, not role \"%.*s\"",
		          (int)row.role.len, row.role.ptr);
		error_hint(err, "autovacuum does it unasked; or GRANT the owner's role to this one");
		return HF_E_DENIED;
	}
	return status == HF_OK ? store_vacuum(where, &state->entries, err) : status;
}

static enum hf_status postgres_sizes(hf_kv_backend_state *state, hf_deadline deadline, struct hf_kv_sizes *ret_sizes,
                                     hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct store_sizes_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = store_sizes(postgres_on(state, deadline), &state->entries, arena, &row, err);
	if (status == HF_OK)
		*ret_sizes = (struct hf_kv_sizes){.total_bytes = (uint64_t)row.all_bytes,
		                                  .table_bytes = (uint64_t)row.entries_bytes,
		                                  .index_bytes = row.index_bytes,
		                                  .history_bytes = row.history_bytes,
		                                  .toast_bytes = row.toast_bytes,
		                                  .live_rows = row.live,
		                                  .dead_rows = row.dead,
		                                  .bloat_bytes = row.has_bloat ? row.bloat : -1,
		                                  .vacuumed_us = row.has_vacuumed ? postgres_us(row.vacuumed) : -1};
	return status;
}

static enum hf_status postgres_now(hf_kv_backend_state *state, hf_deadline deadline, int64_t *ret_us, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct store_now_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = store_now(postgres_on(state, deadline), &state->entries, arena, &row, err);
	if (status == HF_OK)
		*ret_us = postgres_us(row.at);
	return status;
}

static enum hf_status postgres_health(hf_kv_backend_state *state, hf_deadline deadline, hf_error *err)
{
	int64_t now;
	return postgres_now(state, deadline, &now, err);
}

const struct hf_kv_vtable postgres_backend = {
	.size = sizeof(struct hf_kv_vtable),
	.name = "postgresql",
	.capabilities = HF_KV_CAN_PERSIST | HF_KV_CAN_SHARE | HF_KV_CAN_RELAX | HF_KV_CAN_ESTIMATE | HF_KV_CAN_LOCK |
                        HF_KV_CAN_CHECKPOINT | HF_KV_CAN_SNAPSHOT | HF_KV_CAN_WATCH | HF_KV_CAN_READ_REPLICAS |
                        HF_KV_CAN_INDEX | HF_KV_CAN_TOKEN,
	.key_bytes_max = HF_KV_KEY_BYTES_MAX,
	.open = postgres_open,
	.close = postgres_close,
	.name_space = postgres_name_space,
	.read = postgres_read,
	.gather = postgres_gather,
	.values = postgres_values,
	.apply = postgres_apply,
	.transact = postgres_transact,
	.scan = postgres_scan,
	.count = postgres_count,
	.estimate = postgres_estimate,
	.clear = postgres_clear,
	.load = postgres_load,
	.sweep = postgres_sweep,
	.vacuum = postgres_vacuum,
	.sizes = postgres_sizes,
	.health = postgres_health,
	.inspect = postgres_inspect,
	.now = postgres_now,
	.retries = postgres_retries,
	.lock_take = postgres_lock_take,
	.lock_renew = postgres_lock_renew,
	.lock_list = postgres_lock_list,
	.point_create = postgres_point_create,
	.point_list = postgres_point_list,
	.point_update = postgres_point_update,
	.point_delete = postgres_point_delete,
	.points_delete = postgres_points_delete,
	.points_weigh = postgres_points_weigh,
	.point_changed = postgres_point_changed,
	.restore = postgres_restore,
	.read_at = postgres_read_at,
	.diff = postgres_diff,
	.position = postgres_position,
	.replica = postgres_replica_for,
	.index_create = postgres_index_create,
	.index_drop = postgres_index_drop,
	.index_list = postgres_index_list,
	.feed_set = postgres_feed_set,
	.feed_show = postgres_feed_show,
	.changes = postgres_changes,
	.space_ttl = postgres_space_ttl,
};
