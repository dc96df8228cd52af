/* The parser over the real table of commands: what cannot be seen from outside, and every example of the help. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "cli/parse.h"
#include "../check.h"

enum { WORDS_MAX = 64 };

/* Split as a shell would: quotes, and $(...) as one word; ends at | > and &. */
static int split(char *line, char *words[WORDS_MAX])
{
	int n = 0;
	while (*line) {
		while (*line == ' ')
			line++;
		if (!*line || *line == '|' || *line == '>' || *line == '&' || *line == ')')
			break;
		char *to = line, quote = 0;
		words[n++] = line;
		assert_true(n < WORDS_MAX);
		for (; *line && (quote || (*line != ' ' && *line != ')')); line++) {
			if (quote ? *line == quote : (*line == '\'' || *line == '"'))
				quote = quote ? 0 : *line;
			else
				*to++ = *line;
		}
		bool ended = *line == '\0';
		bool closed = *line == ')';
		*to = '\0';
		if (ended || closed)
			break;
		line++;
	}
	return n;
}

static enum hf_status parse_line(const char *text, hf_arena *arena, struct parsed *ret_parsed, hf_error *err)
{
	char *words[WORDS_MAX], *line = (char *)(uintptr_t)hf_arena_str(arena, hf_str_of(text)).ptr;
	return parse_command(split(line, words), words, arena, ret_parsed, err);
}

/* Each occurrence of "holdfast " in the example that starts a command. */
static void check_example(const struct cmd *cmd, const char *example, hf_arena *arena)
{
	bool own = false, any = false;
	for (const char *at = example; (at = strstr(at, "holdfast")) != NULL; at++) {
		struct parsed parsed;
		hf_error err = HF_ERROR_INIT;
		bool word = at == example || strchr(" (/", at[-1]);
		if (!word || (at[8] != ' ' && at[8] != '\0' && at[8] != ')'))
			continue;
		any = true;
		if (parse_line(at + 8, arena, &parsed, &err) != HF_OK)
			fail_msg("example \"%s\": %s", example, err.message);
		own |= parsed.cmd == cmd;
	}
	if (!any || !own)
		fail_msg("example \"%s\" does not use its command \"%s %s\"", example, cmd->noun, cmd->verb ? cmd->verb : "");
}

static void every_example_parses(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++) {
			assert_string_equal(cmd->noun, noun->name);
			assert_non_null(cmd->run);
			for (size_t i = 0; i < CMD_EXAMPLES_MAX && cmd->examples[i]; i++)
				check_example(cmd, cmd->examples[i], arena);
		}
}

static void flags_are_kept_in_order(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct parsed parsed;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(parse_line("-vvq --timeout=1m30s config -d postgresql:///x get -- -odd", arena, &parsed, &err));
	assert_string_equal(parsed.cmd->verb, "get");
	assert_int_equal(parsed.nargs, 1);
	assert_string_equal(parsed.args[0], "-odd");
	assert_int_equal(parsed.ngiven, 5);
	assert_string_equal(parsed.given[0].option->name, "verbose");
	assert_string_equal(parsed.given[2].option->name, "quiet");
	assert_int_equal(parsed_flag(&parsed, "timeout")->number, 90000);
	assert_string_equal(parsed_flag(&parsed, "database")->text, "postgresql:///x");
	assert_null(parsed_flag(&parsed, "json"));
}

static void dashes_that_are_no_flags(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct parsed parsed;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(parse_line("config get -", arena, &parsed, &err));
	assert_string_equal(parsed.args[0], "-");
	EXPECT_OK(parse_line("config get -5", arena, &parsed, &err));
	assert_string_equal(parsed.args[0], "-5");
	EXPECT_OK(parse_line("-c - config get x", arena, &parsed, &err));
	assert_string_equal(parsed_flag(&parsed, "config")->text, "-");
}

static void optional_values_need_an_equals_sign(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct parsed parsed;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(parse_line("--json config --private=dir get --json=a,b key --json", arena, &parsed, &err));
	assert_string_equal(parsed_flag(&parsed, "json")->text, "a,b");
	assert_string_equal(parsed_flag(&parsed, "private")->text, "dir");
	assert_int_equal(parsed.nargs, 1);
	EXPECT_STATUS(parse_line("config get x --json=a --json=b", arena, &parsed, &err), HF_E_USAGE);
	assert_string_equal(err.message, "--json is given twice, with \"a\" and \"b\"");
}

static void help_needs_no_arguments(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct parsed parsed;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(parse_line("config get -h", arena, &parsed, &err));
	assert_true(parsed.help_short && !parsed.help_long);
	EXPECT_OK(parse_line("config get --help", arena, &parsed, &err));
	assert_true(!parsed.help_short && parsed.help_long);
	EXPECT_OK(parse_line("", arena, &parsed, &err));
	assert_null(parsed.noun);
	EXPECT_OK(parse_line("config", arena, &parsed, &err));
	assert_null(parsed.cmd);
}

