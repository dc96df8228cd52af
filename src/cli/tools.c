/*
 * tools.c - the commands that need no database: version, help, completion, man.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/rows.h"

/* ---- version ---- */

static const struct cmd_option version_options[] = {
	{.name = "all", .kind = OPTION_FLAG, .help = "with compiler, libpq and build type"},
	{0},
};
static const struct column version_columns[] = {
	{"version", COLUMN_TEXT, NULL, "of holdfast"},
	{0},
};
static const struct column version_all_columns[] = {
	{"version", COLUMN_TEXT, NULL, NULL},
	{"compiler", COLUMN_TEXT, NULL, NULL},
	{"c_standard", COLUMN_INT, NULL, NULL},
	{"sanitizers", COLUMN_BOOL, NULL, NULL},
	{0},
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static enum hf_status run_version(struct cli *cli, hf_error *err)
{
	if (cli_given(cli, "all"))
		return out_object(cli->out, version_all_columns,
				  (struct cell[]){cell_word(HOLDFAST_VERSION), cell_word(__VERSION__),
						  cell_int(__STDC_VERSION__), cell_bool(SANITIZED)},
				  err);
	return out_value(cli->out, version_columns, (struct cell[]){cell_word(HOLDFAST_VERSION)}, err);
}

const struct cmd version_commands[] = {
	{.noun = "version",
	 .summary = "print the version",
	 .options = version_options,
	 .columns = version_columns,
	 .examples = {"holdfast version", "holdfast version --all", "holdfast version --json"},
	 .run = run_version,
	 .test_effect = "test_version_is_the_projects",
	 .test_refusal = "test_version_refuses_an_argument",
	 .flags = CMD_NO_DATABASE | CMD_NO_CONFIG},
	{0},
};

/* ---- completion ---- */

static enum hf_status run_completion(struct cli *cli, hf_error *err)
{
	int64_t shell;
	enum hf_status status = cli_choice("SHELL", "bash|zsh|fish", cli_arg(cli, 0), &shell, err);
	if (status == HF_OK)
		completion_script(cli->out->file, (enum shell)shell);
	return status;
}

const struct cmd completion_commands[] = {
	{.noun = "completion",
	 .args = "bash|zsh|fish",
	 .summary = "print a completion script",
	 .examples = {"source <(holdfast completion bash)", "holdfast completion zsh >~/.zfunc/_holdfast",
		      "holdfast completion fish >~/.config/fish/completions/holdfast.fish"},
	 .run = run_completion,
	 .test_effect = "test_completion_of_bash_completes",
	 .test_refusal = "test_completion_refuses_a_strange_shell",
	 .flags = CMD_NO_DATABASE | CMD_NO_CONFIG},
	{0},
};

/* ---- help ---- */

static const struct cmd_option help_options[] = {
	{.name = "table", .kind = OPTION_FLAG, .help = "the table of commands as JSON (with --json)"},
	{.name = "manual", .kind = OPTION_FLAG, .help = "the source of the manual page, in scdoc's language"},
	{0},
};

static enum hf_status unknown_topic(const char *word, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(word));
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		nearest_offer(&search, noun->name);
	for (const struct topic *topic = help_topics; topic->name; topic++)
		nearest_offer(&search, topic->name);
	error_set(err, HF_E_USAGE, "no command or topic \"%s\"", word);
	if (search.best)
		error_hint(err, "did you mean   holdfast help %s", search.best);
	else
		error_hint(err, "all of them   holdfast help");
	return HF_E_USAGE;
}

static enum hf_status help_verb(struct cli *cli, const struct noun *noun, const char *word, hf_error *err)
{
	const struct cmd *cmd = command_is_single(noun) ? NULL : command_verb(noun, hf_str_of(word));
	struct nearest search = nearest_to(hf_str_of(word));
	if (cmd) {
		help_command(cli->out->file, cmd, true);
		return HF_OK;
	}
	for (const struct cmd *known = noun->commands; known->noun; known++)
		if (known->verb)
			nearest_offer(&search, known->verb);
	error_set(err, HF_E_USAGE, "unknown command \"%s %s\"", noun->name, word);
	if (search.best)
		error_hint(err, "did you mean   holdfast help %s %s", noun->name, search.best);
	else
		error_hint(err, "its commands   holdfast help %s", noun->name);
	return HF_E_USAGE;
}

