/*
 * commands.c - the one list of nouns, in the order in which help shows them. Each row's verbs stand in <noun>.c.
 */
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

const struct noun command_nouns[] = {
	{"db", "DATABASE", "which database is it, does it answer", db_commands, NULL},
	{"migrate", "DATABASE", "bring the schema to the state of its files, and back", migrate_commands, NULL},
	{"pg", "DATABASE", "private PostgreSQL servers", pg_commands, NULL},
	{"gen", "DATABASE", "typed queries", gen_commands, NULL},
	{"schema", "DATABASE", "what the database consists of", schema_commands, "janitor"},
	{"kv", "KEY-VALUE", "keys and values, on PostgreSQL, LMDB, Redis or in memory", kv_commands, NULL},
	{"kv lock", "KEY-VALUE", "locks of a store: leases that end by themselves, with a fence", kv_lock_commands,
         NULL},
	{"kv index", "KEY-VALUE", "indexes on the metadata of a store", kv_index_commands, NULL},
	{"kv checkpoint", "KEY-VALUE", "the state of a namespace at one moment", kv_checkpoint_commands, NULL},
	{"codebase", "JANITOR", "source trees, and where their code lives", codebase_commands, "janitor"},
	{"campaign", "JANITOR", "kinds of change, and what comes of them", campaign_commands, "janitor"},
	{"candidate", "JANITOR", "what is worth trying in which campaign", candidate_commands, "janitor"},
	{"queue", "JANITOR", "what runs next, and why", queue_commands, "janitor"},
	{"run", "JANITOR", "what was tried, and with which result", run_commands, "janitor"},
	{"review", "JANITOR", "what people say about runs", review_commands, "janitor"},
	{"publish", "JANITOR", "what left the platform, and what waits to", publish_commands, "janitor"},
	{"policy", "JANITOR", "how results leave the platform", policy_commands, "janitor"},
	{"proposal", "JANITOR", "merge proposals, and what became of them", proposal_commands, "janitor"},
	{"changeset", "JANITOR", "runs that are to land together", changeset_commands, "janitor"},
	{"worker", "JANITOR", "who may do the work", worker_commands, "janitor"},
	{"schedule", "JANITOR", "decide what runs when", schedule_commands, "janitor"},
	{"demo", "TOOLS", "see all of it work, in seconds", demo_commands, NULL},
	{"config", "TOOLS", "settings, and where each comes from", config_commands, NULL},
	{"completion", "TOOLS", "print a completion script for bash, zsh or fish", completion_commands, NULL},
	{"man", "TOOLS", "show a manual page", man_commands, NULL},
	{"help", "TOOLS", "explain a command or a topic", help_commands, NULL},
	{"version", "TOOLS", "print the version", version_commands, NULL},
	{0},
};

const struct noun *command_noun(struct hf_str name)
{
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		if (str_eq(hf_str_of(noun->name), name))
			return noun;
	return NULL;
}

const char *command_word_below(const struct noun *above, const struct noun *noun)
{
	size_t len = strlen(above->name);
	const char *second = command_noun_second(noun);
	return second && strncmp(noun->name, above->name, len) == 0 && noun->name[len] == ' ' ? second : NULL;
}

const struct noun *command_noun_below(const struct noun *above, struct hf_str word)
{
	for (const struct noun *noun = command_nouns; noun->name; noun++) {
		const char *second = command_word_below(above, noun);
		if (second && str_eq(hf_str_of(second), word))
			return noun;
	}
	return NULL;
}

const char *command_noun_second(const struct noun *noun)
{
	const char *blank = strchr(noun->name, ' ');
	return blank ? blank + 1 : NULL;
}

void command_page(const struct noun *noun, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "holdfast-%s", noun->name);
	for (char *c = ret_text; *c; c++)
		if (*c == ' ')
			*c = '-';
}

const struct cmd *command_bare(const struct noun *noun)
{
	return noun->commands->noun && !noun->commands->verb ? noun->commands : NULL;
}

bool command_is_single(const struct noun *noun)
{
	return command_bare(noun) && !noun->commands[1].noun;
}

const struct cmd *command_verb(const struct noun *noun, struct hf_str verb)
{
	for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++)
		if (cmd->verb && str_eq(hf_str_of(cmd->verb), verb))
			return cmd;
	return NULL;
}

void command_name(const struct cmd *cmd, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s%s%s", cmd->noun, cmd->verb ? " " : "", cmd->verb ? cmd->verb : "");
}
