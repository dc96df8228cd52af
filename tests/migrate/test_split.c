/* Statements of a script: a table of cases, the same cases against libpg_query's scanner, join identity, classes. */
#include <pg_query.h>
#include <string.h>

#include "base/str.h"
#include "migrate/split.h"
#include "../check.h"

struct sample {
	const char *text;
	const char *statements[5];
	bool libpg_query_differs; /* it splits differently; why stands beside */
};

static const struct sample samples[] = {
        {"", {NULL}, false},
        {";;  ; -- nothing\n/* ; */;", {NULL}, false},
        {"SELECT 1", {"SELECT 1"}, false},
        {"SELECT 1; SELECT 2;", {"SELECT 1", "SELECT 2"}, false},
        {"SELECT ';'; SELECT 'it''s;';", {"SELECT ';'", "SELECT 'it''s;'"}, false},
        {"SELECT 'a\\'; SELECT 2", {"SELECT 'a\\'", "SELECT 2"}, false},
        {"SELECT E'a\\';b'; SELECT 2", {"SELECT E'a\\';b'", "SELECT 2"}, false},
        {"SELECT e'\\\\'; SELECT 2", {"SELECT e'\\\\'", "SELECT 2"}, false},
        {"SELECT E'a'\n  'b\\';c'; SELECT 2", {"SELECT E'a'\n  'b\\';c'", "SELECT 2"}, false},
        {"SELECT E'a' -- c\n 'b\\';c'; SELECT 2", {"SELECT E'a' -- c\n 'b\\';c'", "SELECT 2"}, true /* its scanner makes tokens of comments */},
        {"SELECT 'a'\n'b;'; SELECT 2", {"SELECT 'a'\n'b;'", "SELECT 2"}, false},
        {"SELECT B'01', x'f;', N'a;', U&'\\0041;' UESCAPE '!'; SELECT 2",
         {"SELECT B'01', x'f;', N'a;', U&'\\0041;' UESCAPE '!'", "SELECT 2"}, true /* checks the bit string */},
        {"SELECT \"a;\"\"b\", U&\"c;\"; SELECT 2", {"SELECT \"a;\"\"b\", U&\"c;\"", "SELECT 2"}, false},
        {"SELECT $$a;b$$; SELECT 2", {"SELECT $$a;b$$", "SELECT 2"}, false},
        {"SELECT $x$a;$$;$y$;$x$; SELECT 2", {"SELECT $x$a;$$;$y$;$x$", "SELECT 2"}, false},
        {"SELECT $\xc3\xa9$;$\xc3\xa9$; SELECT 2", {"SELECT $\xc3\xa9$;$\xc3\xa9$", "SELECT 2"}, false},
        {"SELECT a$b$; SELECT c$b$", {"SELECT a$b$", "SELECT c$b$"}, false},
        {"SELECT $1; SELECT $2", {"SELECT $1", "SELECT $2"}, false},
        {"SELECT /* ; /* ; */ ; */ 1; SELECT 2", {"SELECT /* ; /* ; */ ; */ 1", "SELECT 2"}, false},
        {"SELECT 1 -- ; it's\n; SELECT 2", {"SELECT 1", "SELECT 2"}, true /* keeps the comment */},
        {"SELECT 1 @-- ;\n 2; SELECT 2", {"SELECT 1 @-- ;\n 2", "SELECT 2"}, false},
        {"SELECT 1*/*;*/2; SELECT 2", {"SELECT 1*/*;*/2", "SELECT 2"}, false},
        {"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
         {"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"}, false},
        {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
         {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END", "SELECT 2"},
         true /* its scanner does not know bodies; its parser does */},
        {"create or replace procedure p() begin atomic insert into t values (1); end; select 2",
         {"create or replace procedure p() begin atomic insert into t values (1); end", "select 2"}, true},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1; SELECT 2",
         {"CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", "SELECT 2"}, false},
        {"CREATE TABLE begin_atomic (\"begin\" int, atomic int); SELECT 2",
         {"CREATE TABLE begin_atomic (\"begin\" int, atomic int)", "SELECT 2"}, false},
        {"SELECT 1.5e-3, .5, 1e+5;SELECT 2", {"SELECT 1.5e-3, .5, 1e+5", "SELECT 2"}, false},
        {"SELECT a[1:2], b ->> 'c;'; SELECT 2", {"SELECT a[1:2], b ->> 'c;'", "SELECT 2"}, false},
        {"SELECT 1);SELECT 2", {"SELECT 1)", "SELECT 2"}, true /* counts below zero */},
        {"DO $do$ BEGIN PERFORM 1; END $do$; SELECT 2", {"DO $do$ BEGIN PERFORM 1; END $do$", "SELECT 2"}, false},
};

