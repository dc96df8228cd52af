/*
 * demo.c - `holdfast demo`: a private server, the schema, Debian's packages, a scheduled queue; every number real.
 *
 * Steps run one after the other and print a line each. A demo of before is replaced; a step that fails, or a signal,
 * removes the server again. The server stays detached under the folder of this program: --demo finds it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/quantity.h"
#include "cli/commands.h"
#include "cli/places.h"
#include "cli/rows.h"
#include "cli/sources.h"
#include "holdfast/candidate.h"
#include "holdfast/codebase.h"
#include "holdfast/migrate.h"
#include "holdfast/policy.h"
#include "holdfast/schedule.h"
#include "holdfast/server.h"

#define DEMO_CAMPAIGN HF_STR("lintian-fixes")

enum { PATH_BYTES_MAX = 4096, DEMO_VERIFY = 1000, DEMO_VALUE = 10, DEMO_SHOWN = 3 };

struct demo {
	struct cli *cli;
	char name[PATH_BYTES_MAX]; /* of the server: the folder of this program */
	hf_connection *connection;
	hf_where where;
	struct sources sources;
	bool offline;
	int64_t started_us, step_us;
	int number;
	struct hf_migrate_report migrated;
	struct hf_import_report imported;
	struct hf_changes candidates;
	struct hf_schedule_report scheduled;
};

/* ---- one line a step ---- */

enum { UNTIMED = -1 };

static void line(struct demo *demo, const char *step, int64_t took_us, const char *format, ...) PRINTF_LIKE(4, 5);
static void line(struct demo *demo, const char *step, int64_t took_us, const char *format, ...)
{
	char text[256], took[32] = "";
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (took_us != UNTIMED)
		snprintf(took, sizeof(took), "%.1f s", (double)took_us / 1e6);
	if (step)
		out_text(demo->cli->out, "  %d  %-10s %-76s %6s\n", ++demo->number, step, text, took);
	else
		out_text(demo->cli->out, "                %s\n", text);
	out_flush(demo->cli->out, NULL);
}

/* Since it was asked last. */
static int64_t lap_us(struct demo *demo)
{
	int64_t before_us = demo->step_us;
	demo->step_us = hf_now_monotonic_us(demo->cli->ctx);
	return demo->step_us - before_us;
}

static const char *grouped(struct demo *demo, int64_t number)
{
	char text[QUANTITY_TEXT_SIZE];
	quantity_grouped(number, text);
	const char *kept = hf_arena_str(demo->cli->arena, hf_str_of(text)).ptr;
	return kept ? kept : "?";
}

/* ---- 1, 2: server and schema ---- */

static enum hf_status remove_server(struct demo *demo, hf_error *err)
{
	hf_server *server = NULL;
	enum hf_status status = hf_server_find(demo->cli->ctx, demo->name, &server, err);
	if (status == HF_OK)
		status = hf_server_remove(server, HF_DEADLINE_DEFAULT, err);
	hf_server_free(server);
	return status;
}

static enum hf_status start_server(struct demo *demo, hf_error *err)
{
	struct hf_server_options options = {.size = sizeof(options), .name = demo->name};
	struct cli *cli = demo->cli;
	enum hf_status status = remove_server(demo, err);
	if (status == HF_NOT_FOUND || status == HF_OK)
		status = hf_server_start(cli->ctx, &options, cli->deadline, &cli->server, err);
	if (status != HF_OK)
		return status;
	out_text(cli->out,
	         "holdfast %s demo   private PostgreSQL in %s (unix socket, no TCP; `holdfast demo --remove` removes "
	         "it)\n\n",
	         HOLDFAST_VERSION, hf_server_host(cli->server));
	hf_settings *settings = NULL;
	status = hf_settings_new(cli->ctx, &settings, err);
	if (status == HF_OK)
		status = hf_settings_parse(settings, hf_server_url(cli->server), err);
	if (status == HF_OK)
		status = hf_connection_open(cli->ctx, settings, NULL, cli->deadline, &demo->connection, err);
	hf_settings_free(settings);
	if (status != HF_OK)
		return status;
	demo->where = hf_until(hf_on_connection(demo->connection), cli->deadline);
	line(demo, "server", lap_us(demo), "PostgreSQL %d.%d, started as user %s",
	     hf_connection_server_version(demo->connection) / 10000,
	     hf_connection_server_version(demo->connection) % 10000, hf_server_user(cli->server));
	return HF_OK;
}

