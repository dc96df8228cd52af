/* Lint: each rule finds its statement, leaves the safe form alone, and can be silenced with a reason. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "migrate/set.h"
#include "../check.h"

/* Rules found in a file of that text, as "L08:2 L01:3". */
static const char *lint(const char *text)
{
	static char found[256];
	hf_error err = HF_ERROR_INIT;
	const struct set_file file = {"1_x.sql", hf_str_of(text)};
	const struct hf_lint_finding *findings = NULL;
	size_t count = 0;
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	EXPECT_OK(set_make("test", &file, 1, (struct hf_str){NULL, 0}, &set, &err));
	EXPECT_OK(hf_migrations_lint(set, arena, &findings, &count, &err));
	found[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(found);
		snprintf(found + used, sizeof(found) - used, "%s%s:%u", i ? " " : "", findings[i].rule, findings[i].line);
		assert_true(findings[i].message[0] && findings[i].hint[0]);
	}
	return found;
}

static void each_rule_finds_its_statement(UNUSED void **state)
{
	static const struct {
		const char *sql, *found;
	} cases[] = {
	        {"ALTER TABLE t ADD COLUMN a int NOT NULL", "L01:2"},
	        {"ALTER TABLE t ADD a int NOT NULL DEFAULT 0", ""},
	        {"ALTER TABLE IF EXISTS ONLY s.t ADD a int", ""},
	        {"ALTER TABLE t ADD a uuid DEFAULT gen_random_uuid()", "L02:2"},
	        {"ALTER TABLE t ADD a int GENERATED ALWAYS AS (b + 1) STORED", "L17:2"},
	        {"ALTER TABLE t ALTER a TYPE bigint", "L03:2"},
	        {"ALTER TABLE t ALTER COLUMN a SET DATA TYPE bigint", "L03:2"},
	        {"ALTER TABLE t ALTER a SET NOT NULL", "L04:2"},
	        {"ALTER TABLE t ALTER a DROP NOT NULL", "C04:2"},
	        {"ALTER TABLE t ALTER a SET DEFAULT 1", ""},
	        {"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "L05:2"},
	        {"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", ""},
	        {"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u", "L05:2"},
	        {"ALTER TABLE t ADD CONSTRAINT c UNIQUE (a)", "L07:2"},
	        {"ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i", ""},
	        {"ALTER TABLE t ADD PRIMARY KEY (a)", "L07:2"},
	        {"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c", "L06:3"},
	        {"ALTER TABLE t VALIDATE CONSTRAINT c", ""},
	        {"ALTER TABLE t ADD a int, ADD b numeric(3, 1) NOT NULL, DROP c", "L01:2 C01:2"},
	        {"ALTER TABLE t DROP CONSTRAINT c", ""},
	        {"ALTER TABLE t RENAME COLUMN a TO b", "C02:2"},
	        {"ALTER TABLE t DETACH PARTITION p", "L10:2"},
	        {"CREATE INDEX i ON t (a)", "L08:2"},
	        {"CREATE UNIQUE INDEX i ON ONLY s.t (a)", "L08:2"},
	        {"CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", ""},
	        {"CREATE UNLOGGED TABLE IF NOT EXISTS s.t (a int); CREATE INDEX i ON S.T (a); DELETE FROM s.t", ""},
	        {"DROP INDEX i", "L10:2"},
	        {"DROP TABLE t", "C01:2"},
	        {"DROP VIEW v", "C01:2"},
	        {"DROP FUNCTION f()", ""},
	        {"CLUSTER t USING i", "L13:2"},
	        {"REINDEX INDEX i", "L10:2"},
	        {"TRUNCATE t CASCADE", "S07:2"},
	        {"TRUNCATE t", ""},
	        {"UPDATE ONLY t SET a = 1", "L15:2"},
	        {"UPDATE t SET a = 1 WHERE b", ""},
	        {"DELETE FROM t", "L15:2"},
	        {"CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", "L17:2"},
	        {"CREATE OR REPLACE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", "L17:2"},
	        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "S13:2"},
	        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT 1'", ""},
	        {"CREATE TABLE t (a bigserial)", "S02:2"},
	        {"CREATE TABLE t (a char(3))", "S04:2"},
	        {"CREATE TABLE t (a money)", "S10:2"},
	        {"SELECT aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234", "S05:2"},
	        {"SELECT aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123", ""},
	        {"SELECT \"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123\"", ""},
	        {"SELECT 'CREATE INDEX i ON t (a)' -- DROP TABLE t", ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];
		snprintf(text, sizeof(text), "-- up\n%s;\n", cases[i].sql);
		if (strcmp(lint(text), cases[i].found) != 0)
			fail_msg("%s: found \"%s\", expected \"%s\"", cases[i].sql, lint(text), cases[i].found);
	}
}

