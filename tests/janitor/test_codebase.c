/* Codebases: set, put, upload, count, delete; branch URLs made and taken apart. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/branch_url.h"

/* ---- branch URLs ---- */

static void is_text(struct hf_str text, const char *expected)
{
	if (!text.ptr != !expected || (text.ptr && !str_eq(text, hf_str_of(expected))))
		fail_msg("%.*s, not %s", text.ptr ? (int)text.len : 4, text.ptr ? text.ptr : "NULL",
		         expected ? expected : "NULL");
}

/* The golden vectors of the specification; nothing safe, then the slash. */
static void encodings_equal_the_golden_ones(UNUSED void **state)
{
	static const char *const cases[][2] = {{"a b", "a%20b"}, {"\xc3\xa9", "%C3%A9"}, {"a,b", "a%2Cb"},
	                                       {"a=b", "a%3Db"}, {"a+b", "a%2Bb"},       {"a@b", "a%40b"},
	                                       {"a~b", "a~b"},   {"a/b", "a%2Fb"}};
	char room[64];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		is_text(branch_escape(hf_str_of(cases[i][0]), false, room), cases[i][1]);
	for (size_t i = 0; i + 1 < ARRAY_LEN(cases); i++)
		is_text(branch_escape(hf_str_of(cases[i][0]), true, room), cases[i][1]);
	is_text(branch_escape(HF_STR("a/b"), true, room), "a/b");
}

static void branch_urls(UNUSED void **state)
{
	static const struct {
		const char *url, *branch, *encoded, *plain;
	} cases[] = {{"https://h/x", "main", "https://h/x,branch=main", "https://h/x,branch=main"},
	             {"https://h/x/", "main", "https://h/x/,branch=main", "https://h/x/,branch=main"},
	             {"https://h/x", "a/b ~c", "https://h/x,branch=a%2Fb%20~c", "https://h/x,branch=a/b%20~c"},
	             {"https://h/x", "a,b=\xc3\xa9", "https://h/x,branch=a%2Cb%3D%C3%A9",
	              "https://h/x,branch=a%2Cb%3D%C3%A9"},
	             {"https://h/x,branch=old,rev=7,abc=1", "new", "https://h/x,abc=1,branch=new,rev=7",
	              "https://h/x,abc=1,branch=new,rev=7"},
	             {"https://x/foo,branch=b", "m", "https://x/foo,branch=m", "https://x/foo,branch=m"},
	             {"https://x/foo/", "a/b", "https://x/foo/,branch=a%2Fb", "https://x/foo/,branch=a/b"},
	             {"https://h/x,oops", "new", NULL, NULL}};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str branch;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct hf_str url = hf_str_of(cases[i].url), name = hf_str_of(cases[i].branch);
		is_text(branch_url_join(url, name, false, arena), cases[i].encoded);
		is_text(branch_url_join(url, name, true, arena), cases[i].plain);
	}
	assert_true(branch_url_branch(HF_STR("a=1,branch=a%2fb%C3%A9%zz%4,c=2"), arena, &branch));
	is_text(branch, "a/b\xc3\xa9%zz%4");
	assert_true(branch_url_branch(HF_STR("a=1"), arena, &branch));
	is_text(branch, NULL);
}

/* ---- one ---- */

static struct hf_codebase get(struct rig *rig, hf_arena *arena, const char *name)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_codebase codebase;
	EXPECT_OK(hf_codebase_get(rig->where, hf_str_of(name), arena, &codebase, &err));
	return codebase;
}

static void set_creates_and_changes_parts(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_codebase wanted = {.name = HF_STR("aa"),
	                             .url = HF_STR("https://h/aa"),
	                             .branch = HF_STR("a/b"),
	                             .subpath = HF_STR(""),
	                             .vcs_type = HF_STR("git"),
	                             .has_value = true,
	                             .value = 3};
	bool created;
	rig_load_text(rig, "{}");
	EXPECT_OK(hf_codebase_set(rig->where, &wanted, 0, &created, &err));
	assert_true(created);
	struct hf_codebase stored = get(rig, arena, "aa");
	is_text(stored.branch_url, "https://h/aa,branch=a%2Fb");
	is_text(stored.url, "https://h/aa");
	is_text(stored.branch, "a/b");
	is_text(stored.subpath, "");
	is_text(stored.hostname, "h");
	wanted = (struct hf_codebase){.name = HF_STR("aa"),
	                              .branch_url = HF_STR("https://g/aa,branch=x"),
	                              .inactive = true};
	EXPECT_OK(hf_codebase_set(rig->where, &wanted, HF_CODEBASE_PLACE | HF_CODEBASE_INACTIVE, &created, &err));
	assert_false(created);
	stored = get(rig, arena, "aa");
	is_text(stored.url, "https://g/aa");
	is_text(stored.branch, "x");
	is_text(stored.vcs_type, "git");
	assert_true(stored.inactive && stored.has_value && stored.value == 3);
}