struct remarks {
	char texts[4][200];
	size_t count;
};

/* What a migration has to say (how debversion got in) comes behind its step's line. */
static void remark(void *user, const struct hf_migrate_event *event)
{
	struct remarks *remarks = user;
	if (event->kind != HF_MIGRATE_NOTICE || remarks->count == ARRAY_LEN(remarks->texts))
		return;
	snprintf(remarks->texts[remarks->count++], sizeof(remarks->texts[0]), "note: %s", event->notice->message);
}

static enum hf_status apply_schema(struct demo *demo, hf_error *err)
{
	struct remarks remarks = {.count = 0};
	struct hf_migrate_options options = {.size = sizeof(options), .progress = remark, .user = &remarks};
	hf_migrations *set = NULL;
	enum hf_status status = hf_migrations_embedded(demo->cli->ctx, "janitor", &set, err);
	if (status == HF_OK)
		status = hf_migrate_up(demo->connection, set, &options, &demo->migrated, err);
	hf_migrations_free(set);
	if (status == HF_OK)
		line(demo, "schema", lap_us(demo), "%zu migrations: the Janitor's tables, views and triggers",
		     demo->migrated.applied);
	for (size_t i = 0; status == HF_OK && i < remarks.count; i++)
		line(demo, NULL, UNTIMED, "%s", remarks.texts[i]);
	return status;
}

/* ---- 3, 4, 5: packages ---- */

static bool means_offline(enum hf_status status)
{
	return status == HF_E_UNAVAILABLE || status == HF_NOT_FOUND || status == HF_TIMEOUT ||
	       status == HF_E_NO_PACKAGE;
}

/* The extract that serves without network: beside the sources of this build, or installed. */
static enum hf_status use_extract(struct demo *demo, const hf_error *why, hf_error *err)
{
	static const char *const places[] = {HOLDFAST_SOURCE_EXTRACT, HOLDFAST_DATADIR "/holdfast/sources-sample.xz"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (access(places[i], R_OK) != 0)
			continue;
		demo->sources.path = places[i];
		demo->offline = true;
		line(demo, "download", lap_us(demo),
		     "offline: using the extract of 500 packages, which does not count");
		line(demo, NULL, UNTIMED, "%s", why->message);
		return HF_OK;
	}
	return error_set(err, HF_NOT_FOUND, "no network, and the extract sources-sample.xz is not installed");
}

static enum hf_status find_packages(struct demo *demo, hf_error *err)
{
	const char *suite = cli_text(demo->cli, "suite");
	hf_error why = HF_ERROR_INIT;
	enum hf_status status = sources_find(demo->cli, &demo->sources, &why);
	if (means_offline(status) && !cli_given(demo->cli, "sources") && !suite)
		return use_extract(demo, &why, err);
	if (status != HF_OK) {
		*err = why;
		return status;
	}
	if (demo->sources.fetched)
		line(demo, "download", lap_us(demo), "%s main Sources, %s bytes; signature good",
		     suite ? suite : "bookworm", grouped(demo, demo->sources.bytes));
	else
		line(demo, "download", lap_us(demo), "nothing: reading %s", demo->sources.path);
	return HF_OK;
}