static void a_synopsis_bounds_the_arguments(UNUSED void **state)
{
	static const struct {
		const char *synopsis;
		size_t min, max;
	} cases[] = {
		{NULL, 0, 0},		    {"KEY", 1, 1},	     {"CODEBASE [CAMPAIGN]", 1, 2},
		{"FILE...", 1, SIZE_MAX},   {"[FILE...]", 0, SIZE_MAX}, {"-- CMD...", 1, SIZE_MAX},
		{"[-- ARGS...]", 0, SIZE_MAX}, {"NAME -- CMD...", 2, SIZE_MAX}, {"[A] [B]", 0, 2},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t min, max;
		synopsis_bounds(cases[i].synopsis, &min, &max);
		assert_int_equal(min, cases[i].min);
		assert_int_equal(max, cases[i].max);
	}
}

static void values_are_checked_by_kind(UNUSED void **state)
{
	static const struct {
		struct cmd_option option;
		const char *text;
		const char *message; /* NULL: accepted as `number` */
		int64_t number;
	} cases[] = {
		{{.kind = OPTION_TEXT}, "x", NULL, 0},
		{{.kind = OPTION_INT}, "-7", NULL, -7},
		{{.kind = OPTION_INT, .min = 1, .max = 5}, "5", NULL, 5},
		{{.kind = OPTION_INT, .min = 1, .max = 5}, "6", "--n is 6, allowed are 1 to 5", 0},
		{{.kind = OPTION_INT}, "1.0", "--n is \"1.0\", expected a whole number", 0},
		{{.kind = OPTION_DURATION, .min = 1, .max = 60000}, "1m", NULL, 60000},
		{{.kind = OPTION_DURATION, .min = 1, .max = 60000}, "61s", "--n is 61s, allowed are 1ms to 1m", 0},
		{{.kind = OPTION_DURATION}, "x", "--n is \"x\", expected a duration with a unit, such as 250ms, 30s or 1h30m", 0},
		{{.kind = OPTION_SIZE, .min = 0, .max = 1 << 20}, "1MiB", NULL, 1 << 20},
		{{.kind = OPTION_SIZE, .min = 0, .max = 1 << 20}, "2MiB", "--n is 2MiB, allowed are 0 to 1MiB", 0},
		{{.kind = OPTION_SIZE}, "big", "--n is \"big\", expected a size, such as 512, 64MiB or 10kB", 0},
		{{.kind = OPTION_NUMBER}, "1e400", "--n is \"1e400\", expected a finite number", 0},
		{{.kind = OPTION_NUMBER}, "nan", "--n is \"nan\", expected a finite number", 0},
		{{.kind = OPTION_CHOICE, .choices = "a|bc|d"}, "bc", NULL, 1},
		{{.kind = OPTION_CHOICE, .choices = "a|bc|d"}, "b", "--n is \"b\", expected a, bc or d", 0},
		{{.kind = OPTION_CHOICE, .choices = "only"}, "", "--n is \"\", expected only", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct given given = {0};
		hf_error err = HF_ERROR_INIT;
		enum hf_status status = parse_value(&cases[i].option, "--n", cases[i].text, &given, &err);
		assert_string_equal(err.message, cases[i].message ? cases[i].message : "");
		EXPECT_STATUS(status, cases[i].message ? HF_E_USAGE : HF_OK);
		if (!cases[i].message)
			assert_int_equal(given.number, cases[i].number);
	}
	struct given given = {0};
	const struct cmd_option number = {.kind = OPTION_NUMBER};
	EXPECT_STATUS(parse_value(&number, "--n", "-1.5", &given, NULL), HF_OK);
	assert_true(given.real == -1.5);
}

static void every_joined_letter_has_room(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct parsed parsed;
	hf_error err = HF_ERROR_INIT;
	char letters[1001] = "-";
	memset(letters + 1, 'v', 999);
	char *words[] = {letters, letters, (char[]){"version"}};
	EXPECT_OK(parse_command(3, words, arena, &parsed, &err));
	assert_int_equal(parsed.ngiven, 1998);
}

static void a_small_arena_is_an_error(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(16);
	struct parsed parsed;
	hf_error err = HF_ERROR_INIT;
	char *words[] = {(char[]){"version"}};
	EXPECT_STATUS(parse_command(1, words, arena, &parsed, &err), HF_E_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_parses),
		cmocka_unit_test(flags_are_kept_in_order),
		cmocka_unit_test(dashes_that_are_no_flags),
		cmocka_unit_test(optional_values_need_an_equals_sign),
		cmocka_unit_test(help_needs_no_arguments),
		cmocka_unit_test(a_synopsis_bounds_the_arguments),
		cmocka_unit_test(values_are_checked_by_kind),
		cmocka_unit_test(every_joined_letter_has_room),
		cmocka_unit_test(a_small_arena_is_an_error),
	};
	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