static void set_refuses_what_cannot_be(void **state)
{
	struct rig *rig = *state;
	static const struct {
		struct hf_codebase codebase;
		const char *message;
	} cases[] = {{{.name = HF_STR_INIT("A")}, "the name is no name for a codebase"},
	             {{.url = HF_STR_INIT("https://h/x")}, "a codebase needs a name"},
	             {{.name = HF_STR_INIT("bb"), .branch = HF_STR_INIT("x")}, "the branch is given without a url"},
	             {{.name = HF_STR_INIT("bb"), .branch_url = HF_STR_INIT("https://h/x,oops")},
	              "the branch_url has a segment"},
	             {{.name = HF_STR_INIT("bb"), .branch_url = HF_STR_INIT("https://h/x,branch=%ff")}, "is no UTF-8"},
	             {{.name = HF_STR_INIT("bb"), .branch_url = HF_STR_INIT("https://h/x,branch=%00")}, "NUL byte"},
	             {{.name = HF_STR_INIT("bb"), .vcs_type = HF_STR_INIT("gti")},
	              "the vcs_type is no version control system"}};
	hf_error err = HF_ERROR_INIT;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\",\"branch_url\":\"https://h/x\",\"url\":\"https://h/"
	                   "x\",\"subpath\":\"\"}]}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		EXPECT_STATUS(hf_codebase_set(rig->where, &cases[i].codebase, 0, NULL, &err), HF_E_INPUT);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
	struct hf_codebase taken = {.name = HF_STR("bb"), .url = HF_STR("https://h/x"), .subpath = HF_STR("")};
	EXPECT_STATUS(hf_codebase_set(rig->where, &taken, 0, NULL, &err), HF_CONFLICT);
	assert_string_equal(err.message, "another codebase is at that place");
	EXPECT_CONTAINS(err.detail, "https://h/x");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM codebase"), 1);
}