static enum hf_status import_packages(struct demo *demo, hf_error *err)
{
	const struct given *limit = parsed_flag(&demo->cli->parsed, "limit");
	struct hf_import_options options = {.size = sizeof(options),
	                                    .path = demo->sources.path,
	                                    .limit = limit ? (size_t)demo->cli->globals.limit : 0};
	struct hf_import_report *report = &demo->imported;
	enum hf_status status = hf_codebase_import_debian(demo->where, &options, report, err);
	if (status != HF_OK)
		return status;
	line(demo, "read", report->read_us, "%s source records -> %s codebases",
	     grouped(demo, (int64_t)report->records), grouped(demo, (int64_t)report->codebases));
	line(demo, NULL, UNTIMED, "git %s  svn %zu  bzr %zu  cvs %zu  arch %zu  none %s",
	     grouped(demo, (int64_t)report->git), report->svn, report->bzr, report->cvs, report->arch,
	     grouped(demo, (int64_t)report->no_vcs));
	line(demo, NULL, UNTIMED, "skipped: %zu extra-source-only, %zu superseded versions", report->extra_source_only,
	     report->superseded);
	line(demo, NULL, UNTIMED, "%zu codebases share URL and sub-path with another one; sub-path stored as unknown",
	     report->shared_locations);
	demo->step_us += report->read_us;
	return HF_OK;
}

static enum hf_status make_candidates(struct demo *demo, hf_error *err)
{
	struct hf_candidate pattern = {.campaign = DEMO_CAMPAIGN,
	                               .command = HF_STR("lintian-brush"),
	                               .publish_policy = DEMO_CAMPAIGN,
	                               .has_value = true,
	                               .value = DEMO_VALUE};
	const struct hf_policy_rule rule = {.role = HF_STR("main"), .mode = HF_STR("propose")};
	const struct hf_policy policy = {.name = DEMO_CAMPAIGN, .rules = &rule, .nrules = 1};
	enum hf_status status = hf_policy_put(demo->where, &policy, 1, HF_POLICY_RULES, NULL, err);
	if (status == HF_OK)
		status = hf_candidate_import_all(demo->where, &pattern, HF_STR("git"), &demo->candidates, err);
	if (status != HF_OK)
		return status;
	line(demo, "import", lap_us(demo), "%s codebases, %s candidates for campaign lintian-fixes",
	     grouped(demo, demo->imported.inserted), grouped(demo, demo->candidates.inserted));
	line(demo, NULL, UNTIMED, "value = how many source packages build-depend on it (%s %s)",
	     demo->imported.greatest_name, grouped(demo, demo->imported.greatest_value));
	return HF_OK;
}

/* ---- 6, 7: the queue ---- */

static enum hf_status fill_queue(struct demo *demo, hf_error *err)
{
	struct hf_schedule_options options = {.size = sizeof(options), .verify = DEMO_VERIFY};
	enum hf_status status = hf_schedule_run(demo->where, &options, &demo->scheduled, err);
	if (status != HF_OK)
		return status;
	line(demo, "schedule", lap_us(demo) - demo->scheduled.verify_us, "%s queue entries",
	     grouped(demo, demo->scheduled.added));
	line(demo, "verify", demo->scheduled.verify_us,
	     "%s random entries recomputed one by one with the reference rules: equal",
	     grouped(demo, demo->scheduled.verified));
	return HF_OK;
}

static const struct column next_columns[] = {
	{.name = "position", .kind = COLUMN_INT, .title = "POS"},
	{.name = "codebase"},
	{.name = "bucket"},
	{.name = "value", .kind = COLUMN_INT},
	{.name = "chance", .kind = COLUMN_NUMBER},
	{.name = "estimate_s", .kind = COLUMN_DURATION, .title = "ESTIMATE"},
	{.name = "wait_s", .kind = COLUMN_DURATION, .title = "WAIT"},
	{0},
};

struct head {
	struct hf_queue_item items[DEMO_SHOWN];
	size_t count;
	hf_arena *arena;
};

