/* A migration file: sections, directives, refusals with file:line, and what its checksums ignore. */
#include <string.h>

#include "base/str.h"
#include "migrate/digest.h"
#include "migrate/file.h"
#include "../check.h"

static hf_arena *arena;

static int make_arena(UNUSED void **state)
{
	return (arena = hf_arena_new(0)) ? 0 : -1;
}

static int free_arena(UNUSED void **state)
{
	hf_arena_free(arena);
	return 0;
}

static enum hf_status parse_as(const char *file, const char *text, struct hf_migration *ret, struct hf_str *ret_depends,
                               hf_error *err)
{
	struct version_file parts;
	struct names names = {0};
	assert_true(version_of_file(hf_str_of(file), &parts));
	return file_parse(&parts, file, hf_str_of(text), false, &names, arena, ret, ret_depends, err);
}

static struct hf_migration parse(const char *text)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migration migration;
	struct hf_str depends;
	EXPECT_OK(parse_as("0007_x.sql", text, &migration, &depends, &err));
	return migration;
}

static void sections_and_options_are_read(UNUSED void **state)
{
	struct hf_migration m = parse("\xef\xbb\xbf-- A note.\r\n"
	                              "-- migrate: tx=no lock_timeout=2s  statement_timeout=5min phase=contract\r\n"
	                              "/* more */\r\n-- up\r\nSELECT 1;\r\nSELECT $$\r\n-- down\r\n$$;\r\n"
	                              "-- verify\r\nSELECT true;\r\n-- down\r\nSELECT 3;\r\n");
	assert_string_equal(m.version, "0007");
	assert_string_equal(m.name, "x");
	assert_int_equal(m.number, 7);
	assert_int_equal(m.kind, HF_MIGRATION_VERSIONED);
	assert_int_equal(m.phase, HF_PHASE_CONTRACT);
	assert_false(m.tx);
	assert_int_equal(m.lock_timeout_ms, 2000);
	assert_int_equal(m.statement_timeout_ms, 300000);
	assert_int_equal(m.nstatements, 2);
	assert_int_equal(m.statements[0].line, 5);
	assert_true(str_eq(m.statements[1].sql, HF_STR("SELECT $$\n-- down\n$$")));
	assert_int_equal(m.statements[1].line, 6);
	assert_int_equal(m.nverify, 1);
	assert_true(str_eq(m.down, HF_STR("\nSELECT 3;\n")));
}

static void what_is_not_said_has_defaults(UNUSED void **state)
{
	struct hf_migration m = parse("-- up\nSELECT 1");
	assert_true(m.tx);
	assert_int_equal(m.phase, HF_PHASE_EXPAND);
	assert_int_equal(m.lock_timeout_ms, -1);
	assert_int_equal(m.statement_timeout_ms, -1);
	assert_string_equal(m.search_path, "public");
	assert_null(m.down.ptr);
	assert_int_equal(m.nverify, 0);
	assert_int_equal(parse("-- up\n").nstatements, 0);
	assert_string_equal(parse("-- migrate: search_path=app,public out_of_order=yes\n-- up\n").search_path, "app,public");
	assert_string_equal(parse("-- up\n").needs, "");
	assert_string_equal(parse("-- migrate: needs=shop-2:0003\n-- up\n").needs, "shop-2:0003");
}

