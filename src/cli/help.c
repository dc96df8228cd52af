/*
 * help.c - overview, noun and command help in at most 79 columns.
 */
#include "cli/help.h"

#include <string.h>

#include "base/macros.h"
#include "base/quantity.h"
#include "base/str.h"

enum { COLUMNS = 79, LABEL_MAX = 26 };

void help_wrapped(FILE *file, size_t indent, const char *text)
{
	struct hf_str rest = hf_str_of(text), line, word;
	while (str_split(&rest, '\n', &line)) {
		size_t at = 0;
		if (line.len > 0 && line.ptr[0] == ' ') { /* laid out by hand */
			fprintf(file, "%*s%.*s\n", (int)indent, "", STR_ARG(line));
			continue;
		}
		while (str_split(&line, ' ', &word)) {
			size_t width = text_width(word);
			if (at > 0 && indent + at + 1 + width > COLUMNS) {
				fputc('\n', file);
				at = 0;
			}
			fprintf(file, "%*s%.*s", at == 0 ? (int)indent : 1, "", STR_ARG(word));
			at += width + (at > 0);
		}
		fputc('\n', file);
	}
}

void help_entry(FILE *file, const char *label, size_t column, const char *text)
{
	struct hf_str rest = hf_str_of(text), word;
	size_t at = 2 + strlen(label);
	fprintf(file, "  %s", label);
	if (at + 2 > column) {
		fputc('\n', file);
		at = 0;
	}
	bool first = true;
	while (str_split(&rest, ' ', &word)) {
		if (!first && at + 1 + word.len > COLUMNS) {
			fputc('\n', file);
			at = 0;
			first = true;
		}
		if (first)
			fprintf(file, "%*s", (int)(column - at), "");
		else
			fputc(' ', file);
		at = first ? column : at + 1;
		fprintf(file, "%.*s", STR_ARG(word));
		at += word.len;
		first = false;
	}
	fputc('\n', file);
}

void option_label(const struct cmd_option *option, char *ret_text, size_t size)
{
	char letter[8] = "    ";
	const char *arg = option->arg ? option->arg : "";
	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	if (option->value_optional)
		snprintf(ret_text, size, "%s--%s[=%s]", letter, option->name, arg);
	else
		snprintf(ret_text, size, "%s--%s%s%s", letter, option->name, arg[0] ? " " : "", arg);
}

/* " (a, b, c)", unless the words stand in the help or in place of the value already. */
static void choices_text(const struct cmd_option *option, char *ret_text, size_t size)
{
	struct hf_str rest = hf_str_of(option->choices), word;
	bool told = true;
	size_t n = 0;
	while (str_split(&rest, '|', &word) && n < size) {
		told = told && str_find_str(hf_str_of(option->help), word) >= 0;
		n += (size_t)snprintf(ret_text + n, size - n, "%s%.*s%s", n == 0 ? " (" : ", ", STR_ARG(word),
				      rest.ptr ? "" : ")");
	}
	if (told || strchr(option->arg, '|'))
		ret_text[0] = '\0';
}

void option_help(const struct cmd_option *option, char *ret_text, size_t size)
{
	char low[QUANTITY_TEXT_SIZE], high[QUANTITY_TEXT_SIZE], bounds[200] = "";
	bool bounded = (option->min != 0 || option->max != 0) && option->max != INT64_MAX;
	if (bounded && option->kind == OPTION_DURATION) {
		quantity_duration_text(option->min, low);
		quantity_duration_text(option->max, high);
	} else if (bounded && option->kind == OPTION_SIZE) {
		quantity_size_text(option->min, low);
		quantity_size_text(option->max, high);
	} else if (bounded) {
		snprintf(low, sizeof(low), "%lld", (long long)option->min);
		snprintf(high, sizeof(high), "%lld", (long long)option->max);
	}
	if (bounded)
		snprintf(bounds, sizeof(bounds), " (%s to %s)", low, high);
	else if (option->choices)
		choices_text(option, bounds, sizeof(bounds));
	snprintf(ret_text, size, "%s%s%s", option->help, bounds,
		 option->repeatable && option->arg ? "; repeatable" : "");
}

static void put_options(FILE *file, const struct cmd_option *options)
{
	char label[96], text[400];
	size_t width = 0;
	for (const struct cmd_option *option = options; option->name; option++) {
		option_label(option, label, sizeof(label));
		size_t own = strlen(label);
		width = own > width && own <= LABEL_MAX ? own : width;
	}
	for (const struct cmd_option *option = options; option->name; option++) {
		option_label(option, label, sizeof(label));
		option_help(option, text, sizeof(text));
		help_entry(file, label, width + 4, text);
	}
}

void command_usage(const struct cmd *cmd, char *ret_text, size_t size)
{
	char name[64];
	command_name(cmd, name, sizeof(name));
	bool tail = cmd->args && strstr(cmd->args, "-- ") != NULL;
	const char *flags = cmd->options ? " [flags]" : "";
	if (!cmd->args)
		snprintf(ret_text, size, "holdfast %s%s", name, flags);
	else if (tail)
		snprintf(ret_text, size, "holdfast %s%s %s", name, flags, cmd->args);
	else
		snprintf(ret_text, size, "holdfast %s %s%s", name, cmd->args, flags);
}

