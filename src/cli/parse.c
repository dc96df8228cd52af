/*
 * parse.c - two walks over argv. The first finds noun and verb, skipping flags and their values; the second knows the
 * command and reads everything. Pure: no environment, no output.
 */
#include "cli/parse.h"

#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/quantity.h"
#include "base/str.h"

/* ---- the table ---- */

static const struct cmd_option *option_in(const struct cmd_option *options, struct hf_str name)
{
	for (const struct cmd_option *option = options; option && option->name; option++)
		if (str_eq(hf_str_of(option->name), name))
			return option;
	return NULL;
}

static const struct cmd_option *letter_in(const struct cmd_option *options, char letter)
{
	for (const struct cmd_option *option = options; option && option->name; option++)
		if (option->letter == letter)
			return option;
	return NULL;
}

/* Any option of that name: good enough to know whether a value follows while the command is not yet known. */
static const struct cmd_option *option_anywhere(struct hf_str name, char letter)
{
	const struct cmd_option *found = letter ? letter_in(global_options, letter) : option_in(global_options, name);
	for (const struct noun *noun = command_nouns; !found && noun->name; noun++)
		for (const struct cmd *cmd = noun->commands; !found && cmd->noun; cmd++)
			found = letter ? letter_in(cmd->options, letter) : option_in(cmd->options, name);
	return found;
}

static bool takes_next(const struct cmd_option *option)
{
	return option && option->kind != OPTION_FLAG && !option->value_optional;
}

/* "-x" but neither "-" nor "-5". */
static bool is_flag(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9');
}

static bool is_long(const char *word)
{
	return word[0] == '-' && word[1] == '-';
}

static struct hf_str long_name(const char *word)
{
	struct hf_str name = hf_str_of(word + 2);
	ptrdiff_t equals = str_find(name, '=');
	if (equals >= 0)
		name.len = (size_t)equals;
	return name;
}

/* Does the word after this flag belong to it? Joined letters: the first one with a value decides. */
static bool flag_takes_next(const char *word)
{
	if (is_long(word))
		return !strchr(word, '=') && takes_next(option_anywhere(long_name(word), 0));
	for (const char *letter = word + 1; *letter; letter++)
		if (takes_next(option_anywhere(HF_STR(""), *letter)))
			return letter[1] == '\0';
	return false;
}

/* ---- first walk: noun and verb ---- */

static enum hf_status unknown_noun(const char *word, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(word));
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		nearest_offer(&search, noun->name);
	error_set(err, HF_E_USAGE, "unknown command \"%s\"", word);
	if (search.best)
		error_hint(err, "did you mean   holdfast %s", search.best);
	else
		error_hint(err, "all commands   holdfast help");
	return HF_E_USAGE;
}

static enum hf_status unknown_verb(const struct noun *noun, const char *word, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(word));
	for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++)
		if (cmd->verb)
			nearest_offer(&search, cmd->verb);
	for (const struct noun *below = command_nouns; below->name; below++)
		if (command_word_below(noun, below))
			nearest_offer(&search, command_word_below(noun, below));
	error_set(err, HF_E_USAGE, "unknown command \"%s %s\"", noun->name, word);
	if (search.best)
		error_hint(err, "did you mean   holdfast %s %s", noun->name, search.best);
	else
		error_hint(err, "its commands   holdfast %s", noun->name);
	return HF_E_USAGE;
}

static enum hf_status find_command(int argc, char *const argv[], struct parsed *parsed, hf_error *err)
{
	bool flags = true;
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		if (flags && strcmp(word, "--") == 0) {
			flags = false;
			continue;
		}
		if (flags && is_flag(word)) {
			i += flag_takes_next(word);
			continue;
		}
		if (!parsed->noun) {
			parsed->noun = command_noun(hf_str_of(word));
			if (!parsed->noun)
				return unknown_noun(word, err);
			parsed->cmd = command_bare(parsed->noun);
			if (command_is_single(parsed->noun))
				return HF_OK;
			continue;
		}
		const struct noun *below = command_noun_below(parsed->noun, hf_str_of(word));
		if (below) {
			parsed->noun = below;
			continue;
		}
		parsed->cmd = command_verb(parsed->noun, hf_str_of(word));
		return parsed->cmd ? HF_OK : unknown_verb(parsed->noun, word, err);
	}
	return HF_OK;
}

