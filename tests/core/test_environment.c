/* Environments of commands and committers: the golden vectors of spec/janitor.md appendix B, and the edges. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/macros.h"
#include "base/str.h"
#include "core/environment.h"
#include "../check.h"

enum { TEXT_MAX = 400 };

static void add(char *text, const struct env_var *vars, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(text);
		snprintf(text + used, TEXT_MAX - used, "{%.*s: %.*s}", STR_ARG(vars[i].name), STR_ARG(vars[i].value));
	}
}

struct command_case {
	const char *command, *expected; /* {NAME: VALUE}... and the command behind them */
};

static void expect_commands(const struct command_case *cases, size_t n)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (size_t i = 0; i < n; i++) {
		struct env_command found;
		char text[TEXT_MAX] = "";
		assert_int_equal(env_split(hf_str_of(cases[i].command), arena, &found), ENV_FINE);
		add(text, found.vars, found.nvars);
		size_t used = strlen(text);
		snprintf(text + used, TEXT_MAX - used, "%.*s", STR_ARG(found.command));
		assert_string_equal(text, cases[i].expected);
	}
}

static void commands_equal_the_golden_ones(UNUSED void **state)
{
	static const struct command_case cases[] = {
		{" A=\"b c\" x", "{A: b c}x"},
		{"A=1", "{A: 1}"},
		{"=x y", "{: x}y"},
		{"FOO=bar echo a=b", "{FOO: bar}echo a=b"},
		{"A=b=c d", "{A: b=c}d"},
		{"new 'cmd'", "new cmd"},
	};
	expect_commands(cases, ARRAY_LEN(cases));
}

static void words_are_those_of_a_shell(UNUSED void **state)
{
	static const struct command_case cases[] = {
		{"", ""},
		{" \t\r\n", ""},
		{"''", "''"},
		{"A= '' x", "{A: }'' x"},
		{"A=1 B=2 A=3", "{A: 3}{B: 2}"},
		{"x A=1", "x A=1"},
		{"\"A=1\" x", "{A: 1}x"},
		{"a\\ b 'c d'e\"f g\"", "'a b' 'c def g'"},
		{"\"a\\\"b\\\\c\\d\" 'e\\f'", "'a\"b\\c\\d' 'e\\f'"},
		{"it\\'s #no # comment", "'it'\"'\"'s' '#no' '#' comment"},
		{"\xc3\xa9 --x=$HOME;ls", "'\xc3\xa9' '--x=$HOME;ls'"},
		{"a\\\nb", "'a\nb'"},
	};
	expect_commands(cases, ARRAY_LEN(cases));
}

static void what_is_left_open_is_refused(UNUSED void **state)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct env_command found = {.nvars = 7};
	assert_int_equal(env_split(HF_STR("A=1 'x"), arena, &found), ENV_OPEN_QUOTE);
	assert_int_equal(env_split(HF_STR("x \"y\\\""), arena, &found), ENV_OPEN_QUOTE);
	assert_int_equal(env_split(HF_STR("x y\\"), arena, &found), ENV_OPEN_ESCAPE);
	assert_int_equal(env_split(HF_STR("\"x\\"), arena, &found), ENV_OPEN_ESCAPE);
	assert_int_equal(found.nvars, 7);
}

static void expect_committer(const char *committer, const char *name, const char *address)
{
	static const char *const names[] = {"DEBFULLNAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_NAME"};
	static const char *const addresses[] = {"DEBEMAIL", "GIT_COMMITTER_EMAIL", "GIT_AUTHOR_EMAIL", "EMAIL"};
	struct env_var vars[ENV_COMMITTER_MAX];
	char text[TEXT_MAX] = "", expected[TEXT_MAX] = "";
	add(text, vars, env_committer(hf_str_of(committer), vars));
	for (size_t i = 0; *name && i < ARRAY_LEN(names); i++)
		add(expected, &(struct env_var){hf_str_of(names[i]), hf_str_of(name)}, 1);
	for (size_t i = 0; *address && i < ARRAY_LEN(addresses); i++)
		add(expected, &(struct env_var){hf_str_of(addresses[i]), hf_str_of(address)}, 1);
	add(expected, &(struct env_var){HF_STR("COMMITTER"), hf_str_of(committer)}, 1);
	add(expected, &(struct env_var){HF_STR("BRZ_EMAIL"), hf_str_of(committer)}, 1);
	assert_string_equal(text, expected);
}

static void committers_equal_the_golden_ones(UNUSED void **state)
{
	struct env_var vars[ENV_COMMITTER_MAX];
	assert_int_equal(env_committer((struct hf_str){NULL, 0}, vars), 0);
	expect_committer("Joe Example <joe@example.com>", "Joe Example", "joe@example.com");
	expect_committer("joe@example.com", "", "joe@example.com");
	expect_committer("Joe", "Joe", "");
	expect_committer("Joe <joe>", "Joe <joe>", "");
	expect_committer("  Joe  <a@b>", "  Joe", "a@b");
}

static void addresses_are_found_where_they_stand(UNUSED void **state)
{
	expect_committer("", "", "");
	expect_committer("Joe <a@b> (away)", "Joe", "a@b");
	expect_committer("Joe a@b, c@d", "Joe", "a@b");
	expect_committer("<a@b>", "", "a@b");
	expect_committer("a@b@c", "", "a@b");
	expect_committer("@b", "@b", "");
	expect_committer("Joe <x y@b>", "Joe <x", "y@b");
	expect_committer("\xc3\xa9va <\xc3\xa9@b.\xc3\xa9>", "\xc3\xa9va", "\xc3\xa9@b.\xc3\xa9");
	expect_committer("Joe [x]+y.z-0@b-c.d+e", "Joe", "[x]+y.z-0@b-c.d+e");
	expect_committer("two\nlines <a@b>", "two\nlines <a@b>", "");
	expect_committer("Joe\n<a@b>", "Joe", "a@b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_equal_the_golden_ones),
		cmocka_unit_test(words_are_those_of_a_shell),
		cmocka_unit_test(what_is_left_open_is_refused),
		cmocka_unit_test(committers_equal_the_golden_ones),
		cmocka_unit_test(addresses_are_found_where_they_stand),
	};
	return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