static void put_examples(FILE *file, const struct cmd *cmd, size_t count)
{
	for (size_t i = 0; i < count && cmd->examples[i]; i++)
		fprintf(file, "  %s\n", cmd->examples[i]);
}

static void put_fields(FILE *file, const struct column *columns)
{
	struct buf text;
	buf_init(&text, 4096);
	for (const struct column *column = columns; column->name; column++)
		buf_printf(&text, "%s%s", column == columns ? "" : ", ", column->name);
	fputs("\nfields of --json=FIELDS\n", file);
	help_wrapped(file, 2, text.ptr ? text.ptr : "");
	buf_deinit(&text);
}

/* "holdfast gen" is a command, and so are its verbs. */
static void put_verbs(FILE *file, const struct cmd *cmd)
{
	char label[96];
	fputs("\nfurther commands\n", file);
	for (cmd++; cmd->noun; cmd++) {
		snprintf(label, sizeof(label), "%s %s%s%s", cmd->noun, cmd->verb, cmd->args ? " " : "",
			 cmd->args ? cmd->args : "");
		help_entry(file, label, 24, cmd->summary);
	}
}

void help_command(FILE *file, const struct cmd *cmd, bool at_length)
{
	char usage[200], name[64];
	command_name(cmd, name, sizeof(name));
	command_usage(cmd, usage, sizeof(usage));
	put_examples(file, cmd, at_length ? CMD_EXAMPLES_MAX : 3);
	fprintf(file, "\nusage\n  %s\n\n", usage);
	help_wrapped(file, 2, cmd->summary);
	if (at_length && cmd->about) {
		fputc('\n', file);
		help_wrapped(file, 2, cmd->about);
	}
	if (cmd->options) {
		fputs("\nflags\n", file);
		put_options(file, cmd->options);
	}
	if (!cmd->verb && cmd[1].noun)
		put_verbs(file, cmd);
	if (at_length && cmd->columns)
		put_fields(file, cmd->columns);
	if (at_length) {
		fputs("\nflags of every command\n", file);
		put_options(file, global_options);
	} else {
		fprintf(file, "\n  more   holdfast %s --help\n", name);
	}
}

void help_flags(FILE *file)
{
	char label[96], text[400];
	for (const struct cmd_option *option = global_options; option->name; option++) {
		option_label(option, label, sizeof(label));
		snprintf(text, sizeof(text), "%s%s%s%s", option->help, option->env ? " [" : "",
			 option->env ? option->env : "", option->env ? "]" : "");
		help_entry(file, label, 28, text);
	}
}

/* "list, next, add, position, ..." as far as it fits; what the noun does alone goes before them */
static void list_verbs(const struct noun *noun, char *ret_text, size_t size)
{
	size_t at = 0;
	ret_text[0] = '\0';
	if (command_bare(noun) && !command_is_single(noun))
		at = (size_t)snprintf(ret_text, size, "%s;", noun->summary);
	for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
		if (!cmd->verb)
			continue;
		int n = snprintf(ret_text + at, size - at, "%s%s", at ? " " : "", cmd->verb);
		if (n < 0 || (size_t)n >= size - at)
			return;
		at += (size_t)n;
	}
}

void help_overview(FILE *file)
{
	char verbs[512];
	const char *group = "";
	fputs("holdfast keeps state in PostgreSQL: schema, candidates, queue and schedule\n"
	      "\n"
	      "  holdfast demo                          see all of it work, in seconds\n"
	      "  holdfast --demo queue list --limit 20  what the demo would run next\n"
	      "  holdfast queue add --help              examples and flags of one command\n"
	      "\n"
	      "usage\n"
	      "  holdfast NOUN VERB [arguments] [flags]       flags may stand anywhere\n",
	      file);
	for (const struct noun *noun = command_nouns; noun->name; noun++) {
		if (strcmp(group, noun->group) != 0)
			fprintf(file, "\n%s\n", noun->group);
		group = noun->group;
		list_verbs(noun, verbs, sizeof(verbs));
		help_entry(file, noun->name, 17, verbs[0] ? verbs : noun->summary);
	}
	fputs("\nmore\n", file);
	for (const struct topic *topic = help_topics; topic->name; topic++) {
		char label[64];
		snprintf(label, sizeof(label), "holdfast help %s", topic->name);
		help_entry(file, label, 32, topic->summary);
	}
}

void help_noun(FILE *file, const struct noun *noun)
{
	char label[200];
	size_t width = 0;
	fprintf(file, "%s\n\n", noun->summary);
	for (int pass = 0; pass < 2; pass++)
		for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
			const char *args = cmd->args ? cmd->args : "";
			snprintf(label, sizeof(label), "%s %s%s%s", cmd->noun, cmd->verb ? cmd->verb : "",
				 args[0] ? " " : "", args);
			if (pass == 1)
				help_entry(file, label, width + 4, cmd->summary);
			else if (strlen(label) > width && strlen(label) < 36)
				width = strlen(label);
		}
	for (const struct noun *below = command_nouns; below->name; below++)
		if (command_word_below(noun, below))
			help_entry(file, below->name, width + 4, below->summary);
	fprintf(file, "\n  examples and flags: holdfast %s VERB --help\n", noun->name);
}