static void the_table_of_samples_splits_as_written(UNUSED void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct split split = split_begin(hf_str_of(samples[i].text), 1);
		struct hf_migration_statement statement;
		size_t n = 0;
		for (; split_next(&split, &statement); n++) {
			if (!samples[i].statements[n] || !str_eq(statement.sql, hf_str_of(samples[i].statements[n])))
				fail_msg("sample %zu: statement %zu is \"%.*s\"", i, n, STR_ARG(statement.sql));
		}
		assert_null(split.problem);
		if (samples[i].statements[n])
			fail_msg("sample %zu: %zu statements, \"%s\" is missing", i, n, samples[i].statements[n]);
	}
}

static void libpg_query_splits_the_samples_alike(UNUSED void **state)
{
	size_t compared = 0;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		if (samples[i].libpg_query_differs)
			continue;
		PgQuerySplitResult other = pg_query_split_with_scanner(samples[i].text);
		if (other.error)
			fail_msg("sample %zu: libpg_query says %s", i, other.error->message);
		for (int n = 0; n < other.n_stmts; n++) {
			struct hf_str piece = {samples[i].text + other.stmts[n]->stmt_location,
			                       (size_t)other.stmts[n]->stmt_len};
			if (!samples[i].statements[n] || !str_eq(str_trim(piece), hf_str_of(samples[i].statements[n])))
				fail_msg("sample %zu: libpg_query's statement %d is \"%.*s\"", i, n, STR_ARG(piece));
			compared++;
		}
		pg_query_free_split_result(other);
	}
	assert_true(compared > 40);
}

/* Bodies of routines, against the full parser. */
static void libpg_query_parses_bodies_alike(UNUSED void **state)
{
	size_t compared = 0;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		if (!strcasestr(samples[i].text, "begin atomic"))
			continue;
		PgQuerySplitResult other = pg_query_split_with_parser(samples[i].text);
		if (other.error)
			fail_msg("sample %zu: libpg_query says %s", i, other.error->message);
		for (int n = 0; n < other.n_stmts; n++, compared++) {
			struct hf_str piece = {samples[i].text + other.stmts[n]->stmt_location,
			                       (size_t)other.stmts[n]->stmt_len};
			assert_true(str_eq(str_trim(piece), hf_str_of(samples[i].statements[n])));
		}
		pg_query_free_split_result(other);
	}
	assert_int_equal(compared, 4);
}

static void what_does_not_end_is_refused_with_its_line(UNUSED void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *problem;
	} cases[] = {
	        {"SELECT 1;\nSELECT 'a;\n\n", 2, "string that does not end"},
	        {"SELECT E'a\\';\n", 1, "string that does not end"},
	        {"SELECT E'\\", 1, "string that does not end"},
	        {"\n\nSELECT $x$ ; $y$ ;", 3, "dollar-quoted string that does not end"},
	        {"SELECT 1 /* /* */ ;", 1, "comment that does not end"},
	        {"SELECT \"a", 1, "quoted identifier that does not end"},
	        {"SELECT 1;\n\\d foo\n", 2, "a backslash outside quotes: psql commands are not SQL"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct split split = split_begin(hf_str_of(cases[i].text), 1);
		struct hf_migration_statement statement;
		while (split_next(&split, &statement))
			;
		assert_string_equal(split.problem, cases[i].problem);
		assert_int_equal(split.problem_line, cases[i].line);
	}
}