static void malformed_files_are_refused_with_their_place(UNUSED void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
	        {"", "0007_x.sql: no line \"-- up\""},
	        {"SELECT 1;\n-- up\n", "0007_x.sql:1: SQL before the line \"-- up\""},
	        {"-- up\n-- up\n", "0007_x.sql:2: section \"-- up\" is out of place"},
	        {"-- up\n-- down\n-- verify\n", "0007_x.sql:3: section \"-- verify\" is out of place"},
	        {"-- migrate: tx=maybe\n-- up\n", "0007_x.sql:1: bad value in \"tx=maybe\""},
	        {"-- migrate: tx\n-- up\n", "0007_x.sql:1: unknown option \"tx\""},
	        {"-- migrate: up\n-- up\n", "0007_x.sql:1: unknown option \"up\""},
	        {"-- migrate: lock_timeout=2\n-- up\n", "0007_x.sql:1: bad value in \"lock_timeout=2\""},
	        {"-- migrate: lock_timeout=8d\n-- up\n", "0007_x.sql:1: bad value in \"lock_timeout=8d\""},
	        {"-- migrate: phase=late\n-- up\n", "0007_x.sql:1: bad value in \"phase=late\""},
	        {"-- migrate: depends=a\n-- up\n", "0007_x.sql:1: unknown option \"depends=a\""},
	        {"-- migrate: search_path=a;b\n-- up\n", "0007_x.sql:1: bad value in \"search_path=a;b\""},
	        {"-- migrate: needs=shop\n-- up\n", "0007_x.sql:1: bad value in \"needs=shop\""},
	        {"-- migrate: needs=:3\n-- up\n", "0007_x.sql:1: bad value in \"needs=:3\""},
	        {"-- migrate: needs=Shop:3\n-- up\n", "0007_x.sql:1: bad value in \"needs=Shop:3\""},
	        {"-- migrate: needs=shop:0\n-- up\n", "0007_x.sql:1: bad value in \"needs=shop:0\""},
	        {"-- migrate: needs=shop:x\n-- up\n", "0007_x.sql:1: bad value in \"needs=shop:x\""},
	        {"-- migrate: tx=yes\n-- migrate: tx=no\n-- up\n", "0007_x.sql:2: a second \"-- migrate:\" line"},
	        {"-- up\nSELECT 1;\n\nCOMMIT;\n", "0007_x.sql:4: a migration does not begin or end transactions"},
	        {"-- up\nCOPY t FROM stdin;\n", "0007_x.sql:2: COPY FROM STDIN has no data here"},
	        {"-- up\nVACUUM;\n", "0007_x.sql:2: the statement cannot run in a transaction"},
	        {"-- up\n-- down\nDROP INDEX CONCURRENTLY i;\n", "0007_x.sql:3: the statement cannot run in a transaction"},
	        {"-- migrate: tx=no\n-- up\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);\n",
	         "0007_x.sql:3: IF NOT EXISTS would hide an invalid index"},
	        {"-- migrate: tx=no\n-- up\nCREATE INDEX CONCURRENTLY ON t (a);\n", "0007_x.sql:3: give the index a name"},
	        {"-- up\nSELECT 'a;\n", "0007_x.sql:2: string that does not end"},
	        {"-- up\n\\i other.sql\n", "0007_x.sql:2: a backslash outside quotes"},
	        {"-- up\nSELECT '\xff'", "0007_x.sql: byte 14 is not UTF-8"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_migration migration;
		struct hf_str depends;
		EXPECT_STATUS(parse_as("0007_x.sql", cases[i].text, &migration, &depends, &err), HF_E_INPUT);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
}

static void repeatable_files_depend_and_have_no_way_down(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migration m;
	struct hf_str depends;
	EXPECT_OK(parse_as("R__views.sql", "-- migrate: depends=a,b\n-- up\nSELECT 1", &m, &depends, &err));
	assert_int_equal(m.kind, HF_MIGRATION_REPEATABLE);
	assert_string_equal(m.version, "R__views");
	assert_string_equal(m.name, "views");
	assert_true(str_eq(depends, HF_STR("a,b")));
	EXPECT_STATUS(parse_as("R__views.sql", "-- up\n-- down\n", &m, &depends, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "R__views.sql:2: a repeatable migration has no way down");
}

static void large_and_endless_files_are_bounded(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_migration m;
	struct hf_str depends;
	struct version_file parts = {HF_STR("1"), HF_STR("x"), 1, false};
	struct names names = {0};
	size_t size = (size_t)FILE_BYTES_MAX + 1;
	char *text = hf_arena_alloc(arena, size);
	memset(text, '\n', size);
	EXPECT_STATUS(file_parse(&parts, "1_x.sql", (struct hf_str){text, size}, false, &names, arena, &m,
	                         &depends, &err), HF_E_LIMIT);
	memcpy(text, "-- up", 5);
	for (size_t i = 6; i + 2 < size; i += 2)
		memcpy(text + i, "a;", 2);
	EXPECT_STATUS(file_parse(&parts, "1_x.sql", (struct hf_str){text, size - 2}, false, &names, arena, &m,
	                         &depends, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "more than 100000 statements");
}

static void checksums_ignore_what_editors_do(UNUSED void **state)
{
	struct hf_migration plain = parse("-- up\nSELECT 1;\nSELECT 2;\n");
	static const char *const same[] = {
	        "-- up\r\nSELECT 1;\r\nSELECT 2;\r\n",
	        "\xef\xbb\xbf-- up\nSELECT 1;\nSELECT 2;\n",
	        "-- up\nSELECT 1;  \t\nSELECT 2;",
	        "-- up\nSELECT 1;\nSELECT 2;\n\n\n",
	        "-- up\rSELECT 1;\rSELECT 2;\r",
	        "-- migrate: lock_timeout=9s\n-- up\nSELECT 1;\nSELECT 2;\n-- down\nSELECT 3;\n",
	};
	static const char *const other[] = {
	        "-- up\nSELECT 1;\nSELECT 3;\n",
	        "-- up\nSELECT  1;\nSELECT 2;\n",
	        "-- up\nSELECT 1; -- x\nSELECT 2;\n",
	        "-- up\nSELECT 1;\n\nSELECT 2;\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct hf_migration m = parse(same[i]);
		assert_memory_equal(plain.checksum, m.checksum, sizeof(m.checksum));
		assert_memory_not_equal(plain.checksum_raw, m.checksum_raw, sizeof(m.checksum_raw));
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_memory_not_equal(plain.checksum, parse(other[i]).checksum, sizeof(plain.checksum));
}

static void edits_are_told_apart(UNUSED void **state)
{
	static const struct {
		const char *before, *after;
		enum hf_migration_edit edit;
		uint32_t line;
	} cases[] = {
	        {"a\nb", "a \r\nb\n\n", HF_EDIT_NONE, 0},
	        {"a\nb  c", "a\nb\n c", HF_EDIT_WHITESPACE, 2},
	        {"a(b)", "a ( b )", HF_EDIT_WHITESPACE, 1},
	        {"a\nb", "a -- x\nb", HF_EDIT_COMMENTS, 1},
	        {"a /* y */ b", "a b", HF_EDIT_COMMENTS, 1},
	        {"a\nb", "a\nc", HF_EDIT_SQL, 2},
	        {"SELECT 'a  b'", "SELECT 'a b'", HF_EDIT_SQL, 1},
	        {"a <= b", "a < = b", HF_EDIT_SQL, 1},
	        {"f $$ -- x\n $$", "f $$ -- y\n $$", HF_EDIT_SQL, 1},
	        {"ab", "a b", HF_EDIT_SQL, 1},
	        {"a", "", HF_EDIT_SQL, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t line = 99;
		assert_int_equal(text_compare(hf_str_of(cases[i].before), hf_str_of(cases[i].after), &line), cases[i].edit);
		assert_int_equal(line, cases[i].line);
	}
}

/* FIPS 180-2, B.1: the digest of "abc". */
static void digests_are_sha_256(UNUSED void **state)
{
	struct hf_str pieces[] = {HF_STR_INIT("a"), HF_STR_INIT(""), HF_STR_INIT("bc")};
	uint8_t digest[HF_MIGRATION_DIGEST_BYTES];
	char hex[2 * HF_MIGRATION_DIGEST_BYTES + 1];
	assert_true(digest_of(pieces, ARRAY_LEN(pieces), digest));
	digest_hex(digest, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(sections_and_options_are_read),
	        cmocka_unit_test(what_is_not_said_has_defaults),
	        cmocka_unit_test(malformed_files_are_refused_with_their_place),
	        cmocka_unit_test(repeatable_files_depend_and_have_no_way_down),
	        cmocka_unit_test(large_and_endless_files_are_bounded),
	        cmocka_unit_test(checksums_ignore_what_editors_do),
	        cmocka_unit_test(edits_are_told_apart),
	        cmocka_unit_test(digests_are_sha_256),
	};
	return cmocka_run_group_tests(tests, make_arena, free_arena);
}
