/*
 * manual.c - sources of the manual pages in scdoc's language, made from the table.
 */
#include <ctype.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "cli/help.h"
#include "holdfast/status.h"

/* scdoc reads \ _ * as markup anywhere, and a few characters as structure where a line starts. */
static void put_str(FILE *file, struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (strchr("\\_*", text.ptr[i]) || (i == 0 && strchr("-.#|[]`", text.ptr[i])))
			fputc('\\', file);
		fputc(text.ptr[i], file);
	}
}

static void put_text(FILE *file, const char *text)
{
	put_str(file, hf_str_of(text));
}

/* Between fences only the backslash is markup. */
static void put_literal(FILE *file, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '\\')
			fputc('\\', file);
		fputc(*c, file);
	}
	fputc('\n', file);
}

static void put_label(FILE *file, const struct cmd_option *option)
{
	if (option->letter)
		fprintf(file, "*-%c*, ", option->letter);
	fprintf(file, "*--%s*", option->name);
	if (!option->arg)
		return;
	fputs(option->value_optional ? "[=" : " ", file);
	put_text(file, option->arg);
	fputs(option->value_optional ? "]" : "", file);
}

static void put_options(FILE *file, const struct cmd_option *options)
{
	char text[400];
	for (const struct cmd_option *option = options; option && option->name; option++) {
		put_label(file, option);
		fputs("\n\t", file);
		option_help(option, text, sizeof(text));
		put_text(file, text);
		if (option->env) {
			fputs(". Variable: ", file);
			put_text(file, option->env);
		}
		fputs("\n\n", file);
	}
}

static void put_about(FILE *file, const char *about)
{
	struct hf_str rest = hf_str_of(about), line;
	while (str_split(&rest, '\n', &line)) {
		put_str(file, line);
		fputc('\n', file);
	}
	fputc('\n', file);
}

static void put_examples(FILE *file, const struct cmd *cmd)
{
	fputs("```\n", file);
	for (size_t i = 0; i < CMD_EXAMPLES_MAX && cmd->examples[i]; i++)
		put_literal(file, cmd->examples[i]);
	fputs("```\n\n", file);
}

static void put_header(FILE *file, const char *name, const char *summary)
{
	fprintf(file, "%s(1)\n\n# NAME\n\n%s - ", name, name);
	put_text(file, summary);
	fputs("\n\n# SYNOPSIS\n\n", file);
}

void manual_noun(FILE *file, const struct noun *noun)
{
	char name[80], usage[200];
	command_page(noun, name, sizeof(name));
	put_header(file, name, noun->summary);
	const char *between = "";
	for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
		command_usage(cmd, usage, sizeof(usage));
		fputs(between, file);
		put_text(file, usage);
		between = "++\n";
	}
	fputs("\n", file);
	fputs("\n# COMMANDS\n\n", file);
	for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
		command_usage(cmd, usage, sizeof(usage));
		fputs("## ", file);
		put_text(file, usage + strlen("holdfast "));
		fputs("\n\n", file);
		put_text(file, cmd->summary);
		fputs(".\n\n", file);
		if (cmd->about)
			put_about(file, cmd->about);
		put_options(file, cmd->options);
		put_examples(file, cmd);
	}
	fputs("The flags of every command and the exit codes stand in *holdfast*(1).\n\n# SEE ALSO\n\n*holdfast*(1)\n",
	      file);
}

static void put_exit_codes(FILE *file)
{
#define ROW(name, value, exit_code, word, meaning)                                                                     \
	if (exit_code != 0 || value == 0)                                                                              \
		fprintf(file, "*%d* %s\n\t%s\n\n", exit_code, word, meaning);
	HF_STATUS_TABLE(ROW)
#undef ROW
}

void manual_main(FILE *file)
{
	put_header(file, "holdfast", "durable state over PostgreSQL");
	fputs("holdfast NOUN VERB [arguments] [flags]\n\n# DESCRIPTION\n\n"
	      "Flags may stand anywhere; -- ends them; a single dash is standard input. Data goes to standard output, "
	      "words "
	      "to standard error. Each noun has a page of its own.\n\n# COMMANDS\n\n",
	      file);
	for (const struct noun *noun = command_nouns; noun->name; noun++) {
		char page[80];
		command_page(noun, page, sizeof(page));
		fprintf(file, "*%s*(1)\n\t", page);
		put_text(file, noun->summary);
		fputs("\n\n", file);
	}
	fputs("# FLAGS OF EVERY COMMAND\n\n", file);
	put_options(file, global_options);
	fputs("# EXIT STATUS\n\n", file);
	put_exit_codes(file);
	fputs("# FILES\n\n"
	      "$XDG\\_CONFIG\\_HOME/holdfast/holdfast.conf, /etc/holdfast/conf.d/\\*.conf, "
	      "/etc/holdfast/holdfast.conf; see "
	      "*holdfast help configuration*.\n",
	      file);
}