/* ---- values ---- */

static enum hf_status bad_value(const char *source, const char *text, const char *expected, hf_error *err)
{
	return error_set(err, HF_E_USAGE, "%s is \"%s\", expected %s", source, text, expected);
}

static void limit_text(enum option_kind kind, int64_t value, char *ret_text)
{
	if (kind == OPTION_DURATION)
		quantity_duration_text(value, ret_text);
	else if (kind == OPTION_SIZE)
		quantity_size_text(value, ret_text);
	else
		snprintf(ret_text, QUANTITY_TEXT_SIZE, "%lld", (long long)value);
}

static enum hf_status check_range(const struct cmd_option *option, const char *source, const char *text, int64_t value,
				  hf_error *err)
{
	char low[QUANTITY_TEXT_SIZE], high[QUANTITY_TEXT_SIZE];
	if ((option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max))
		return HF_OK;
	limit_text(option->kind, option->min, low);
	limit_text(option->kind, option->max, high);
	return error_set(err, HF_E_USAGE, "%s is %s, allowed are %s to %s", source, text, low, high);
}

/* "table, json or csv" */
static void list_choices(const char *choices, char *ret_text, size_t size)
{
	struct hf_str rest = hf_str_of(choices), piece;
	size_t at = 0;
	ret_text[0] = '\0';
	while (str_split(&rest, '|', &piece) && at < size) {
		const char *join = at == 0 ? "" : rest.ptr ? ", " : " or ";
		int n = snprintf(ret_text + at, size - at, "%s%.*s", join, STR_ARG(piece));
		at += n > 0 ? (size_t)n : 0;
	}
}

static enum hf_status parse_choice(const struct cmd_option *option, const char *source, const char *text,
				   struct given *ret_given, hf_error *err)
{
	struct hf_str rest = hf_str_of(option->choices), piece;
	struct nearest search = nearest_to(hf_str_of(text));
	char word[NEAREST_WORD_MAX], best[NEAREST_WORD_MAX] = "", all[256];
	for (int64_t i = 0; str_split(&rest, '|', &piece); i++) {
		if (str_eq(piece, hf_str_of(text))) {
			ret_given->number = i;
			return HF_OK;
		}
		snprintf(word, sizeof(word), "%.*s", STR_ARG(piece));
		search.best = best[0] ? best : NULL;
		nearest_offer(&search, word);
		if (search.best == word)
			memcpy(best, word, sizeof(best));
	}
	list_choices(option->choices, all, sizeof(all));
	bad_value(source, text, all, err);
	if (best[0])
		error_hint(err, "did you mean   %s", best);
	return HF_E_USAGE;
}

enum hf_status parse_value(const struct cmd_option *option, const char *source, const char *text,
			   struct given *ret_given, hf_error *err)
{
	struct hf_str view = hf_str_of(text);
	int64_t number = 0;
	ret_given->option = option;
	ret_given->text = text;
	switch (option->kind) {
	case OPTION_TEXT:
	case OPTION_FLAG:
		return HF_OK;
	case OPTION_CHOICE:
		return parse_choice(option, source, text, ret_given, err);
	case OPTION_NUMBER:
		return quantity_number(view, &ret_given->real) ? HF_OK
							       : bad_value(source, text, "a finite number", err);
	case OPTION_INT:
		if (!str_to_i64(view, &number))
			return bad_value(source, text, "a whole number", err);
		break;
	case OPTION_DURATION:
		if (!quantity_duration_ms(view, &number))
			return bad_value(source, text, "a duration with a unit, such as 250ms, 30s or 1h30m", err);
		break;
	case OPTION_SIZE:
		if (!quantity_size_bytes(view, &number))
			return bad_value(source, text, "a size, such as 512, 64MiB or 10kB", err);
		break;
	}
	ret_given->number = number;
	return check_range(option, source, text, number, err);
}

/* ---- second walk: flags ---- */

struct walk {
	int argc;
	char *const *argv;
	int at;
	struct parsed *parsed;
};

static enum hf_status hint_help(const struct parsed *parsed, hf_error *err)
{
	char name[64] = "";
	if (parsed->cmd)
		command_name(parsed->cmd, name, sizeof(name));
	else if (parsed->noun)
		snprintf(name, sizeof(name), "%s", parsed->noun->name);
	error_hint(err, "see   holdfast %s%s-h", name, name[0] ? " " : "");
	return HF_E_USAGE;
}

