/*
 * config_settings.c - the list of settings: help, man page and `config` follow it.
 */
#include <string.h>

#include "base/macros.h"
#include "cli/configuration.h"

enum { DAY_MS = 86400000 };

const struct setting config_settings[] = {
	{"database.url",
         {.name = "url", .help = "where the database is: URL or key=value text"},
         "database",
         "HOLDFAST_DATABASE_URL",
         "DATABASE_URL",
         NULL,
         false},
	{"database.password",
         {.name = "password", .help = "file:PATH, env:NAME or credential:NAME"},
         NULL,
         "HOLDFAST_DATABASE_PASSWORD",
         NULL,
         NULL,
         true},
	{"database.connect_timeout",
         {.name = "connect_timeout",
          .kind = OPTION_DURATION,
          .min = 1,
          .max = DAY_MS,
          .help = "for a login, over all hosts and addresses"},
         NULL,
         "HOLDFAST_DATABASE_CONNECT_TIMEOUT",
         NULL,
         "30s",
         false},
	{"database.query_timeout",
         {.name = "query_timeout", .kind = OPTION_DURATION, .min = 1, .max = DAY_MS, .help = "for one statement"},
         NULL,
         "HOLDFAST_DATABASE_QUERY_TIMEOUT",
         NULL,
         "60s",
         false},
	{"kv.url",
         {.name = "url", .help = "the key-value store; without it the database"},
         "store",
         "HOLDFAST_KV_URL",
         NULL,
         NULL,
         false},
	{"kv.namespace",
         {.name = "namespace", .help = "of the key-value store"},
         "namespace",
         "HOLDFAST_KV_NAMESPACE",
         NULL,
         "default",
         false},
	{"kv.schema",
         {.name = "schema", .help = "of the store's tables in PostgreSQL"},
         NULL,
         "HOLDFAST_KV_SCHEMA",
         NULL,
         "public",
         false},
	{"kv.table",
         {.name = "table", .help = "of the entries in PostgreSQL; the others are named after it"},
         NULL,
         "HOLDFAST_KV_TABLE",
         NULL,
         "state_entries",
         false},
	{"kv.durability",
         {.name = "durability",
          .kind = OPTION_CHOICE,
          .choices = "strict|relaxed",
          .help = "writes are on disk when they return, or soon after"},
         NULL,
         "HOLDFAST_KV_DURABILITY",
         NULL,
         "strict",
         false},
	{"kv.slow_statement",
         {.name = "slow_statement",
          .kind = OPTION_DURATION,
          .min = 0,
          .max = DAY_MS,
          .help = "of the store: one that takes so long is an event, 0 = none is"},
         NULL,
         "HOLDFAST_KV_SLOW_STATEMENT",
         NULL,
         "0",
         false},
	{"kv.attempts",
         {.name = "attempts",
          .kind = OPTION_INT,
          .min = 1,
          .max = 100,
          .help = "of a call of the store, the first included"},
         NULL,
         "HOLDFAST_KV_ATTEMPTS",
         NULL,
         "3",
         false},
	{"kv.backoff",
         {.name = "backoff",
          .kind = OPTION_DURATION,
          .min = 1,
          .max = 5000,
          .help = "before the second attempt, at most; then twice as long"},
         NULL,
         "HOLDFAST_KV_BACKOFF",
         NULL,
         "100ms",
         false},
	{"command.output",
         {.name = "output",
          .kind = OPTION_CHOICE,
          .choices = "table|json|ndjson|csv|tsv|raw",
          .help = "format of data on stdout"},
         "output",
         "HOLDFAST_OUTPUT",
         NULL,
         "table",
         false},
	{"command.limit",
         {.name = "limit", .kind = OPTION_INT, .min = 0, .max = INT64_MAX, .help = "rows of a list, 0 = all"},
         "limit",
         "HOLDFAST_LIMIT",
         NULL,
         "100",
         false},
	{"command.timeout",
         {.name = "timeout",
          .kind = OPTION_DURATION,
          .min = 0,
          .max = DAY_MS,
          .help = "for the whole command, 0 = none"},
         "timeout",
         "HOLDFAST_TIMEOUT",
         NULL,
         "0",
         false},
	{"command.defects",
         {.name = "defects", .help = "of the original to keep: correct (none), parity (all), then D-13 or -D-13"},
         "defects",
         "HOLDFAST_DEFECTS",
         NULL,
         "correct",
         false},
	{"command.no_input",
         {.name = "no_input", .kind = OPTION_CHOICE, .choices = "no|yes", .help = "never ask a question"},
         "no-input",
         "HOLDFAST_NO_INPUT",
         NULL,
         "no",
         false},
	{"command.color",
         {.name = "color", .kind = OPTION_CHOICE, .choices = "auto|always|never", .help = "use of colour"},
         "color",
         "HOLDFAST_COLOR",
         NULL,
         "auto",
         false},
	{"log.level",
         {.name = "level",
          .kind = OPTION_CHOICE,
          .choices = "off|error|warn|info|debug|trace",
          .help = "events that go to stderr"},
         NULL,
         "HOLDFAST_LOG",
         NULL,
         "off",
         false},
	{"log.format",
         {.name = "format", .kind = OPTION_CHOICE, .choices = "logfmt|json", .help = "form of events"},
         "log-format",
         "HOLDFAST_LOG_FORMAT",
         NULL,
         "logfmt",
         false},
	{0},
};

const size_t config_settings_count = ARRAY_LEN(config_settings) - 1;

/* ---- finding a setting ---- */

const struct setting *config_setting_of(const char *section, const char *key)
{
	size_t n = strlen(section);
	for (const struct setting *setting = config_settings; setting->name; setting++)
		if (strncmp(setting->name, section, n) == 0 && setting->name[n] == '.' &&
		    strcmp(setting->name + n + 1, key) == 0)
			return setting;
	return NULL;
}

const struct setting *config_setting(const char *name)
{
	for (const struct setting *setting = config_settings; setting->name; setting++)
		if (strcmp(setting->name, name) == 0)
			return setting;
	return NULL;
}

bool config_is_section(const char *section)
{
	size_t n = strlen(section);
	for (const struct setting *setting = config_settings; setting->name; setting++)
		if (strncmp(setting->name, section, n) == 0 && setting->name[n] == '.')
			return true;
	return false;
}