static void contract_files_may_drop_and_rename(UNUSED void **state)
{
	assert_string_equal(lint("-- migrate: phase=contract\n-- up\nDROP TABLE t;\nALTER TABLE u DROP a, RENAME b TO c;\n"),
	                    "");
}

static void files_outside_transactions_have_the_safe_forms(UNUSED void **state)
{
	assert_string_equal(lint("-- migrate: tx=no\n-- up\nCREATE INDEX CONCURRENTLY i ON t (a);\n"
	                         "DROP INDEX CONCURRENTLY j;\nREINDEX INDEX CONCURRENTLY i;\n"
	                         "ALTER TABLE p DETACH PARTITION q CONCURRENTLY;\nALTER TABLE t VALIDATE CONSTRAINT c;\n"),
	                    "");
	assert_string_equal(lint("-- migrate: tx=no\n-- up\nVACUUM FULL t;\nVACUUM t;\n"), "L13:3");
}

static void a_reason_silences_one_rule_for_one_statement(UNUSED void **state)
{
	assert_string_equal(lint("-- up\n-- lint:allow L08 \"twenty rows\"\nCREATE INDEX i ON t (a);\n"), "");
	assert_string_equal(lint("-- up\nCREATE INDEX i /* lint:allow L08 \"twenty rows\" */ ON t (a);\n"), "");
	assert_string_equal(lint("-- up\n-- lint:allow L08 \"few\"\nCREATE INDEX i ON t (a);\nCREATE INDEX j ON t (b);\n"),
	                    "L08:4");
	assert_string_equal(lint("-- up\n-- lint:allow L08\nCREATE INDEX i ON t (a);\n"), "L08:3");
	assert_string_equal(lint("-- up\n-- lint:allow L08 \"\"\nCREATE INDEX i ON t (a);\n"), "L08:3");
	assert_string_equal(lint("-- up\n-- lint:allow L07 \"other rule\"\nCREATE INDEX i ON t (a);\n"), "L08:3");
	assert_string_equal(lint("-- up\nSELECT '-- lint:allow L15 \"x\"';\nDELETE FROM t;\n"), "L15:3");
}

static void levels_tell_errors_from_warnings(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const struct set_file file = {"1_x.sql",
	                              HF_STR_INIT("-- up\nCREATE INDEX i ON t (a);\nTRUNCATE t CASCADE;\n")};
	const struct hf_lint_finding *findings = NULL;
	size_t count = 0;
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	EXPECT_OK(set_make("test", &file, 1, (struct hf_str){NULL, 0}, &set, &err));
	EXPECT_OK(hf_migrations_lint(set, arena, &findings, &count, &err));
	assert_int_equal(count, 2);
	assert_int_equal(findings[0].level, HF_LINT_WARNING);
	assert_int_equal(findings[1].level, HF_LINT_ERROR);
	assert_string_equal(findings[0].migration->version, "1");
	CLEANUP(arena_freep) hf_arena *small = hf_arena_new(64);
	EXPECT_STATUS(hf_migrations_lint(set, small, &findings, &count, &err), HF_E_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_rule_finds_its_statement),
	        cmocka_unit_test(contract_files_may_drop_and_rename),
	        cmocka_unit_test(files_outside_transactions_have_the_safe_forms),
	        cmocka_unit_test(a_reason_silences_one_rule_for_one_statement),
	        cmocka_unit_test(levels_tell_errors_from_warnings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
