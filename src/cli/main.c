/*
 * main.c - one run: parse, configure, call the verb, report, exit.
 *
 * Signals: the first SIGINT or SIGTERM asks the context to stop, so that the running statement is cancelled and the
 * transaction rolled back (a verb of several says which stand); the second one ends the process at once. What was
 * ignored when we began stays so: `&` in a script means it. --timeout is the same by SIGALRM. SIGPIPE is ignored: a
 * reader that goes away shows up as EPIPE and ends the output with exit code 0.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/context.h"
#include "base/error.h"
#include "base/quantity.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/schedule_janitor.h"

enum { ARENA_BYTES_MAX = 256 << 20 };

/* The handler has no other way to find them. Set before the handlers are. */
static hf_context *signalled_context;
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	if (signalled && number == SIGALRM)
		return;
	if (signalled)
		_exit(128 + number);
	signalled = number;
	if (signalled_context)
		hf_context_interrupt(signalled_context);
}

static void catch_unless_ignored(int number, const struct sigaction *action)
{
	struct sigaction before;
	if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(number, action, NULL);
}

static void catch_signals(hf_context *ctx, int64_t timeout_ms)
{
	const struct itimerval timer = {.it_value = {timeout_ms / 1000, timeout_ms % 1000 * 1000}};
	struct sigaction action = {.sa_handler = on_signal};
	signalled_context = ctx;
	sigemptyset(&action.sa_mask);
	catch_unless_ignored(SIGINT, &action);
	catch_unless_ignored(SIGTERM, &action);
	if (timeout_ms > 0)
		sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static enum hf_status open_context(struct cli *cli, struct report_log *log, hf_error *err)
{
	struct hf_context_options options = {
		.size = sizeof(options),
		.user = log,
		.log = cli->globals.events ? report_event : cli->globals.quiet ? NULL : report_warning,
		.log_level = cli->globals.log_level,
		.log_statements = cli->globals.log_level >= HF_LOG_DEBUG,
	};
	bool json = cli->globals.format == OUT_JSON || cli->globals.format == OUT_NDJSON;
	*log = (struct report_log){
		.file = stderr, .format = cli->globals.log_format, .progress = &cli->progress, .json = json};
	enum hf_status status = hf_context_new(&options, &cli->ctx, err);
	if (status != HF_OK)
		return status;
	catch_signals(cli->ctx, cli->globals.timeout_ms);
	if (cli->globals.timeout_ms > 0)
		cli->deadline = hf_deadline_in(cli->ctx, cli->globals.timeout_ms);
	if (!cli->globals.quiet && isatty(STDERR_FILENO))
		cli->progress.file = stderr;
	return HF_OK;
}

/* Words instead of a command: --version, --help, a noun alone. True when that was all. */
static bool answer_help(const struct parsed *parsed, FILE *file)
{
	if (parsed->version)
		fprintf(file, "holdfast %s\n", HOLDFAST_VERSION);
	else if (!parsed->noun)
		help_overview(file);
	else if (!parsed->cmd)
		help_noun(file, parsed->noun);
	else if (parsed->help_long || parsed->help_short)
		help_command(file, parsed->cmd, parsed->help_long);
	else
		return false;
	return true;
}

static enum hf_status load_configuration(struct cli *cli, hf_error *err)
{
	struct config_sources sources;
	bool needless = cli->parsed.cmd->flags & CMD_NO_CONFIG;
	enum hf_status status = config_sources_real(&cli->parsed, cli->arena, &sources, err);
	if (status == HF_OK)
		status = config_load(&sources, &cli->parsed, cli->arena, &cli->config, err);
	if (status == HF_OK || !needless)
		return status;
	/* Help must come even when the configuration is what is wrong. */
	struct config_sources none = {.system_dir = "/nonexistent", .variable = getenv};
	return config_load(&none, &cli->parsed, cli->arena, &cli->config, err);
}

/* Nobody who asks for a preview may get the real thing. */
static enum hf_status no_preview(const struct cmd *cmd, hf_error *err)
{
	char name[64];
	command_name(cmd, name, sizeof(name));
	return error_set(err, HF_E_USAGE, "there is no preview of %s: --dry-run is refused", name);
}

/* What a table or a type of the noun's schema is missing for, nobody below can say. */
static void advise_schema(const struct cmd *cmd, hf_error *err)
{
	const struct noun *noun = command_noun(hf_str_of(cmd->noun));
	const bool janitor = noun && noun->migrations && strcmp(noun->migrations, "janitor") == 0;
	if (janitor && err->status == HF_E_DRIFT && (!err->hint[0] || err->category == HF_CATEGORY_MISSING_TYPES))
		error_hint(err, "apply the schema   holdfast migrate up");
}

enum { INDEXED_MAX = 2000 }; /* where two texts share a row; the server's own bound is 2704 for all of them */

static void blame(const char *dashes, struct hf_str name, const char *text, hf_error *err)
{
	size_t bad;
	struct hf_str value = hf_str_of(text);
	if (strcmp(err->sqlstate, "22021") == 0 && value.ptr && !str_is_utf8(value, &bad))
		error_hint(err, "%s%.*s is no UTF-8: its byte %zu", dashes, STR_ARG(name), bad + 1);
	if (strcmp(err->sqlstate, "54000") == 0 && str_starts(hf_str_of(err->message), HF_STR("index row")) &&
	    value.len > INDEXED_MAX)
		error_hint(err, "%s%.*s has %zu bytes, at most %d fit into an index", dashes, STR_ARG(name), value.len,
			   INDEXED_MAX);
}

/* "[NAME...]" is NAME. */
static struct hf_str bare_word(struct hf_str word)
{
	while (word.len > 0 && word.ptr[0] == '[')
		word = (struct hf_str){word.ptr + 1, word.len - 1};
	while (word.len > 0 && strchr("].", word.ptr[word.len - 1]))
		word.len--;
	return word;
}

/* The server refuses bytes without saying whose they are. */
static void advise_value(const struct parsed *parsed, hf_error *err)
{
	struct hf_str name = HF_STR("");
	for (size_t i = 0; i < parsed->nargs && parsed->cmd->args; i++) {
		struct hf_str word = synopsis_word(parsed->cmd->args, i);
		name = word.len > 0 ? bare_word(word) : name; /* behind the last word: one more of it */
		blame("", name, parsed->args[i], err);
	}
	for (size_t i = 0; i < parsed->ngiven; i++)
		blame("--", hf_str_of(parsed->given[i].option->name), parsed->given[i].text, err);
}

static enum hf_status run_verb(struct cli *cli, hf_error *err)
{
	struct out out;
	const struct cmd *cmd = cli->parsed.cmd;
	const struct out_options options = {
		.format = cli->globals.format,
		.fields = cli->globals.fields,
		.limit = cli->globals.limit,
		.exact = cli->globals.exact,
		.local_time = cli->globals.local_time,
		.width = cli->globals.width,
		.color = cli->globals.color_out,
		.quiet = cli->globals.quiet,
		.dry_run = cli->globals.dry_run,
	};
	enum hf_status status = out_init(&out, stdout, &options, err);
	if (status != HF_OK)
		return status;
	cli->out = &out;
	if (cmd->columns && cli->globals.fields)
		status = out_check_fields(&out, cmd->columns, err);
	if (status == HF_OK && cli->globals.dry_run && !(cmd->flags & CMD_WRITES))
		status = no_preview(cmd, err);
	if (status == HF_OK)
		status = cmd->run(cli, err);
	if (status == HF_E_DRIFT)
		advise_schema(cmd, err);
	if (status == HF_REJECTED)
		advise_value(&cli->parsed, err);
	progress_end(&cli->progress);
	if (status == HF_OK || status == HF_STOP)
		status = out_flush(&out, err);
	else
		fflush(stdout);
	cli->out = NULL;
	out_deinit(&out);
	return status;
}

/* Everything between parsing and reporting. */
static enum hf_status run(struct cli *cli, hf_error *err)
{
	struct report_log log;
	enum hf_status status = load_configuration(cli, err);
	if (status != HF_OK)
		return status;
	globals_resolve(&cli->parsed, cli->config, &cli->globals);
	status = open_context(cli, &log, err);
	if (status == HF_OK)
		status = run_verb(cli, err);
	cli_close(cli);
	signalled_context = NULL;
	hf_context_free(cli->ctx);
	cli->ctx = NULL;
	return status;
}

/* What the person is told when a signal ended the work: not what the statement said as it was cancelled, but what it
 * says of earlier transactions of several (with what to do then). */
static void explain_signal(const struct cli *cli, enum hf_status status, hf_error *err)
{
	bool late = signalled == SIGALRM;
	char timeout[QUANTITY_TEXT_SIZE], go_on[sizeof(err->hint)];
	snprintf(go_on, sizeof(go_on), "%s", err->hint);
	quantity_duration_text(cli->globals.timeout_ms, timeout);
	if (cli->several && err->hint[0]) {
		error_prefix(err, late ? "not done within --timeout %s" : "interrupted", timeout);
		if (status != HF_E_OUTCOME_UNKNOWN)
			err->status = late ? HF_TIMEOUT : HF_E_INTERRUPTED;
	} else if (status == HF_E_OUTCOME_UNKNOWN) {
		error_set(err, status, "%s while COMMIT was under way: the work may be done or not",
		          late ? "--timeout passed" : "interrupted");
	} else if (late) {
		error_set(err, HF_TIMEOUT, "not done within --timeout %s; what was under way was rolled back", timeout);
	} else {
		error_set(err, HF_E_INTERRUPTED, "interrupted; what was under way was rolled back");
	}
	if (cli->stored > 0 && go_on[0])
		error_hint(err, "%s", go_on);
	else if (cli->stored > 0)
		error_hint(err, "%lld entries that were written before are in the store", (long long)cli->stored);
}

static int finish(const struct cli *cli, enum hf_status status, const hf_error *err, bool json)
{
	hf_error shown = *err;
	if (status == HF_OK || status == HF_STOP)
		return cli->exit_code;
	if (signalled)
		explain_signal(cli, status, &shown);
	int code = signalled && signalled != SIGALRM ? 128 + signalled : hf_status_exit_code(shown.status);
	report_error(stderr, &shown, code, json, cli->globals.color_err);
	return code;
}

/* Started without one of the three (>&-), the next file that is opened would take its place, and the output would go
 * into a store or a server's socket. What stands there now refuses what the place is for. */
static void fill_places(void)
{
	for (int place = STDIN_FILENO; place <= STDERR_FILENO; place++)
		if (fcntl(place, F_GETFD) < 0 && open("/dev/null", place ? O_RDONLY : O_WRONLY) != place)
			_exit(hf_status_exit_code(HF_E_FAILED));
}

int main(int argc, char *argv[])
{
	fill_places();
	struct cli cli = {.deadline = HF_DEADLINE_DEFAULT};
	hf_error err = HF_ERROR_INIT;
	bool json = globals_want_json(argc - (argc > 0), argv + (argc > 0));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, children would end without a word */
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(ARENA_BYTES_MAX);
	if (!arena)
		return finish(&cli, error_nomem(&err), &err, json);
	cli.arena = arena;
	int nargs;
	char **args = schedule_janitor_arguments(argc, argv, arena, &nargs);
	if (!args)
		return finish(&cli, error_nomem(&err), &err, json);
	enum hf_status status = parse_command(nargs, args, arena, &cli.parsed, &err);
	if (status != HF_OK)
		return finish(&cli, status, &err, json);
	if (answer_help(&cli.parsed, stdout)) {
		struct out out;
		status = out_init(&out, stdout, &(struct out_options){0}, &err);
		if (status == HF_OK)
			status = out_flush(&out, &err);
		out_deinit(&out);
		return finish(&cli, status, &err, json);
	}
	return finish(&cli, run(&cli, &err), &err, json);
}