static enum hf_status unknown_long(const struct parsed *parsed, struct hf_str name, hf_error *err)
{
	struct nearest search = nearest_to(name);
	for (const struct cmd_option *option = parsed->cmd ? parsed->cmd->options : NULL; option && option->name;
	     option++)
		nearest_offer(&search, option->name);
	for (const struct cmd_option *option = global_options; option->name; option++)
		nearest_offer(&search, option->name);
	error_set(err, HF_E_USAGE, "unknown flag \"--%.*s\"", STR_ARG(name));
	if (!search.best)
		return hint_help(parsed, err);
	error_hint(err, "did you mean   --%s", search.best);
	return HF_E_USAGE;
}

/* Keep it, unless it contradicts an earlier one; without its optional value it adds nothing to one that has it. */
static enum hf_status keep_flag(struct parsed *parsed, const struct given *given, hf_error *err)
{
	const struct given *before = parsed_flag(parsed, given->option->name);
	bool compared = before && !given->option->repeatable && given->option->kind != OPTION_FLAG && before->text;
	if (compared && !given->text)
		return HF_OK;
	if (compared && strcmp(before->text, given->text) != 0)
		return error_set(err, HF_E_USAGE, "--%s is given twice, with \"%s\" and \"%s\"", given->option->name,
				 before->text, given->text);
	parsed->given[parsed->ngiven++] = *given;
	return HF_OK;
}

/* `value` NULL: none was attached; the next word is taken when the flag needs one. */
static enum hf_status take_flag(struct walk *walk, const struct cmd_option *option, const char *value, hf_error *err)
{
	struct given given = {.option = option};
	char source[80];
	snprintf(source, sizeof(source), "--%s", option->name);
	if (option->kind == OPTION_FLAG && value)
		return error_set(err, HF_E_USAGE, "%s takes no value", source);
	if (!value && takes_next(option)) {
		const char *next = walk->at + 1 < walk->argc ? walk->argv[walk->at + 1] : NULL;
		if (!next || is_flag(next)) {
			error_set(err, HF_E_USAGE, "%s needs a value: %s %s", source, source, option->arg);
			if (next)
				error_hint(err, "a value that starts with a dash is written %s=%s", source, next);
			return HF_E_USAGE;
		}
		value = next;
		walk->at++;
	}
	if (value) {
		enum hf_status status = parse_value(option, source, value, &given, err);
		if (status != HF_OK)
			return status;
	}
	return keep_flag(walk->parsed, &given, err);
}

static enum hf_status take_long(struct walk *walk, const char *word, hf_error *err)
{
	struct hf_str name = long_name(word);
	const char *equals = strchr(word, '=');
	const struct cmd_option *option = option_in(global_options, name);
	if (!option && walk->parsed->cmd)
		option = option_in(walk->parsed->cmd->options, name);
	if (!option)
		return unknown_long(walk->parsed, name, err);
	walk->parsed->help_long |= str_eq(name, HF_STR("help"));
	return take_flag(walk, option, equals ? equals + 1 : NULL, err);
}

/* "-qn", "-o json", "-ojson" */
static enum hf_status take_letters(struct walk *walk, const char *word, hf_error *err)
{
	for (const char *letter = word + 1; *letter; letter++) {
		const struct cmd_option *option = letter_in(global_options, *letter);
		if (!option && walk->parsed->cmd)
			option = letter_in(walk->parsed->cmd->options, *letter);
		if (!option) {
			error_set(err, HF_E_USAGE, "unknown flag \"-%c\"", *letter);
			return hint_help(walk->parsed, err);
		}
		walk->parsed->help_short |= *letter == 'h';
		bool attached = takes_next(option) && letter[1] != '\0';
		enum hf_status status = take_flag(walk, option, attached ? letter + 1 : NULL, err);
		if (status != HF_OK || attached)
			return status;
	}
	return HF_OK;
}

static size_t words_of_command(const struct parsed *parsed)
{
	if (!parsed->noun)
		return 0;
	size_t words = command_noun_second(parsed->noun) ? 2 : 1;
	return parsed->cmd && parsed->cmd->verb ? words + 1 : words;
}

