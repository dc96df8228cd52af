/*
 * globals.c - the flags that every command has, and their values after variables, configuration and terminals.
 */
#include "cli/globals.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/macros.h"

const struct cmd_option global_options[] = {
	{.name = "database",
	 .letter = 'd',
	 .arg = "URL",
	 .env = "HOLDFAST_DATABASE_URL",
	 .help = "libpq URL or key=value text of the database"},
	{.name = "private",
	 .arg = "DIR",
	 .value_optional = true,
	 .env = "HOLDFAST_PRIVATE",
	 .help = "a private server: throw-away, or kept in DIR"},
	{.name = "demo", .kind = OPTION_FLAG, .help = "the server that `make demo` left"},
	{.name = "config",
	 .letter = 'c',
	 .arg = "FILE",
	 .env = "HOLDFAST_CONFIG",
	 .help = "read this file instead of the user's and the system's"},
	{.name = "profile",
	 .letter = 'p',
	 .arg = "NAME",
	 .env = "HOLDFAST_PROFILE",
	 .help = "use section [profile.NAME] of the configuration"},
	{.name = "output",
	 .letter = 'o',
	 .arg = "FMT",
	 .kind = OPTION_CHOICE,
	 .env = "HOLDFAST_OUTPUT",
	 .choices = "table|json|ndjson|csv|tsv|raw",
	 .help = "table, json, ndjson, csv, tsv or raw"},
	{.name = "json", .arg = "FIELDS", .value_optional = true, .help = "JSON; FIELDS a,b,c chooses"},
	{.name = "limit",
	 .arg = "N",
	 .kind = OPTION_INT,
	 .min = 0,
	 .max = INT64_MAX,
	 .env = "HOLDFAST_LIMIT",
	 .help = "rows of a list, 0 for all (default 100)"},
	{.name = "timeout",
	 .arg = "DUR",
	 .kind = OPTION_DURATION,
	 .min = 0,
	 .max = 86400000,
	 .env = "HOLDFAST_TIMEOUT",
	 .help = "give up after DUR (30s, 5m), exit 8"},
	{.name = "dry-run", .letter = 'n', .kind = OPTION_FLAG, .help = "say what would be written, write nothing"},
	{.name = "defects",
	 .arg = "SET",
	 .env = "HOLDFAST_DEFECTS",
	 .help = "of the original to keep: correct (none), parity (all), D-13,..."},
	{.name = "yes", .letter = 'y', .kind = OPTION_FLAG, .help = "answer yes to every question"},
	{.name = "no-input", .kind = OPTION_FLAG, .env = "HOLDFAST_NO_INPUT", .help = "never ask a question"},
	{.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .help = "errors only on stderr"},
	{.name = "verbose",
	 .letter = 'v',
	 .kind = OPTION_FLAG,
	 .repeatable = true,
	 .env = "HOLDFAST_LOG",
	 .help = "events on stderr; -vv with statements"},
	{.name = "log-format",
	 .arg = "FMT",
	 .kind = OPTION_CHOICE,
	 .choices = "logfmt|json",
	 .env = "HOLDFAST_LOG_FORMAT",
	 .help = "logfmt or json"},
	{.name = "color",
	 .arg = "WHEN",
	 .kind = OPTION_CHOICE,
	 .choices = "auto|always|never",
	 .env = "NO_COLOR, CLICOLOR_FORCE",
	 .help = "auto, always or never"},
	{.name = "utc", .kind = OPTION_FLAG, .help = "times in UTC (the default)"},
	{.name = "local", .kind = OPTION_FLAG, .help = "times in this machine's zone"},
	{.name = "exact", .kind = OPTION_FLAG, .help = "times and durations without rounding"},
	{.name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "-h in short, --help at length"},
	{.name = "version", .kind = OPTION_FLAG, .help = "print the version"},
	{0},
};

static bool set(const struct parsed *parsed, const char *name)
{
	return parsed_flag(parsed, name) != NULL;
}

static int count(const struct parsed *parsed, const char *name)
{
	int n = 0;
	for (size_t i = 0; i < parsed->ngiven; i++)
		n += strcmp(parsed->given[i].option->name, name) == 0;
	return n;
}

static bool variable_set(const char *name)
{
	const char *text = getenv(name);
	return text && text[0] && strcmp(text, "0") != 0;
}

/* `when`: 0 auto, 1 always, 2 never */
static bool colored(int64_t when, bool given, int fd)
{
	const char *terminal = getenv("TERM");
	if (when != 0)
		return when == 1;
	if (!given && getenv("NO_COLOR") && getenv("NO_COLOR")[0])
		return false;
	if (!given && variable_set("CLICOLOR_FORCE"))
		return true;
	return isatty(fd) && terminal && strcmp(terminal, "dumb") != 0;
}

static size_t terminal_width(void)
{
	struct winsize size = {0};
	return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* -q, -v and -vv speak louder than HOLDFAST_LOG and the file. False for none: what fails is told as an error. */
static bool log_level(const struct parsed *parsed, const struct configuration *config, enum hf_log_level *ret_level)
{
	int verbose = count(parsed, "verbose");
	int64_t chosen = config_int(config, "log.level"); /* 0 off, else one more than the level */
	*ret_level = HF_LOG_WARN;
	if (set(parsed, "quiet"))
		return false;
	if (verbose > 0)
		*ret_level = verbose == 1 ? HF_LOG_INFO : HF_LOG_DEBUG;
	else if (chosen > 0)
		*ret_level = (enum hf_log_level)(chosen - 1);
	return verbose > 0 || chosen > 0;
}

static enum out_format format(const struct parsed *parsed, const struct configuration *config)
{
	if (set(parsed, "json") && !set(parsed, "output"))
		return OUT_JSON;
	return (enum out_format)config_int(config, "command.output");
}

void globals_resolve(const struct parsed *parsed, const struct configuration *config, struct globals *ret_globals)
{
	const struct given *json = parsed_flag(parsed, "json");
	int64_t color = config_int(config, "command.color");
	*ret_globals = (struct globals){
		.format = format(parsed, config),
		.fields = json && json->text ? json->text : NULL,
		.limit = config_int(config, "command.limit"),
		.timeout_ms = config_int(config, "command.timeout"),
		.dry_run = set(parsed, "dry-run"),
		.yes = set(parsed, "yes"),
		.quiet = set(parsed, "quiet"),
		.no_input = config_int(config, "command.no_input") == 1,
		.exact = set(parsed, "exact"),
		.local_time = set(parsed, "local"),
		.color_out = colored(color, set(parsed, "color"), STDOUT_FILENO),
		.color_err = colored(color, set(parsed, "color"), STDERR_FILENO),
		.width = terminal_width(),
		.log_format = (enum log_format)config_int(config, "log.format"),
	};
	ret_globals->events = log_level(parsed, config, &ret_globals->log_level);
}

bool globals_want_json(int argc, char *const argv[])
{
	const char *variable = getenv("HOLDFAST_OUTPUT");
	bool wanted = variable && strstr(variable, "json");
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--json") == 0 || strncmp(argv[i], "--json=", 7) == 0)
			return true;
		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0)
			wanted = strstr(next, "json") != NULL;
		else if (strncmp(argv[i], "-o", 2) == 0 || strncmp(argv[i], "--output=", 9) == 0)
			wanted = strstr(argv[i], "json") != NULL;
	}
	return wanted;
}