/* Of one word, or two; `*ret_words` of the arguments were its name. */
static const struct noun *given_noun(const struct cli *cli, size_t *ret_words)
{
	const char *word = cli_arg(cli, 0), *second = cli_arg(cli, 1);
	const struct noun *noun = word ? command_noun(hf_str_of(word)) : NULL;
	const struct noun *below = noun && second ? command_noun_below(noun, hf_str_of(second)) : NULL;
	*ret_words = below ? 2 : 1;
	return below ? below : noun;
}

static enum hf_status help_word(struct cli *cli, const char *word, hf_error *err)
{
	size_t words;
	const struct noun *noun = given_noun(cli, &words);
	FILE *file = cli->out->file;
	if (noun && cli_nargs(cli) > words)
		return help_verb(cli, noun, cli_arg(cli, words), err);
	if (noun && command_bare(noun)) {
		help_command(file, command_bare(noun), true);
		return HF_OK;
	}
	if (noun) {
		help_noun(file, noun);
		return HF_OK;
	}
	for (const struct topic *topic = help_topics; topic->name; topic++)
		if (strcmp(topic->name, word) == 0) {
			topic->print(file);
			return HF_OK;
		}
	return unknown_topic(word, err);
}

static enum hf_status help_manual(struct cli *cli, const char *word, hf_error *err)
{
	size_t words;
	const struct noun *noun = given_noun(cli, &words);
	if (word && !noun)
		return unknown_topic(word, err);
	if (noun)
		manual_noun(cli->out->file, noun);
	else
		manual_main(cli->out->file);
	return HF_OK;
}

static enum hf_status run_help(struct cli *cli, hf_error *err)
{
	const char *word = cli_arg(cli, 0);
	if (cli_given(cli, "table"))
		return out_is_json(cli->out) ? table_as_json(cli->out, err)
					     : error_set(err, HF_E_USAGE, "--table needs --json");
	if (cli_given(cli, "manual"))
		return help_manual(cli, word, err);
	if (word)
		return help_word(cli, word, err);
	help_overview(cli->out->file);
	return HF_OK;
}

const struct cmd help_commands[] = {
	{.noun = "help",
	 .args = "[TOPIC] [VERB...]",
	 .summary = "explain a command or a topic",
	 .options = help_options,
	 .examples = {"holdfast help config", "holdfast help config show", "holdfast help exit-codes"},
	 .run = run_help,
	 .test_effect = "test_help_explains_every_topic",
	 .test_refusal = "test_help_refuses_a_strange_topic",
	 .flags = CMD_NO_DATABASE | CMD_NO_CONFIG},
	{0},
};

/* ---- man ---- */

/* The page in the build folder, beside the program; else man finds the installed one. */
static bool built_page(const char *page, char *ret_path, size_t size)
{
	char folder[512];
	if (cli_program_folder(folder, sizeof(folder), NULL) != HF_OK)
		return false;
	int written = snprintf(ret_path, size, "%s/man/%s.1", folder, page);
	return written > 0 && (size_t)written < size && access(ret_path, R_OK) == 0;
}

static enum hf_status run_man(struct cli *cli, hf_error *err)
{
	const char *word = cli_arg(cli, 0);
	char page[80] = "holdfast", path[700];
	size_t words;
	const struct noun *noun = given_noun(cli, &words);
	if (word && (!noun || cli_nargs(cli) > words))
		return unknown_topic(cli_arg(cli, noun ? words : 0), err);
	if (noun)
		command_page(noun, page, sizeof(page));
	const char *const argv_built[] = {"man", "-l", path, NULL}, *const argv_installed[] = {"man", "1", page, NULL};
	const char *const *argv = built_page(page, path, sizeof(path)) ? argv_built : argv_installed;
	fflush(cli->out->file);
	return child_run(cli, argv, NULL, err);
}

const struct cmd man_commands[] = {
	{.noun = "man",
	 .args = "[NOUN...]",
	 .summary = "show a manual page",
	 .examples = {"holdfast man", "holdfast man config", "holdfast man help"},
	 .run = run_man,
	 .test_effect = "test_man_shows_a_page",
	 .test_refusal = "test_man_refuses_a_strange_page",
	 .flags = CMD_NO_DATABASE | CMD_NO_CONFIG},
	{0},
};
