/*
 * schedule_janitor.c - scheduling as the original's janitor.schedule is called (spec/janitor.md 17): its flags, its
 * configuration, its words, its exit codes; and its defects, unless --defects says otherwise.
 */
#include "cli/schedule_janitor.h"

#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/files.h"
#include "cli/janitor_conf.h"
#include "cli/rows.h"
#include "cli/schedule.h"
#include "holdfast/metrics.h"
#include "holdfast/schedule.h"

enum { CONF_BYTES_MAX = 16 << 20 };

const struct cmd_option schedule_janitor_options[] = {
	{.name = "janitor-config", .arg = "FILE", .help = "of the Janitor (default: janitor.conf)"},
	{.name = "campaign", .arg = "NAME", .help = "only this campaign"},
	{.name = "prometheus", .arg = "URL", .help = "push gateway that is told when it is done"},
	SCHEDULE_JOBS_OPTION,
	{.name = "gcp-logging", .kind = OPTION_FLAG, .help = "accepted, and nothing else: see --log-format"},
	{.name = "debug", .kind = OPTION_FLAG, .help = "accepted, and nothing else: see --verbose"},
	{0},
};

char **schedule_janitor_arguments(int argc, char *argv[], hf_arena *arena, int *ret_argc)
{
	const char *called = argc > 0 && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argc > 0 ? argv[0] : "";
	static char schedule[] = "schedule", janitor[] = "janitor", config[] = "--janitor-config";
	char **args = hf_arena_calloc(arena, (size_t)argc + 2, sizeof(*args));
	size_t n = 0;
	if (!args)
		return NULL;
	*ret_argc = argc > 0 ? argc - 1 : 0;
	if (strcmp(called, "janitor.schedule") != 0)
		return argv + (argc > 0);
	args[n++] = schedule;
	args[n++] = janitor;
	for (int i = 1; i < argc; i++) {
		struct hf_str text = hf_str_of(argv[i]);
		args[n] = argv[i];
		if (str_eq(text, HF_STR("--config")))
			args[n] = config;
		else if (str_starts(text, HF_STR("--config=")))
			args[n] = (char *)(uintptr_t)arena_printf(arena, "%s=%s", config, argv[i] + 9).ptr;
		if (!args[n++])
			return NULL;
	}
	*ret_argc = (int)n;
	return args;
}

/* The database that the configuration names, unless a flag does. */
static enum hf_status take_database(struct cli *cli, hf_error *err)
{
	const char *path = cli_given(cli, "janitor-config") ? cli_text(cli, "janitor-config") : "janitor.conf";
	const char *location = NULL;
	struct hf_str text;
	enum hf_status status = file_read(cli, path, CONF_BYTES_MAX, &text, err);
	if (status == HF_NOT_FOUND && err)
		err->status = HF_E_USAGE;
	if (status != HF_OK)
		return status == HF_NOT_FOUND ? HF_E_USAGE : status;
	status = janitor_conf_text(text, path, "database_location", cli->arena, &location, err);
	if (status == HF_OK && location && !parsed_flag(&cli->parsed, "database") &&
	    !parsed_flag(&cli->parsed, "private") && !parsed_flag(&cli->parsed, "demo"))
		config_override(cli->config, "database.url", location, path);
	return status;
}

static enum hf_status take_defects(struct cli *cli, const struct hf_defects **ret_keep, hf_error *err)
{
	static const struct hf_defects all = {{UINT64_MAX, UINT64_MAX}};
	*ret_keep = &all;
	if (strcmp(config_get(cli->config, "command.defects")->origin, "default") == 0)
		return HF_OK;
	return cli_defects(cli, ret_keep, err);
}

static enum hf_status run(struct cli *cli, struct hf_schedule_report *ret_report, hf_error *err)
{
	struct hf_schedule_options options = {.size = sizeof(options),
	                                      .campaign = text_or_null(cli_text(cli, "campaign")),
	                                      .dry_run = cli->globals.dry_run,
	                                      .writers = (uint32_t)cli_int(cli, "jobs", SCHEDULE_JOBS)};
	hf_where where;
	enum hf_status status = take_database(cli, err);
	if (status == HF_OK)
		status = take_defects(cli, &options.keep, err);
	if (status == HF_OK)
		status = schedule_codebases(cli, &options.codebases, err);
	if (status == HF_OK)
		status = schedule_where(cli, &options, &where, err);
	if (status != HF_OK)
		return status;
	cli_note(cli, "Finding candidates with policy");
	cli_note(cli, "Determining schedule for candidates");
	return hf_schedule_run(where, &options, ret_report, err);
}

static enum hf_status tell(struct cli *cli, hf_error *err)
{
	hf_gauge *gauge = hf_metrics_gauge(hf_context_metrics(cli->ctx), "job_last_success_unixtime",
	                                   "Last time a batch job successfully finished", NULL, 0);
	const char *gateway = cli_text(cli, "prometheus");
	hf_gauge_set(gauge, hf_now_wall_us(cli->ctx) / 1000000);
	if (!gateway)
		return HF_OK;
	enum hf_status status = hf_metrics_push(cli->ctx, gateway, HF_STR("janitor.schedule"), cli->deadline, err);
	if (status != HF_OK)
		error_prefix(err, "the queue is filled");
	return status;
}

enum hf_status schedule_janitor(struct cli *cli, hf_error *err)
{
	struct hf_schedule_report report;
	enum hf_status status = run(cli, &report, err);
	if (status == HF_OK) {
		cli_note(cli, "Adding %lld items to queue", (long long)report.items);
		if (report.greatest_value != 0)
			cli_note(cli, "Maximum value: %d", report.greatest_value);
		status = tell(cli, err);
	}
	/* The original knows two exit codes for what goes wrong. */
	if (status != HF_OK && hf_status_exit_code(status) != 2)
		status = HF_E_FAILED;
	if (err && status != HF_OK)
		err->status = status;
	return status;
}