/* Pieces that meet in awkward ways; the seed is printed by a failure. */
static void tokens_of_any_text_join_to_the_text(UNUSED void **state)
{
	static const char *const pieces[] = {"'", "\"", "$$", "$a$", "--", "/*", "*/", "\n", " ", ";", "E'", "\\", "(", ")",
	                                     "a", "1", "e", ".", "U&'", "BEGIN ATOMIC ", "END", "\xc3\xa9", "+", "-", "\r"};
	uint64_t random = 20260314;
	for (int round = 0; round < 20000; round++) {
		char text[256] = "";
		size_t len = 0;
		for (int n = 0; n < 20; n++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			const char *piece = pieces[(random >> 33) % ARRAY_LEN(pieces)];
			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		struct scan scan = scan_begin((struct hf_str){text, len}, 1);
		size_t at = 0;
		for (struct token token = scan_next(&scan); token.kind != TOKEN_END; token = scan_next(&scan)) {
			if (token.at != at || token.text.ptr != text + at || token.text.len == 0)
				fail_msg("seed 20260314 round %d: a gap at %zu in \"%s\"", round, at, text);
			at += token.text.len;
		}
		assert_int_equal(at, len);
	}
}

/* Where libpg_query's scanner reads a random text at all, it finds as many statements. It counts those with a keyword. */
static void libpg_query_counts_random_texts_alike(UNUSED void **state)
{
	static const char *const pieces[] = {"'a;'", "\"b;\"", "$$;$$", "$a$;$$;$a$", "-- ;\n", "/* ; /* ; */ */", "\n", " ", "; select ",
	                                     "; select ", "E'\\';'", "(", ")", "x ", "1 ", "+ ", "case ", "end ", "U&'a;' "};
	uint64_t random = 4711;
	size_t compared = 0;
	for (int round = 0; round < 5000; round++) {
		char text[512] = "select ";
		size_t len = strlen(text);
		int depth = 0;
		for (int n = 0; n < 24; n++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			const char *piece = pieces[(random >> 33) % ARRAY_LEN(pieces)];
			depth += piece[0] == '(' ? 1 : piece[0] == ')' ? -1 : 0;
			if (depth < 0) { /* it counts below zero, we do not */
				depth = 0;
				continue;
			}
			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		memset(text + len, ')', (size_t)depth); /* it does not count what is still open */
		len += (size_t)depth;
		PgQuerySplitResult other = pg_query_split_with_scanner(text);
		struct split split = split_begin((struct hf_str){text, len}, 1);
		struct hf_migration_statement statement;
		int own = 0;
		while (split_next(&split, &statement))
			own++;
		if (!other.error && !split.problem && own != other.n_stmts)
			fail_msg("seed 4711 round %d: %d statements, libpg_query %d, in \"%s\"", round, own, other.n_stmts, text);
		compared += !other.error && !split.problem;
		pg_query_free_split_result(other);
	}
	assert_true(compared > 4000);
}

static void classes_follow_the_first_words(UNUSED void **state)
{
	static const struct {
		const char *text;
		enum statement_class class;
	} cases[] = {
	        {"SELECT 1", STATEMENT_ORDINARY},
	        {"CREATE INDEX i ON t (a)", STATEMENT_ORDINARY},
	        {"CREATE INDEX concurrently_a ON t (concurrently)", STATEMENT_ORDINARY},
	        {"create unique index concurrently i on t (a)", STATEMENT_CREATE_INDEX},
	        {"CREATE INDEX /* x */ CONCURRENTLY i ON t (a)", STATEMENT_CREATE_INDEX},
	        {"DROP INDEX CONCURRENTLY IF EXISTS i", STATEMENT_DROP_INDEX},
	        {"DROP INDEX i", STATEMENT_ORDINARY},
	        {"DROP TABLE t", STATEMENT_ORDINARY},
	        {"REINDEX INDEX i", STATEMENT_ORDINARY},
	        {"REINDEX INDEX CONCURRENTLY i", STATEMENT_REINDEX},
	        {"REINDEX (VERBOSE, CONCURRENTLY) TABLE t", STATEMENT_REINDEX},
	        {"REINDEX SCHEMA s", STATEMENT_REINDEX},
	        {"ALTER TABLE p DETACH PARTITION c", STATEMENT_ORDINARY},
	        {"ALTER TABLE p DETACH PARTITION c CONCURRENTLY", STATEMENT_DETACH},
	        {"ALTER TABLE p DETACH PARTITION c FINALIZE", STATEMENT_DETACH},
	        {"VACUUM (ANALYZE) t", STATEMENT_REPEATABLE},
	        {"ANALYZE t", STATEMENT_ORDINARY},
	        {"CLUSTER", STATEMENT_REPEATABLE},
	        {"CLUSTER t", STATEMENT_ORDINARY},
	        {"ALTER SYSTEM SET work_mem = '1MB'", STATEMENT_REPEATABLE},
	        {"ALTER DATABASE d SET work_mem = '1MB'", STATEMENT_ORDINARY},
	        {"ALTER DATABASE d SET TABLESPACE t", STATEMENT_OPAQUE},
	        {"CREATE DATABASE d", STATEMENT_OPAQUE},
	        {"DROP TABLESPACE t", STATEMENT_OPAQUE},
	        {"CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", STATEMENT_OPAQUE},
	        {"ALTER TYPE e ADD VALUE 'x'", STATEMENT_ORDINARY},
	        {"CALL p()", STATEMENT_OPAQUE},
	        {"DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$", STATEMENT_OPAQUE},
	        {"DO $$ BEGIN RAISE NOTICE 'commit'; END $$", STATEMENT_ORDINARY},
	        {"DO 'x'", STATEMENT_ORDINARY},
	        {"BEGIN", STATEMENT_CONTROLS},
	        {"start transaction", STATEMENT_CONTROLS},
	        {"COMMIT", STATEMENT_CONTROLS},
	        {"END", STATEMENT_CONTROLS},
	        {"ROLLBACK", STATEMENT_CONTROLS},
	        {"ROLLBACK TO SAVEPOINT s", STATEMENT_ORDINARY},
	        {"SAVEPOINT s", STATEMENT_ORDINARY},
	        {"PREPARE TRANSACTION 'x'", STATEMENT_CONTROLS},
	        {"PREPARE x AS SELECT 1", STATEMENT_ORDINARY},
	        {"COPY t FROM STDIN", STATEMENT_COPY},
	        {"COPY t FROM '/x'", STATEMENT_ORDINARY},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (split_classify(hf_str_of(cases[i].text)) != cases[i].class)
			fail_msg("%s: class %d", cases[i].text, (int)split_classify(hf_str_of(cases[i].text)));
}

static void names_of_index_statements_are_found(UNUSED void **state)
{
	static const struct {
		const char *text, *index, *table;
		bool if_not_exists;
	} cases[] = {
	        {"CREATE INDEX CONCURRENTLY i ON s.t (a)", "i", "s.t", false},
	        {"CREATE UNIQUE INDEX CONCURRENTLY \"I x\" ON ONLY \"S\".\"T\" USING btree (a)", "\"I x\"", "\"S\".\"T\"", false},
	        {"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "i", "t", true},
	        {"CREATE INDEX CONCURRENTLY ON t (a)", "", "t", false},
	        {"DROP INDEX CONCURRENTLY s.i", "s.i", "", false},
	        {"DROP INDEX CONCURRENTLY IF EXISTS i CASCADE", "i", "", true},
	        {"REINDEX INDEX CONCURRENTLY s.i", "s.i", "", false},
	        {"REINDEX TABLE CONCURRENTLY s.t", "", "s.t", false},
	        {"ALTER TABLE s.p DETACH PARTITION s.c CONCURRENTLY", "s.c", "s.p", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct statement_names names = split_names(hf_str_of(cases[i].text));
		if (!str_eq(names.index, hf_str_of(cases[i].index)) || !str_eq(names.table, hf_str_of(cases[i].table)))
			fail_msg("%s: index \"%.*s\" table \"%.*s\"", cases[i].text, STR_ARG(names.index), STR_ARG(names.table));
		assert_int_equal(names.if_not_exists, cases[i].if_not_exists);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_table_of_samples_splits_as_written),
	        cmocka_unit_test(libpg_query_splits_the_samples_alike),
	        cmocka_unit_test(libpg_query_parses_bodies_alike),
	        cmocka_unit_test(what_does_not_end_is_refused_with_its_line),
	        cmocka_unit_test(tokens_of_any_text_join_to_the_text),
	        cmocka_unit_test(libpg_query_counts_random_texts_alike),
	        cmocka_unit_test(classes_follow_the_first_words),
	        cmocka_unit_test(names_of_index_statements_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