static enum hf_status keep_item(void *user, const struct hf_queue_item *item, hf_error *err)
{
	struct head *head = user;
	head->items[head->count] = *item;
	head->items[head->count].codebase = hf_arena_str(head->arena, item->codebase);
	head->items[head->count].campaign = hf_arena_str(head->arena, item->campaign);
	if (!head->items[head->count].codebase.ptr || !head->items[head->count].campaign.ptr)
		return error_nomem(err);
	return ++head->count == DEMO_SHOWN ? HF_STOP : HF_OK;
}

static enum hf_status show_item(struct demo *demo, const struct hf_queue_item *item, int64_t place, hf_error *err)
{
	struct hf_schedule_explanation why;
	struct hf_queue_position position;
	struct hf_codebase codebase;
	enum hf_status status = hf_schedule_explain(demo->where, item->codebase, item->campaign, NULL, &why, err);
	if (status == HF_OK)
		status = hf_queue_position(demo->where, item->codebase, item->campaign, &position, err);
	if (status == HF_OK)
		status = hf_codebase_get(demo->where, item->codebase, demo->cli->arena, &codebase, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(place),
	                             cell_text(item->codebase),
	                             cell_word(hf_bucket_word(item->bucket)),
	                             cell_int_or_null(codebase.has_value, codebase.value),
	                             cell_number(why.probability),
	                             cell_us_or_null(item->has_estimated_duration, item->estimated_duration_us),
	                             cell_us_or_null(position.has_wait, position.wait_us)};
	return out_row(demo->cli->out, cells, err);
}

static enum hf_status show_head(struct demo *demo, hf_error *err)
{
	struct head head = {.arena = demo->cli->arena};
	enum hf_status status =
		hf_queue_list(demo->where, &(struct hf_queue_list_filter){.limit = DEMO_SHOWN}, keep_item, &head, err);
	out_text(demo->cli->out, "\n  next in the queue\n");
	if (status == HF_OK)
		status = out_list(demo->cli->out, next_columns, err);
	for (size_t i = 0; status == HF_OK && i < head.count; i++)
		status = show_item(demo, &head.items[i], (int64_t)i + 1, err);
	return status == HF_OK ? out_list_end(demo->cli->out, err) : status;
}

/* "build" rather than the whole path for whoever stands in the checkout. */
static const char *program_folder(struct demo *demo)
{
	char here[PATH_BYTES_MAX];
	size_t n = getcwd(here, sizeof(here)) ? strlen(here) : 0;
	if (n > 0 && strncmp(demo->name, here, n) == 0 && demo->name[n] == '/')
		return demo->name + n + 1;
	return demo->name;
}

static void show_ways_on(struct demo *demo)
{
	const char *folder = program_folder(demo);
	double seconds = (double)(hf_now_monotonic_us(demo->cli->ctx) - demo->started_us) / 1e6;
	out_text(demo->cli->out,
	         "\n  done in %.1f s\n\n  try next\n"
	         "    %s/holdfast --demo queue list --limit 20\n"
	         "    %s/holdfast --demo queue explain 0ad lintian-fixes\n"
	         "    %s/holdfast --demo codebase list --host github.com --json=name,url | head\n"
	         "    psql \"$(%s/holdfast --demo db url)\"\n",
	         seconds, folder, folder, folder, folder);
}

/* ---- JSON ---- */

static const struct column demo_columns[] = {
	{.name = "url", .help = "of the server's database"},
	{.name = "offline", .kind = COLUMN_BOOL, .help = "the extract was used, which does not count"},
	{.name = "migrations", .kind = COLUMN_INT},
	{.name = "records", .kind = COLUMN_INT},
	{.name = "codebases", .kind = COLUMN_INT},
	{.name = "candidates", .kind = COLUMN_INT},
	{.name = "queued", .kind = COLUMN_INT},
	{.name = "verified", .kind = COLUMN_INT},
	{.name = "read_s", .kind = COLUMN_DURATION},
	{.name = "import_s", .kind = COLUMN_DURATION},
	{.name = "schedule_s", .kind = COLUMN_DURATION},
	{.name = "total_s", .kind = COLUMN_DURATION},
	{0},
};