static enum hf_status walk_all(struct walk *walk, hf_error *err)
{
	size_t words = 0, skip = words_of_command(walk->parsed);
	bool flags = true;
	for (; walk->at < walk->argc; walk->at++) {
		const char *word = walk->argv[walk->at];
		enum hf_status status = HF_OK;
		if (flags && strcmp(word, "--") == 0)
			flags = false;
		else if (flags && is_long(word))
			status = take_long(walk, word, err);
		else if (flags && is_flag(word))
			status = take_letters(walk, word, err);
		else if (words++ >= skip)
			walk->parsed->args[walk->parsed->nargs++] = word;
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

/* ---- arguments ---- */

void synopsis_bounds(const char *synopsis, size_t *ret_min, size_t *ret_max)
{
	struct hf_str rest = synopsis ? HF_STR("") : (struct hf_str){NULL, 0}, word;
	size_t min = 0, max = 0;
	if (synopsis)
		rest = hf_str_of(synopsis);
	bool optional = false; /* "[-- ARGS...]" */
	while (str_split(&rest, ' ', &word)) {
		if (word.len == 0 || str_ends(word, HF_STR("--"))) {
			optional = optional || str_starts(word, HF_STR("["));
			continue;
		}
		min += !optional && word.ptr[0] != '[';
		bool many = str_ends(word, HF_STR("...")) || str_ends(word, HF_STR("...]"));
		max = many || max == SIZE_MAX ? SIZE_MAX : max + 1;
	}
	*ret_min = min;
	*ret_max = max;
}

struct hf_str synopsis_word(const char *synopsis, size_t index)
{
	struct hf_str rest = hf_str_of(synopsis), word;
	while (str_split(&rest, ' ', &word))
		if (!str_eq(word, HF_STR("--")) && index-- == 0)
			return word;
	return HF_STR("");
}

static enum hf_status check_arguments(const struct parsed *parsed, hf_error *err)
{
	size_t min, max;
	char name[64];
	synopsis_bounds(parsed->cmd->args, &min, &max);
	command_name(parsed->cmd, name, sizeof(name));
	const char *args = parsed->cmd->args ? parsed->cmd->args : "";
	const char *blank = args[0] ? " " : "";
	if (parsed->nargs < min) {
		error_set(err, HF_E_USAGE, "missing argument %.*s", STR_ARG(synopsis_word(args, parsed->nargs)));
		error_hint(err, "usage   holdfast %s%s%s", name, blank, args);
		return HF_E_USAGE;
	}
	if (parsed->nargs > max) {
		error_set(err, HF_E_USAGE, "unexpected argument \"%s\"", parsed->args[max]);
		error_hint(err, "usage   holdfast %s%s%s", name, blank, args);
		return HF_E_USAGE;
	}
	return HF_OK;
}

const struct given *parsed_flag(const struct parsed *parsed, const char *name)
{
	for (size_t i = parsed->ngiven; i-- > 0;)
		if (strcmp(parsed->given[i].option->name, name) == 0)
			return &parsed->given[i];
	return NULL;
}

/* Joined letters may be more than words: one flag per character is the bound. */
static size_t flags_bound(int argc, char *const argv[])
{
	size_t n = 1;
	for (int i = 0; i < argc; i++)
		n += argv[i][0] == '-' && !is_long(argv[i]) ? strlen(argv[i]) : 1;
	return n;
}

enum hf_status parse_command(int argc, char *const argv[], hf_arena *arena, struct parsed *ret_parsed, hf_error *err)
{
	struct parsed parsed = {0};
	parsed.args = hf_arena_calloc(arena, (size_t)argc + 1, sizeof(*parsed.args));
	parsed.given = hf_arena_calloc(arena, flags_bound(argc, argv), sizeof(*parsed.given));
	if (!parsed.args || !parsed.given)
		return error_nomem(err);
	enum hf_status status = find_command(argc, argv, &parsed, err);
	struct walk walk = {argc, argv, 0, &parsed};
	if (status == HF_OK)
		status = walk_all(&walk, err);
	if (status != HF_OK)
		return status;
	parsed.version = parsed_flag(&parsed, "version");
	if (parsed.cmd && !parsed.help_short && !parsed.help_long && !parsed.version)
		status = check_arguments(&parsed, err);
	if (status == HF_OK)
		*ret_parsed = parsed;
	return status;
}