static void delete_takes_along_what_was_never_tried(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\"},{\"name\":\"bb\"}]}");
	rig_run(rig, "INSERT INTO candidate (codebase, suite, command) VALUES ('aa', 'fixes', 'x')");
	rig_run(rig, "INSERT INTO queue (codebase, suite) VALUES ('aa', 'fixes'), ('bb', 'fixes')");
	rig_run(rig, "INSERT INTO change_set (id, campaign) VALUES ('cs', 'fixes')");
	rig_run(rig, "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set) "
	             "VALUES ('r', 'bb', 'fixes', 'success', '{}', 'cs')");
	rig_run(rig, "INSERT INTO followup (origin, candidate) SELECT 'r', id FROM candidate");
	EXPECT_OK(hf_codebase_delete(rig->where, HF_STR("aa"), &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM candidate"), 0);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 1);
	EXPECT_STATUS(hf_codebase_delete(rig->where, HF_STR("aa"), &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_codebase_delete(rig->where, HF_STR("bb"), &err), HF_REJECTED);
	assert_string_equal(err.message, "codebase bb has runs");
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM queue"), 1);
	rig_run(rig, "DELETE FROM followup");
}

/* ---- many ---- */

enum { MANY = 12000 };

/* Names and places of MANY codebases; the place of each is that of the one `shift` further. */
static struct hf_codebase *many(hf_arena *arena, size_t shift)
{
	struct hf_codebase *codebases = hf_arena_calloc(arena, MANY, sizeof(*codebases));
	for (size_t i = 0; i < MANY; i++)
		codebases[i] =
			(struct hf_codebase){.name = arena_printf(arena, "pkg%zu", i),
		                             .branch_url = arena_printf(arena, "https://h/%zu", (i + shift) % MANY),
		                             .url = arena_printf(arena, "https://h/%zu", (i + shift) % MANY),
		                             .subpath = HF_STR("")};
	return codebases;
}

static void put_writes_all_or_none(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_changes changes;
	struct hf_codebase_filter host = {.host = HF_STR("h")}, git = {.vcs_type = HF_STR("git")},
				  bad = {.vcs_type = HF_STR("x")};
	int64_t count;
	rig_load_text(rig, "{}");
	EXPECT_OK(hf_codebase_put(rig->where, many(arena, 0), MANY, &changes, &err));
	assert_int_equal(changes.inserted, MANY);
	EXPECT_OK(hf_codebase_put(rig->where, many(arena, 0), MANY, &changes, &err));
	assert_int_equal(changes.unchanged, MANY);
	EXPECT_OK(hf_codebase_put(rig->where, many(arena, 7000), MANY, &changes, &err)); /* all swap their places */
	assert_int_equal(changes.updated, MANY);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM codebase WHERE subpath IS NULL"), 0);
	struct hf_codebase *twice = many(arena, 0);
	twice[MANY - 1].name = twice[4].name;
	EXPECT_STATUS(hf_codebase_put(rig->where, twice, MANY, &changes, &err), HF_E_INPUT);
	assert_string_equal(err.message, "codebase 12000: the name came before");
	twice = many(arena, 0);
	twice[MANY - 1].url = twice[MANY - 1].branch_url = twice[4].url;
	EXPECT_STATUS(hf_codebase_put(rig->where, twice, MANY, &changes, &err), HF_CONFLICT);
	assert_int_equal(
		rig_number(rig, "SELECT count(*) FROM codebase WHERE branch_url = 'https://h/7000' AND name = 'pkg0'"),
		1);
	EXPECT_OK(hf_codebase_count(rig->where, &host, &count, &err));
	assert_int_equal(count, MANY);
	EXPECT_OK(hf_codebase_count(rig->where, &git, &count, &err));
	assert_int_equal(count, 0);
	EXPECT_STATUS(hf_codebase_count(rig->where, &bad, &count, &err), HF_E_INPUT);
}

/* ---- upload ---- */

static const char three[] =
	"[{\"name\":\"aa\",\"branch_url\":\"https://h/aa,branch=a%2Fb\",\"value\":3.9,\"more\":[]},"
	" {\"name\":\"bb\",\"url\":\"https://h/bb\",\"branch\":\"x "
	"y\",\"vcs_type\":\"git\",\"vcs_last_revision\":\"r\"},"
	" {\"name\":\"cc\"}, "
	"{\"name\":\"dd\",\"url\":\"https://h/dd\",\"subpath\":\"s\",\"web_url\":\"w\",\"value\":true},"
	" {\"name\":\"cc\",\"value\":9}, {\"branch_url\":\"https://h/nameless\"}]";

static void upload_stores_every_entry(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_changes changes;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"cc\",\"web_url\":\"gone\",\"inactive\":true}]}");
	EXPECT_OK(hf_codebase_upload(rig->where, hf_str_of(three), NULL, &changes, &err));
	assert_int_equal(changes.inserted, 4);
	assert_int_equal(changes.updated, 1);
	struct hf_codebase stored = get(rig, arena, "aa");
	is_text(stored.url, "https://h/aa");
	is_text(stored.branch, "a/b");
	assert_int_equal(stored.value, 3);
	stored = get(rig, arena, "bb");
	is_text(stored.branch_url, "https://h/bb,branch=x%20y");
	is_text(stored.vcs_last_revision, "r");
	stored = get(rig, arena, "cc");
	is_text(stored.web_url, NULL);
	assert_true(stored.inactive && stored.value == 9);
	stored = get(rig, arena, "dd");
	is_text(stored.branch_url, "https://h/dd");
	is_text(stored.subpath, "s");
	EXPECT_OK(hf_codebase_upload(rig->where, HF_STR("[]"), NULL, &changes, &err));
	assert_int_equal(changes.inserted + changes.updated + changes.unchanged, 0);
}

static void upload_keeps_its_defect_on_demand(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	const struct hf_defects parity = hf_defects_all();
	struct hf_changes changes;
	rig_load_text(rig, "{}");
	/* What is not stored may have a name that is none; its place is looked at all the same. */
	const char *two = "[{\"name\":\"q\"},{\"name\":\"bb\",\"url\":\"https://h/bb\",\"branch\":\"x/y\"}]";
	EXPECT_OK(hf_codebase_upload(rig->where, hf_str_of(two), &parity, &changes, &err));
	assert_int_equal(changes.inserted, 1);
	is_text(get(rig, arena, "bb").branch_url, "https://h/bb,branch=x/y");
	EXPECT_STATUS(hf_codebase_upload(rig->where, HF_STR("[{\"branch_url\":\"https://h/x,y\"},{\"name\":\"bb\"}]"),
	                                 &parity, &changes, &err),
	              HF_E_INPUT);
	EXPECT_STATUS(hf_codebase_upload(rig->where, HF_STR("[]"), &parity, &changes, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "D-33");
}

static char *padded(size_t size)
{
	char *text = malloc(size + 1);
	assert_non_null(text);
	memset(text, ' ', size);
	text[0] = '[';
	text[size - 1] = ']';
	text[size] = '\0';
	return text;
}

static char *nested(size_t depth)
{
	char *text = malloc(2 * depth + 1);
	assert_non_null(text);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	text[2 * depth] = '\0';
	return text;
}

static void upload_refuses_hostile_documents(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_changes changes;
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\",\"value\":1}]}");
	char *large = padded((size_t)100 << 20), *deep = nested(10000);
	EXPECT_STATUS(hf_codebase_upload(rig->where, hf_str_of(large), NULL, &changes, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "codebases: 104857600 bytes, at most 16777216 are read");
	EXPECT_STATUS(hf_codebase_upload(rig->where, hf_str_of(deep), NULL, &changes, &err), HF_E_LIMIT);
	assert_string_equal(err.message, "codebases: nested 10000 levels deep, at most 64 are read");
	free(large);
	free(deep);
	assert_int_equal(rig_number(rig, "SELECT value FROM codebase"), 1);
}

static void upload_names_entry_and_member(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_changes changes;
	static const struct {
		const char *entry, *message;
		enum hf_status status;
	} cases[] = {{"7", "codebases: entry 2 is a number, not an object", HF_E_INPUT},
	             {"{\"name\":7}", "codebases: entry 2: \"name\" is a number, not a string or null", HF_E_INPUT},
	             {"{\"name\":\"a/b\"}", "codebases: entry 2: \"name\" is no name for a codebase", HF_E_INPUT},
	             {"{}", "codebases: entry 2: \"name\" is missing, and so is branch_url", HF_E_INPUT},
	             {"{\"name\":\"bb\",\"branch_url\":null}",
	              "codebases: entry 2: \"branch_url\" is null; leave it out", HF_E_INPUT},
	             {"{\"name\":\"bb\",\"url\":\"u\",\"branch\":null}", "codebases: entry 2: \"branch\" is null",
	              HF_E_INPUT},
	             {"{\"name\":\"bb\",\"branch\":\"x\"}", "codebases: entry 2: \"branch\" is given without a url",
	              HF_E_INPUT},
	             {"{\"name\":\"bb\",\"vcs_type\":\"GIT\"}",
	              "codebases: entry 2: \"vcs_type\" is no version control", HF_E_INPUT},
	             {"{\"name\":\"bb\",\"value\":2147483648}", "codebases: entry 2: \"value\" is not within 32 bits",
	              HF_E_INPUT},
	             {"{\"name\":\"bb\",\"value\":\"1\"}", "codebases: entry 2: \"value\" is a string, not a number",
	              HF_E_INPUT},
	             {"{\"name\":\"bb\",\"value\":1e999}", "codebases:1:", HF_E_INPUT},
	             {"{\"name\":\"b\\u0000b\"}", "codebases:1:", HF_E_INPUT},
	             {"{\"name\":\"b\xff\"}", "codebases:1:", HF_E_INPUT},
	             {"{\"name\":\"bb\",\"url\":\"https://h/aa\",\"subpath\":\"\"}",
	              "another codebase is at that place", HF_CONFLICT}};
	rig_load_text(rig, "{\"codebase\":[{\"name\":\"aa\",\"branch_url\":\"https://h/aa\",\"url\":\"https://h/"
	                   "aa\",\"subpath\":\"\"}]}");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[512];
		snprintf(text, sizeof(text), "[{\"name\":\"good\"},%s]", cases[i].entry);
		EXPECT_STATUS(hf_codebase_upload(rig->where, hf_str_of(text), NULL, &changes, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM codebase"), 1);
	}
	EXPECT_STATUS(hf_codebase_upload(rig->where, HF_STR("{}"), NULL, &changes, &err), HF_E_INPUT);
	assert_string_equal(err.message, "codebases: the document is an object, not a list");
}

static void a_name_has_1000_bytes_at_most(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_changes changes;
	char text[1100];
	rig_load_text(rig, "{}");
	for (int length = 1001; length >= 1000; length--) {
		snprintf(text, sizeof(text), "[{\"name\":\"%0*d\"}]", length, 7);
		EXPECT_STATUS(hf_codebase_upload(rig->where, hf_str_of(text), NULL, &changes, &err),
		              length > 1000 ? HF_E_INPUT : HF_OK);
		if (length > 1000)
			assert_string_equal(err.message, "codebases: entry 1: \"name\" is longer than 1000 bytes");
		assert_int_equal(rig_number(rig, "SELECT count(*) FROM codebase"), length > 1000 ? 0 : 1);
	}
}

/* Names from before the bound: whatever names one that is there is done. */
static void a_longer_name_that_is_there_is_changed_and_removed(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_changes changes;
	char name[2001], other[2001], text[2100];
	bool created = true;
	rig_load_text(rig, "{}");
	rig_run(rig, "INSERT INTO codebase (name, value) VALUES (lpad('7', 2000, '0'), 1)");
	snprintf(name, sizeof(name), "%02000d", 7);
	snprintf(other, sizeof(other), "%02000d", 8);
	struct hf_codebase codebases[] = {{.name = HF_STR("aa")},
	                                  {.name = hf_str_of(name), .has_value = true, .value = 2},
	                                  {.name = hf_str_of(other)}};
	EXPECT_OK(hf_codebase_set(rig->where, &codebases[1], HF_CODEBASE_VALUE, &created, &err));
	assert_false(created);
	assert_int_equal(rig_number(rig, "SELECT value FROM codebase"), 2);
	codebases[1].value = 3;
	EXPECT_OK(hf_codebase_put(rig->where, codebases, 2, &changes, &err));
	assert_int_equal(changes.updated, 1);
	assert_int_equal(rig_number(rig, "SELECT value FROM codebase WHERE length(name) = 2000"), 3);
	snprintf(text, sizeof(text), "[{\"name\":\"bb\"},{\"name\":\"%s\",\"value\":4}]", name);
	EXPECT_OK(hf_codebase_upload(rig->where, hf_str_of(text), NULL, &changes, &err));
	assert_int_equal(rig_number(rig, "SELECT value FROM codebase WHERE length(name) = 2000"), 4);

	EXPECT_STATUS(hf_codebase_set(rig->where, &codebases[2], 0, &created, &err), HF_E_INPUT);
	assert_string_equal(err.message, "the name is longer than 1000 bytes");
	EXPECT_STATUS(hf_codebase_put(rig->where, codebases, 3, &changes, &err), HF_E_INPUT);
	assert_string_equal(err.message, "codebase 3: the name is longer than 1000 bytes");
	EXPECT_OK(hf_codebase_delete(rig->where, hf_str_of(name), &err));
	assert_int_equal(rig_count(rig, "codebase"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(encodings_equal_the_golden_ones),
	                                   cmocka_unit_test(branch_urls),
	                                   cmocka_unit_test(set_creates_and_changes_parts),
	                                   cmocka_unit_test(set_refuses_what_cannot_be),
	                                   cmocka_unit_test(delete_takes_along_what_was_never_tried),
	                                   cmocka_unit_test(put_writes_all_or_none),
	                                   cmocka_unit_test(upload_stores_every_entry),
	                                   cmocka_unit_test(upload_keeps_its_defect_on_demand),
	                                   cmocka_unit_test(upload_refuses_hostile_documents),
	                                   cmocka_unit_test(upload_names_entry_and_member),
	                                   cmocka_unit_test(a_name_has_1000_bytes_at_most),
	                                   cmocka_unit_test(a_longer_name_that_is_there_is_changed_and_removed)};
	return cmocka_run_group_tests_name("codebase", tests, rig_up, rig_down);
}
