/*
 * kv_health.c - holdfast kv health: what hf_kv_health_report() says, and an exit code for who asks by machine; and kv
 * stats: what the store is and holds.
 */
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/kv.h"
#include "holdfast/kv_health.h"
#include "holdfast/kv_watch.h"

const struct cmd_option kv_health_options[] = {
	KV_STORE_OPTIONS,
	{.name = "check", .kind = OPTION_FLAG, .help = "exit 4 when degraded"},
	{0},
};

const struct column kv_health_columns[] = {
	{"state", COLUMN_TEXT, NULL, "healthy, degraded"},
	{"reasons", COLUMN_JSON, NULL, "texts, the worst first"},
	{"backend", COLUMN_TEXT, NULL, NULL},
	{"latency_s", COLUMN_DURATION, NULL, "of one round trip, now"},
	{"expired_waiting", COLUMN_INT, NULL, "expired, not removed yet; counts to 10,000"},
	{"sweep_lag_s", COLUMN_DURATION, NULL, "since the first of them expired"},
	{"checkpoint_age_s", COLUMN_DURATION, NULL, "of the newest; null: there is none"},
	{"transaction_s", COLUMN_DURATION, NULL, "age of the oldest writing transaction (PostgreSQL)"},
	{"feed_lag_s", COLUMN_DURATION, NULL, "how long it holds changes back; null: no feed"},
	{"used_bytes", COLUMN_INT, NULL, "of an LMDB map, of memory (Redis)"},
	{"room_bytes", COLUMN_INT, NULL, "that there is of it; null: no bound"},
	{"readers", COLUMN_INT, NULL, "of an LMDB folder"},
	{"readers_dead", COLUMN_INT, NULL, "of killed processes, taken back just now"},
	{"reader_lag", COLUMN_INT, NULL, "commits since the oldest of them began to read"},
	{"eviction", COLUMN_TEXT, NULL, "maxmemory-policy (Redis)"},
	{"persistence", COLUMN_TEXT, NULL, "Redis: log everysec, ...; PostgreSQL: full, ..."},
	{"connections", COLUMN_INT, NULL, "of this command, now"},
	{"connections_max", COLUMN_INT, NULL, NULL},
	{0},
};

static struct cell seconds(int64_t us)
{
	return us < 0 ? cell_null() : cell_duration((double)us / 1e6);
}

static struct cell number(int64_t n)
{
	return n < 0 ? cell_null() : cell_int(n);
}

static struct cell word(const char *text)
{
	return text[0] ? cell_word(text) : cell_null();
}

static struct hf_str reasons_of(struct cli *cli, const struct hf_kv_health *health)
{
	struct buf text;
	struct json_writer json;
	buf_init(&text, 64 << 10);
	jw_init(&json, jw_into_buf, &text);
	jw_array_begin(&json);
	for (size_t i = 0; i < health->nreasons; i++)
		jw_text(&json, hf_str_of(health->reasons[i]));
	jw_array_end(&json);
	bool whole = jw_finish(&json) && buf_ok(&text);
	struct hf_str copy = whole ? hf_arena_str(cli->arena, buf_str(&text)) : (struct hf_str){NULL, 0};
	buf_deinit(&text);
	return copy;
}

static enum hf_status show(struct cli *cli, const hf_kv *kv, const struct hf_kv_health *health, hf_error *err)
{
	const struct hf_pool_stats *pool = &health->pool;
	struct hf_str reasons = reasons_of(cli, health);
	const struct cell cells[] = {
		cell_word(hf_health_word(health->state)),
		cell_json(reasons),
		cell_word(hf_kv_backend(kv)),
		seconds(health->latency_us),
		number(health->expired_waiting),
		seconds(health->sweep_lag_us),
		seconds(health->checkpoint_us),
		seconds(health->transaction_us),
		seconds(health->feed_lag_us),
		number(health->used_bytes),
		number(health->room_bytes),
		number(health->readers),
		number(health->readers_dead),
		number(health->reader_lag),
		word(health->eviction),
		word(health->persistence),
		pool->connections_max ? cell_int((int64_t)pool->idle + pool->busy) : cell_null(),
		pool->connections_max ? cell_int(pool->connections_max) : cell_null(),
	};
	return reasons.ptr ? out_object(cli->out, kv_health_columns, cells, err) : error_nomem(err);
}

