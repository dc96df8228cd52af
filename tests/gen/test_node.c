/* The reader of node trees: what the server writes, and text that is cut, nested or scrambled. */
#include <stdlib.h>
#include <string.h>

#include "gen/node.h"
#include "gen/nullability.h"
#include "../check.h"

static hf_arena *arena;

static int open_arena(void **state)
{
	(void)state;
	arena = hf_arena_new(0);
	return arena ? 0 : -1;
}

static int close_arena(void **state)
{
	(void)state;
	hf_arena_free(arena);
	return 0;
}

static void fields_are_found_by_name(void **state)
{
	(void)state;
	const struct node *tree =
		node_read(arena, "({QUERY :commandType 1 :name a\\ b\\{ :flag true :list (i 1 2) :none <>\n"
	                         ":value 4 [ 1 0 0 0 ] :alias :odd :last {VAR :varno -3}})");
	const struct node *query = node_item(tree, 0);
	assert_true(node_is(query, "QUERY"));
	assert_int_equal(node_int(query, "commandType", 0), 1);
	assert_string_equal(node_get(query, "name")->text, "a b{");
	assert_true(node_bool(query, "flag"));
	assert_int_equal(node_count(node_get(query, "list")), 3);
	assert_null(node_get(query, "none"));
	assert_true(node_has(query, "none"));
	assert_false(node_has(query, "missing"));
	assert_int_equal(node_int(query, "value", 0), 4);
	int64_t value;
	const struct node *constant = node_read(
		arena, "{CONST :constbyval true :constisnull false :constvalue 8 [ -2 1 0\n0 0 0 0 0 ] :location 7}");
	assert_true(node_constant(constant, &value));
	assert_int_equal(value, 510);
	assert_false(node_constant(node_read(arena, "{CONST :constbyval true :constvalue 8 [ 1 0 ]}"), &value));
	assert_false(node_constant(node_read(arena, "{CONST :constbyval true :constisnull true :constvalue <>}"), &value));
	assert_false(node_constant(query, &value));
	assert_string_equal(node_get(query, "alias")->text, ":odd");
	assert_int_equal(node_int(node_get(query, "last"), "varno", 0), -3);
}

static void what_is_not_there_says_nothing(void **state)
{
	(void)state;
	const struct node *atom = node_read(arena, "word");
	assert_null(node_get(atom, "x"));
	assert_null(node_get(NULL, "x"));
	assert_null(node_item(atom, 0));
	assert_int_equal(node_count(NULL), 0);
	assert_false(node_is(NULL, "X"));
	assert_int_equal(node_int(node_read(arena, "{X :a b}"), "a", 9), 9);
	assert_false(node_bool(NULL, "x"));
	assert_null(node_item(node_read(arena, "(<> a)"), 0));
}

static void malformed_text_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",        " ",     "(",  ")",   "{",        "}",   "{X",           "{X :a",
		"{X :a }", "{X a}", "(a", "(a}", "{X :a (}", "a b", "{X :a 1 (b)}", "({X :a 1} :b",
		"\\"};
	for (size_t i = 0; i < ARRAY_LEN(texts) - 1; i++)
		if (node_read(arena, texts[i]))
			fail_msg("\"%s\" was read", texts[i]);
}

static void deep_nesting_is_refused(void **state)
{
	(void)state;
	char *text = calloc(1, 5001);
	assert_non_null(text);
	memset(text, '(', 2500);
	memset(text + 2500, ')', 2500);
	assert_null(node_read(arena, text));
	memset(text, ' ', 1600);
	memset(text + 3400, ' ', 1600);
	assert_non_null(node_read(arena, text));
	free(text);
}

/* A real tree, cut anywhere or with any byte replaced, is read or refused, never worse. */
static void cut_and_scrambled_trees_do_no_harm(void **state)
{
	(void)state;
	static const char whole[] = "({QUERY :commandType 1 :canSetTag true :rtable ({RANGETBLENTRY :rtekind 0 :relid "
				    "1 :relkind r}) :jointree "
				    "{FROMEXPR :fromlist ({RANGETBLREF :rtindex 1}) :quals <>} :targetList "
				    "({TARGETENTRY :expr {VAR :varno 1 "
				    ":varattno 1 :varlevelsup 0} :resno 1 :resjunk false}) :groupingSets <>})";
	static const char replacements[] = "(){}<:\\ x";
	struct catalog catalog = {.arena = arena, .columns.size = 1, .relations.size = 1};
	struct proof proof;
	for (size_t at = 0; at < sizeof(whole); at++) {
		for (size_t i = 0; i < sizeof(replacements); i++) {
			char text[sizeof(whole)];
			memcpy(text, whole, sizeof(whole));
			text[at] = replacements[i]; /* the last one cuts */
			text[sizeof(whole) - 1] = '\0';
			const struct node *query = nullability_query(node_read(arena, text));
			nullability_prove(&catalog, query, NULL, 0, &proof, 1);
			assert_false(proof.never_null);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fields_are_found_by_name, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(what_is_not_there_says_nothing, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(malformed_text_is_refused, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(deep_nesting_is_refused, open_arena, close_arena),
		cmocka_unit_test_setup_teardown(cut_and_scrambled_trees_do_no_harm, open_arena, close_arena),
	};
	return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