static enum hf_status show_object(struct demo *demo, hf_error *err)
{
	int64_t total_us = hf_now_monotonic_us(demo->cli->ctx) - demo->started_us;
	const struct cell cells[] = {cell_word(hf_server_url(demo->cli->server)),
	                             cell_bool(demo->offline),
	                             cell_int((int64_t)demo->migrated.applied),
	                             cell_int((int64_t)demo->imported.records),
	                             cell_int((int64_t)demo->imported.codebases),
	                             cell_int(demo->candidates.inserted),
	                             cell_int(demo->scheduled.added),
	                             cell_int(demo->scheduled.verified),
	                             cell_duration((double)demo->imported.read_us / 1e6),
	                             cell_duration((double)demo->imported.write_us / 1e6),
	                             cell_duration((double)(demo->scheduled.read_us + demo->scheduled.write_us) / 1e6),
	                             cell_duration((double)total_us / 1e6)};
	return out_object(demo->cli->out, demo_columns, cells, err);
}

/* ---- all of it ---- */

static enum hf_status run_steps(struct demo *demo, hf_error *err)
{
	enum hf_status (*const steps[])(struct demo *, hf_error *) = {start_server,    apply_schema,    find_packages,
	                                                              import_packages, make_candidates, fill_queue};
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		enum hf_status status = steps[i](demo, err);
		if (status != HF_OK)
			return status;
	}
	if (demo->cli->globals.format != OUT_TABLE)
		return show_object(demo, err);
	enum hf_status status = show_head(demo, err);
	if (status == HF_OK)
		show_ways_on(demo);
	return status;
}

static enum hf_status run_remove(struct demo *demo, hf_error *err)
{
	enum hf_status status = remove_server(demo, err);
	if (status == HF_NOT_FOUND)
		return error_set(err, HF_NOT_FOUND, "there is no demo to remove");
	struct written written = {.what = "demo server", .did = "removed", .changed = 1};
	return status == HF_OK ? out_written(demo->cli->out, &written, err) : status;
}

static enum hf_status run_demo(struct cli *cli, hf_error *err)
{
	struct demo demo = {.cli = cli, .sources = SOURCES_INIT};
	enum hf_status status = cli_program_folder(demo.name, sizeof(demo.name), err);
	if (status == HF_OK && cli_given(cli, "remove"))
		return run_remove(&demo, err);
	demo.started_us = demo.step_us = hf_now_monotonic_us(cli->ctx);
	if (status == HF_OK)
		status = out_check_fields(cli->out, demo_columns, err);
	bool begun = status == HF_OK;
	if (begun)
		status = run_steps(&demo, err);
	hf_connection_free(demo.connection);
	sources_release(&demo.sources);
	if (begun && status != HF_OK && cli->server)
		hf_server_remove(cli->server, HF_DEADLINE_DEFAULT, NULL);
	return status;
}

static const struct cmd_option demo_options[] = {
	SOURCES_OPTIONS,
	{.name = "remove", .kind = OPTION_FLAG, .help = "remove the demo's server and data"},
	{0},
};

const struct cmd demo_commands[] = {
	{.noun = "demo",
         .summary = "import Debian's packages into a private server and schedule them",
         .about = "Starts a private PostgreSQL server that stays until it is idle for 15 minutes, imports every source "
                  "package of a Debian suite, makes candidates and a queue of them. --demo selects it for any command. "
                  "A demo of before is replaced. Without network an extract of 500 packages serves.",
         .options = demo_options,
         .columns = demo_columns,
         .run = run_demo,
         .flags = CMD_NO_DATABASE | CMD_LIST,
         .examples = {"holdfast demo", "holdfast demo --suite sid", "holdfast demo --remove"},
         .test_effect = "test_demo_fills_a_queue_that_other_commands_see",
         .test_refusal = "test_demo_refuses_a_missing_index_and_leaves_no_server"},
	{0},
};