enum hf_status kv_health_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	const struct hf_kv_health_options options = {.size = sizeof(options), .timeout_ms = cli->globals.timeout_ms};
	struct hf_kv_health health;
	enum hf_status status = kv_open_as_is(cli, &kv, err);
	if (status != HF_OK)
		return status;
	hf_kv_health_report(kv, &options, &health);
	if (health.state == HF_UNHEALTHY) {
		*err = health.error;
		return err->status ? err->status : error_set(err, HF_E_UNAVAILABLE, "%s", health.reasons[0]);
	}
	status = show(cli, kv, &health, err);
	if (status == HF_OK && health.state == HF_DEGRADED && cli_given(cli, "check"))
		return error_set(err, HF_DIFFERS, "the store is degraded: %s", health.reasons[0]);
	return status;
}

/* ---- stats ---- */

const struct column kv_stats_columns[] = {
	{"backend", COLUMN_TEXT, NULL, NULL},
	{"namespace", COLUMN_TEXT, NULL, NULL},
	{"entries", COLUMN_INT, NULL, "live ones of the namespace"},
	{"total_bytes", COLUMN_INT, NULL, "of the whole store, indexes too"},
	{"table_bytes", COLUMN_INT, NULL, "of the entries alone"},
	{"index_bytes", COLUMN_INT, NULL, "of what finds them"},
	{"history_bytes", COLUMN_INT, NULL, "of what checkpoints hold beside them"},
	{"toast_bytes", COLUMN_INT, NULL, "of long values; from here on PostgreSQL alone"},
	{"live_rows", COLUMN_INT, NULL, NULL},
	{"dead_rows", COLUMN_INT, NULL, NULL},
	{"bloat_bytes", COLUMN_INT, NULL, "about so much of table_bytes holds nothing"},
	{"vacuumed", COLUMN_TIME, NULL, NULL},
	{"persists", COLUMN_BOOL, NULL, "survives the process"},
	{"shared", COLUMN_BOOL, NULL, "several processes at a time"},
	{"checkpoints", COLUMN_BOOL, NULL, NULL},
	{"locks", COLUMN_BOOL, NULL, NULL},
	{"feed", COLUMN_BOOL, NULL, "changes are kept for `kv watch`"},
	{"held_s", COLUMN_DURATION, NULL, "how long changes are held back; null: no feed"},
	{"latency_s", COLUMN_DURATION, NULL, "of one round trip, now"},
	{0},
};

/* Of `stats`: is there a feed, and is it held back? */
static enum hf_status feed_cells(hf_kv *kv, struct cell ret_cells[2], hf_error *err)
{
	struct hf_kv_feed feed = {0};
	enum hf_status status = hf_kv_feed_show(kv, &feed, err);
	ret_cells[0] = status == HF_E_UNSUPPORTED ? cell_null() : cell_bool(status == HF_OK);
	ret_cells[1] = status == HF_OK ? cell_duration((double)feed.held_us / 1e6) : cell_null();
	return status == HF_NOT_FOUND || status == HF_E_UNSUPPORTED ? HF_OK : status;
}

enum hf_status kv_stats_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(kv_closep) hf_kv *kv = NULL;
	struct hf_kv_sizes sizes = {0};
	struct cell feed[2];
	uint64_t count = 0;
	int64_t latency_us = 0;
	enum hf_status status = kv_open_to_read(cli, &kv, err);
	if (status == HF_OK)
		status = hf_kv_health(kv, cli->deadline, &latency_us, err);
	if (status == HF_OK)
		status = hf_kv_count(kv, NULL, &count, err);
	if (status == HF_OK)
		status = hf_kv_sizes(kv, &sizes, err);
	if (status == HF_OK)
		status = feed_cells(kv, feed, err);
	if (status != HF_OK)
		return status;
	uint32_t can = hf_kv_capabilities(kv);
	const struct cell cells[] = {cell_word(hf_kv_backend(kv)),
	                             cell_word(config_text(cli->config, "kv.namespace")),
	                             cell_int((int64_t)count),
	                             cell_int((int64_t)sizes.total_bytes),
	                             cell_int((int64_t)sizes.table_bytes),
	                             number(sizes.index_bytes),
	                             number(sizes.history_bytes),
	                             number(sizes.toast_bytes),
	                             number(sizes.live_rows),
	                             number(sizes.dead_rows),
	                             number(sizes.bloat_bytes),
	                             sizes.vacuumed_us < 0 ? cell_null() : kv_cell_time(sizes.vacuumed_us),
	                             cell_bool(can & HF_KV_CAN_PERSIST),
	                             cell_bool(can & HF_KV_CAN_SHARE),
	                             cell_bool(can & HF_KV_CAN_CHECKPOINT),
	                             cell_bool(can & HF_KV_CAN_LOCK),
	                             feed[0],
	                             feed[1],
	                             cell_duration((double)latency_us / 1e6)};
	return out_object(cli->out, kv_stats_columns, cells, err);
}
