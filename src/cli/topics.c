/*
 * topics.c - what `holdfast help TOPIC` explains beside commands. Tables are made from the sources that also decide.
 */
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "cli/configuration.h"
#include "cli/help.h"
#include "holdfast/status.h"

static void put_exit_code(FILE *file, int code, const char *word, const char *meaning)
{
	char label[64];
	snprintf(label, sizeof(label), "%3d  %s", code, word);
	help_entry(file, label, 24, meaning);
}

static void topic_exit_codes(FILE *file)
{
	static const int order[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 69, 130};
	static const struct {
		int code;
		const char *word, *meaning;
	} rows[] = {
#define ROW(name, value, exit_code, word, meaning) {exit_code, word, meaning},
		HF_STATUS_TABLE(ROW)
#undef ROW
	};
	for (size_t o = 0; o < ARRAY_LEN(order); o++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (rows[i].code == order[o] && strcmp(rows[i].word, "stop") != 0)
				put_exit_code(file, rows[i].code, rows[i].word, rows[i].meaning);
	put_exit_code(file, 143, "interrupted", "ended by SIGTERM; rolled back, unless it says otherwise");
	fputs("\n", file);
	help_wrapped(file, 0,
		     "An empty list is 0. A reader that goes away (head) is 0. With --json the word stands in "
		     "the error's \"code\".");
}

static const char *json_type(enum column_kind kind)
{
	switch (kind) {
	case COLUMN_INT:
	case COLUMN_NUMBER:
	case COLUMN_DURATION:
		return "number";
	case COLUMN_BOOL:
		return "boolean";
	case COLUMN_TIME:
		return "string, RFC 3339";
	case COLUMN_NUMERIC:
		return "string, decimal";
	case COLUMN_JSON:
		return "any";
	case COLUMN_TEXT:
		return "string";
	}
	return "string";
}

static void put_field(FILE *file, const struct column *column)
{
	char label[96];
	snprintf(label, sizeof(label), "  %-21s %s", column->name, json_type(column->kind));
	help_entry(file, label, 44, column->help ? column->help : "");
}

static void topic_json(FILE *file)
{
	help_wrapped(
		file, 0,
		"--json prints one array for a list and one object for a thing; -o ndjson prints an object per line. "
		"--json=a,b chooses fields. Times are RFC 3339 in UTC with microseconds, durations are seconds in "
		"fields that end in _s, ids are exact integers, numeric is a string. What is absent is null, never "
		"left out. Fields are only added within a major version.\n"
		"\n"
		"What writes answers {\"changed\":3,\"unchanged\":1,\"ids\":[7,8,9]}, with \"dry_run\":true in a "
		"preview.\n"
		"\n"
		"Errors go to stderr, one object:\n"
		"\n"
		"  {\"error\":{\"code\":\"conflict\",\"exit\":5,\"message\":\"...\",\"detail\":null,\n"
		"            \"hint\":\"...\",\"sqlstate\":\"23505\",\"retryable\":false}}\n"
		"\n"
		"Fields by command (any of them may be null):");
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
			char name[64];
			if (!cmd->columns)
				continue;
			command_name(cmd, name, sizeof(name));
			fprintf(file, "\n  %s\n", name);
			for (const struct column *column = cmd->columns; column->name; column++)
				put_field(file, column);
		}
}

static void topic_configuration(FILE *file)
{
	help_wrapped(
		file, 0,
		"Strongest first: flag, HOLDFAST_* variable, well-known foreign variable (DATABASE_URL, PG*), section "
		"[profile.NAME], user's file, system's drop-ins, system's file, default. -c FILE replaces the user's "
		"and the system's files.\n"
		"\n"
		"  $XDG_CONFIG_HOME/holdfast/holdfast.conf     user\n"
		"  /etc/holdfast/conf.d/*.conf                 drop-ins, the last one wins\n"
		"  /etc/holdfast/holdfast.conf                 system\n"
		"\n"
		"  [database]\n"
		"  url = postgresql:///janitor?host=/run/postgresql\n"
		"  # or env:NAME, credential:NAME; never the word itself\n"
		"  password = file:/run/credentials/janitor\n"
		"\n"
		"  [profile.production]\n"
		"  # destructive verbs ask for the profile's name; TLS is verified\n"
		"  protected = yes\n"
		"  database.url = postgresql://db.example.org/janitor?sslmode=verify-full\n"
		"\n"
		"Keys, variables, defaults:\n");
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		fprintf(file, "  %-26s %-34s %s\n", setting->name, setting->env,
			setting->otherwise ? setting->otherwise : "");
		fprintf(file, "      %s%s%s\n", setting->option.help, setting->option.choices ? ": " : "",
			setting->option.choices ? setting->option.choices : "");
	}
}

const struct topic help_topics[] = {
	{"flags", "the flags that every command has", help_flags},
	{"exit-codes", "what the command answers to a script", topic_exit_codes},
	{"json", "forms of the data, fields by command", topic_json},
	{"configuration", "files, variables, precedence", topic_configuration},
	{0},
};
