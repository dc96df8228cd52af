/*
 * cli.c - what verbs ask of their run: arguments, flags, notes, questions.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"

enum { ANSWER_MAX = 256 };

const char *cli_arg(const struct cli *cli, size_t index)
{
	return index < cli->parsed.nargs ? cli->parsed.args[index] : NULL;
}

size_t cli_nargs(const struct cli *cli)
{
	return cli->parsed.nargs;
}

/* The mention of a flag; asserts that the command has it. */
static const struct given *given(const struct cli *cli, const char *name)
{
	const struct cmd_option *option = cli->parsed.cmd->options;
	while (option && option->name && strcmp(option->name, name) != 0)
		option++;
	ASSERT(option && option->name);
	return parsed_flag(&cli->parsed, name);
}

bool cli_given(const struct cli *cli, const char *name)
{
	return given(cli, name) != NULL;
}

const char *cli_text(const struct cli *cli, const char *name)
{
	const struct given *flag = given(cli, name);
	return flag ? flag->text : NULL;
}

int64_t cli_int(const struct cli *cli, const char *name, int64_t otherwise)
{
	const struct given *flag = given(cli, name);
	return flag && flag->text ? flag->number : otherwise;
}

double cli_number(const struct cli *cli, const char *name, double otherwise)
{
	const struct given *flag = given(cli, name);
	return flag && flag->text ? flag->real : otherwise;
}

size_t cli_count(const struct cli *cli, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < cli->parsed.ngiven; i++)
		n += strcmp(cli->parsed.given[i].option->name, name) == 0;
	return n;
}

const char *cli_text_at(const struct cli *cli, const char *name, size_t index)
{
	for (size_t i = 0; i < cli->parsed.ngiven; i++)
		if (strcmp(cli->parsed.given[i].option->name, name) == 0 && index-- == 0)
			return cli->parsed.given[i].text;
	return NULL;
}

void cli_note(struct cli *cli, const char *format, ...)
{
	va_list args;
	if (cli->globals.quiet || out_is_json(cli->out))
		return;
	progress_clear(&cli->progress);
	out_flush(cli->out, NULL);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static bool answer_is(FILE *file, const char *wanted)
{
	char line[ANSWER_MAX];
	if (!fgets(line, sizeof(line), file))
		return false;
	return str_eq(str_trim(hf_str_of(line)), hf_str_of(wanted));
}

enum hf_status cli_confirm(struct cli *cli, const char *question, hf_error *err)
{
	const char *wanted = cli->config->protect ? cli->config->profile : "yes";
	if (cli->globals.dry_run || (cli->globals.yes && !cli->config->protect))
		return HF_OK;
	if (cli->globals.no_input || !isatty(STDIN_FILENO)) {
		error_set(err, HF_E_USAGE, "%s: this needs an answer, and nobody can be asked", question);
		if (cli->config->protect)
			error_hint(err, "the profile \"%s\" is protected: run it at a terminal", cli->config->profile);
		else
			error_hint(err, "to go on   add --yes");
		return HF_E_USAGE;
	}
	progress_clear(&cli->progress);
	fprintf(stderr, "%s? type \"%s\" to go on: ", question, wanted);
	fflush(stderr);
	return answer_is(stdin, wanted)
	               ? HF_OK
	               : error_set(err, HF_REJECTED, "nothing was done: the answer was not \"%s\"", wanted);
}

enum hf_status cli_defects(struct cli *cli, const struct hf_defects **ret_keep, hf_error *err)
{
	const struct setting_value *setting = config_get(cli->config, "command.defects");
	struct hf_defects *keep = hf_arena_calloc(cli->arena, 1, sizeof(*keep));
	if (!keep)
		return error_nomem(err);
	if (hf_defects_parse(hf_str_of(setting->value.text), keep, err) != HF_OK) {
		error_prefix(err, "%s", setting->origin);
		if (err)
			err->status = HF_E_CONFIG;
		return HF_E_CONFIG;
	}
	*ret_keep = keep;
	return HF_OK;
}
