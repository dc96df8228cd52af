/*
 * complete.c - completion scripts, written out in full from the table: no process is started while somebody types.
 */
#include <string.h>

#include "base/macros.h"
#include "cli/help.h"

static void put_nouns(FILE *file)
{
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		if (!command_noun_second(noun))
			fprintf(file, " %s", noun->name);
}

static void put_verbs(FILE *file, const struct noun *noun)
{
	for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++)
		if (cmd->verb)
			fprintf(file, " %s", cmd->verb);
	for (const struct noun *below = command_nouns; below->name; below++)
		if (command_word_below(noun, below))
			fprintf(file, " %s", command_word_below(noun, below));
}

static void put_flags(FILE *file, const struct cmd_option *options)
{
	for (const struct cmd_option *option = options; option && option->name; option++)
		fprintf(file, " --%s", option->name);
}

static void put_choices(FILE *file, const char *choices)
{
	for (const char *c = choices; *c; c++)
		fputc(*c == '|' ? ' ' : *c, file);
}

/* Flags whose value is one of few words. */
static void put_choice_cases(FILE *file, const struct cmd_option *options)
{
	for (const struct cmd_option *option = options; option && option->name; option++) {
		if (option->kind != OPTION_CHOICE)
			continue;
		fprintf(file, "\t--%s%s%c) words=\"", option->name, option->letter ? "|-" : "",
			option->letter ? option->letter : ' ');
		put_choices(file, option->choices);
		fputs("\" ;;\n", file);
	}
}

static void put_bash_commands(FILE *file)
{
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
			fprintf(file, "\t\"%s%s%s\") words=\"$global", cmd->noun, cmd->verb ? " " : "",
				cmd->verb ? cmd->verb : "");
			put_flags(file, cmd->options);
			fputs("\" ;;\n", file);
		}
}

/* Behind a command of one word: one of few words, or what `help` and `man` explain. */
static void put_words(FILE *file, const char *args)
{
	if (args && strchr(args, '|'))
		put_choices(file, args);
	else if (args && (strstr(args, "TOPIC") || strstr(args, "NOUN")))
		put_nouns(file);
}

static void put_bash_verbs(FILE *file)
{
	for (const struct noun *noun = command_nouns; noun->name; noun++) {
		fprintf(file, "\t\t\"%s\") words=\"", noun->name);
		if (command_is_single(noun))
			put_words(file, noun->commands->args);
		else
			put_verbs(file, noun);
		fputs("\" ;;\n", file);
	}
}

/* Nouns of two words. */
static void put_bash_second_words(FILE *file)
{
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		if (command_noun_second(noun))
			fprintf(file, "\t\t\t\"%s\") noun=\"$noun $word\" ;;\n", noun->name);
}

/* The function serves zsh too, through bashcompinit. */
static void bash_script(FILE *file)
{
	fputs("# completion of holdfast; load with:  source <(holdfast completion bash)\n"
	      "_holdfast()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} noun= verb= word i words= "
	      "global=\"",
	      file);
	put_flags(file, global_options);
	fputs("\"\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tword=${COMP_WORDS[i]}\n"
	      "\t\tcase $word in\n"
	      "\t\t-d|-c|-p|-o|--database|--config|--profile|--output|--limit|--timeout|--log-format|--color) ((i++)) "
	      ";;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) if [[ -z $noun ]]; then noun=$word; elif [[ -z $verb ]]; then case \"$noun $word\" in\n",
	      file);
	put_bash_second_words(file);
	fputs("\t\t\t*) verb=$word ;;\n\t\t\tesac; fi ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $prev in\n",
	      file);
	put_choice_cases(file, global_options);
	fputs("\t--config|-c) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	      "\tesac\n"
	      "\tif [[ -n $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); return; fi\n"
	      "\tif [[ -z $noun && $cur != -* ]]; then\n\t\twords=\"",
	      file);
	put_nouns(file);
	fputs("\"\n"
	      "\telif [[ -z $verb && $cur != -* ]]; then\n\t\tcase $noun in\n",
	      file);
	put_bash_verbs(file);
	fputs("\t\tesac\n"
	      "\telse\n\t\tcase \"$noun${verb:+ $verb}\" in\n",
	      file);
	put_bash_commands(file);
	fputs("\t*) words=$global ;;\n"
	      "\t\tesac\n"
	      "\t\t[[ $cur == -* ]] || { COMPREPLY=($(compgen -f -- \"$cur\")); return; }\n"
	      "\tfi\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "}\n"
	      "complete -o filenames -F _holdfast holdfast\n",
	      file);
}

static void zsh_script(FILE *file)
{
	fputs("#compdef holdfast\n"
	      "autoload -U +X bashcompinit && bashcompinit\n",
	      file);
	bash_script(file);
}

/* Each word of a name must stand on the line: "kv lock" is two. */
static void put_fish_seen(FILE *file, const char *name)
{
	fputs("__fish_seen_subcommand_from ", file);
	for (const char *c = name; *c; c++)
		fputs(*c == ' ' ? "; and __fish_seen_subcommand_from " : (char[]){*c, '\0'}, file);
}

/* `name` of the command; NULL = of all. */
static void put_fish_options(FILE *file, const struct cmd_option *options, const char *name)
{
	for (const struct cmd_option *option = options; option && option->name; option++) {
		fputs("complete -c holdfast", file);
		if (name) {
			fputs(" -n '", file);
			put_fish_seen(file, name);
			fputs("'", file);
		}
		fprintf(file, " -l %s", option->name);
		if (option->letter)
			fprintf(file, " -s %c", option->letter);
		if (option->kind == OPTION_CHOICE) {
			fputs(" -x -a '", file);
			put_choices(file, option->choices);
			fputs("'", file);
		} else if (option->arg && !option->value_optional) {
			fputs(" -r", file);
		}
		fputs(" -d '", file);
		for (const char *c = option->help; *c; c++)
			fputs(*c == '\'' ? "\\'" : (char[]){*c, '\0'}, file);
		fputs("'\n", file);
	}
}

static void put_fish_noun(FILE *file, const struct noun *noun)
{
	const char *second = command_noun_second(noun);
	int first = second ? (int)(second - 1 - noun->name) : 0;
	if (second)
		fprintf(file, "complete -c holdfast -f -n '__fish_seen_subcommand_from %.*s' -a %s -d \"%s\"\n", first,
			noun->name, second, noun->summary);
	else
		fprintf(file, "complete -c holdfast -f -n __fish_use_subcommand -a %s -d \"%s\"\n", noun->name,
			noun->summary);
}

static void put_fish_command(FILE *file, const struct noun *noun, const struct cmd *cmd)
{
	char name[64];
	command_name(cmd, name, sizeof(name));
	if (cmd->verb) {
		fputs("complete -c holdfast -f -n '", file);
		put_fish_seen(file, noun->name);
		fprintf(file, "' -a %s -d \"%s\"\n", cmd->verb, cmd->summary);
	}
	put_fish_options(file, cmd->options, name);
}

static void fish_script(FILE *file)
{
	fputs("# completion of holdfast; put into ~/.config/fish/completions/holdfast.fish\n", file);
	for (const struct noun *noun = command_nouns; noun->name; noun++) {
		put_fish_noun(file, noun);
		for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++)
			put_fish_command(file, noun, cmd);
	}
	put_fish_options(file, global_options, NULL);
}

void completion_script(FILE *file, enum shell shell)
{
	switch (shell) {
	case SHELL_BASH:
		bash_script(file);
		return;
	case SHELL_ZSH:
		zsh_script(file);
		return;
	case SHELL_FISH:
		fish_script(file);
		return;
	}
}
