/* Paragraphs of Debian's indexes, relation lists, versions, Vcs fields and names. */
#include <stdlib.h>
#include <string.h>

#include "core/deb822.h"
#include "core/debversion.h"
#include "core/names.h"
#include "core/vcs_field.h"
#include "base/arena.h"
#include "../check.h"

static void paragraphs_end_at_empty_lines(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct deb822 paragraph;
	bool complete;
	deb822_init(&paragraph);
	EXPECT_OK(deb822_line(&paragraph, HF_STR(""), 1, &complete, &err));
	assert_false(complete);
	EXPECT_OK(deb822_line(&paragraph, HF_STR("Package: a "), 2, &complete, &err));
	EXPECT_OK(deb822_line(&paragraph, HF_STR("Build-Depends: b,"), 3, &complete, &err));
	EXPECT_OK(deb822_line(&paragraph, HF_STR(" c"), 4, &complete, &err));
	EXPECT_OK(deb822_line(&paragraph, HF_STR("Empty:"), 5, &complete, &err));
	EXPECT_OK(deb822_line(&paragraph, HF_STR("  "), 6, &complete, &err));
	assert_true(complete);
	assert_int_equal(paragraph.first_line, 2);
	assert_true(str_eq(deb822_get(&paragraph, HF_STR("package")), HF_STR("a")));
	assert_true(str_eq(deb822_get(&paragraph, HF_STR("Build-Depends")), HF_STR("b,\n c")));
	assert_non_null(deb822_get(&paragraph, HF_STR("Empty")).ptr);
	assert_int_equal(deb822_get(&paragraph, HF_STR("Empty")).len, 0);
	assert_null(deb822_get(&paragraph, HF_STR("Other")).ptr);
	deb822_clear(&paragraph);
	assert_true(deb822_empty(&paragraph));
	deb822_deinit(&paragraph);
}

static void bad_lines_are_named(UNUSED void **state)
{
	static const struct {
		struct hf_str first, second;
		const char *message;
	} cases[] = {
	        {HF_STR_INIT("Package: a"), HF_STR_INIT("no colon"), "line 8 is neither a field nor a continuation"},
	        {HF_STR_INIT("Package: a"), HF_STR_INIT("pack age: b"), "line 8 is neither"},
	        {HF_STR_INIT("Package: a"), HF_STR_INIT(": b"), "line 8 is neither"},
	        {HF_STR_INIT("Package: a"), HF_STR_INIT("package: b"), "line 8 repeats the field package"},
	        {HF_STR_INIT(""), HF_STR_INIT(" b"), "line 8 continues a field, but none has begun"},
	        {HF_STR_INIT("Package: a"), HF_STR_INIT("B: x\xff"), "line 8 is not UTF-8 (byte 5 of the line)"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct deb822 paragraph;
		bool complete;
		deb822_init(&paragraph);
		EXPECT_OK(deb822_line(&paragraph, cases[i].first, 7, &complete, &err));
		EXPECT_STATUS(deb822_line(&paragraph, cases[i].second, 8, &complete, &err), HF_E_INPUT);
		EXPECT_CONTAINS(err.message, cases[i].message);
		deb822_deinit(&paragraph);
	}
}

static void records_are_bounded(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct deb822 paragraph;
	bool complete;
	char line[32];
	enum hf_status status = HF_OK;
	deb822_init(&paragraph);
	for (int i = 0; i <= DEB822_FIELDS_MAX && status == HF_OK; i++) {
		snprintf(line, sizeof(line), "F%d: x", i);
		status = deb822_line(&paragraph, hf_str_of(line), (size_t)i + 1, &complete, &err);
	}
	EXPECT_STATUS(status, HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "more than 128 fields");
	deb822_clear(&paragraph);
	char *big = calloc(1, (1 << 20) + 1);
	memset(big, 'x', 1 << 20);
	EXPECT_OK(deb822_line(&paragraph, HF_STR("A: x"), 1, &complete, &err));
	big[0] = ' ';
	for (int i = 0; i < 3; i++)
		EXPECT_OK(deb822_line(&paragraph, (struct hf_str){big, 1 << 20}, 2, &complete, &err));
	EXPECT_STATUS(deb822_line(&paragraph, (struct hf_str){big, 1 << 20}, 5, &complete, &err), HF_E_LIMIT);
	EXPECT_CONTAINS(err.message, "line 5: the record is larger than 4 MiB");
	free(big);
	deb822_deinit(&paragraph);
}

static void relations_yield_every_alternative(UNUSED void **state)
{
	struct hf_str rest = HF_STR(" a (>= 1), b [amd64] | c:any <!nocheck>,\n d,, ,e(= 2)|f , "), name;
	const char *expected = "abcdef";
	for (size_t i = 0; i < 6; i++) {
		assert_true(relation_next_name(&rest, &name));
		assert_true(str_eq(name, (struct hf_str){expected + i, 1}));
	}
	assert_false(relation_next_name(&rest, &name));
	rest = (struct hf_str){NULL, 0};
	assert_false(relation_next_name(&rest, &name));
}

static void versions_sort_as_dpkg_sorts_them(UNUSED void **state)
{
	/* each line in ascending order; answers of dpkg --compare-versions */
	static const char *const ascending[] = {"0~", "0", "0+", "0.1~a", "0.1~rc1-1", "0.1", "0.1-0.1", "0.1-1~bpo12+1",
	                                        "0.1-1", "0.1-1+b1", "0.1-2", "0.1-10", "0.1a", "0.1+git1", "0.1.0", "0.2",
	                                        "0.10", "1.0-1-1", "9", "10", "1:0~", "1:0.1-1", "2:0.1"};
	for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
		for (size_t j = 0; j < ARRAY_LEN(ascending); j++) {
			int order = debversion_cmp(hf_str_of(ascending[i]), hf_str_of(ascending[j]));
			if (order != (i > j) - (i < j))
				fail_msg("%s against %s gives %d", ascending[i], ascending[j], order);
			assert_true(debversion_valid(hf_str_of(ascending[i])));
		}
	assert_int_equal(debversion_cmp(HF_STR("1.0"), HF_STR("01.0-0")), 0);
	assert_int_equal(debversion_cmp(HF_STR("0:1.00"), HF_STR("1.0")), 0);
	static const char *const invalid[] = {"", "a1", "1 2", "1:", ":1", "x:1", "1-", "1_2", "1-2_3", "-1"};
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		assert_false(debversion_valid(hf_str_of(invalid[i])));
}

static void vcs_fields_give_branch_urls(UNUSED void **state)
{
	static const struct {
		const char *text, *url, *branch, *subpath, *branch_url;
	} cases[] = {
	        {"https://h/a.git", "https://h/a.git", NULL, "", "https://h/a.git"},
	        {"https://h/a.git/", "https://h/a.git/", NULL, "", "https://h/a.git/"},
	        {"https://h/a.git -b debian/latest", "https://h/a.git", "debian/latest", "",
	         "https://h/a.git,branch=debian%2Flatest"},
	        {"https://h/a/ -b b [p/agda]", "https://h/a/", "b", "p/agda", "https://h/a,branch=b"},
	        {"https://h/a [/p/] -b b+c", "https://h/a", "b+c", "p", "https://h/a,branch=b%2Bc"},
	        {"https://h/a.git -v debian/latest", "https://h/a.git", NULL, "", "https://h/a.git"},
	        {" svn://h/x/trunk/ ", "svn://h/x/trunk/", NULL, "", "svn://h/x/trunk/"},
	        {"git@h:x.git\n -b é", "git@h:x.git", "é", "", "git@h:x.git,branch=%C3%A9"},
	};
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vcs_field field;
		assert_true(vcs_field_parse(hf_str_of(cases[i].text), &field));
		assert_true(str_eq(field.url, hf_str_of(cases[i].url)));
		assert_int_equal(field.branch.ptr != NULL, cases[i].branch != NULL);
		assert_true(str_eq(field.branch, hf_str_of(cases[i].branch)));
		assert_true(str_eq(field.subpath, hf_str_of(cases[i].subpath)));
		assert_string_equal(vcs_field_branch_url(&field, arena).ptr, cases[i].branch_url);
	}
	static const char *const bad[] = {"", "  ", "[x]", "-b x", "https://h/a b", "https://h/a -b"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct vcs_field field;
		assert_false(vcs_field_parse(hf_str_of(bad[i]), &field));
	}
	CLEANUP(arena_freep) hf_arena *tiny = hf_arena_new(4);
	struct vcs_field field = {.url = HF_STR("https://h/a"), .branch = HF_STR("b")};
	assert_null(vcs_field_branch_url(&field, tiny).ptr);
}

static void names_follow_the_domain(UNUSED void **state)
{
	static const char *const good[] = {"ab", "a,b", "a+b", "a.b", "0ad", "a-"};
	static const char *const bad[] = {"", "a", "a_b", "A1", "-a", "é1", "a/b", "a b", ",a"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(codebase_name_valid(hf_str_of(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(codebase_name_valid(hf_str_of(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(paragraphs_end_at_empty_lines),
	        cmocka_unit_test(bad_lines_are_named),
	        cmocka_unit_test(records_are_bounded),
	        cmocka_unit_test(relations_yield_every_alternative),
	        cmocka_unit_test(versions_sort_as_dpkg_sorts_them),
	        cmocka_unit_test(vcs_fields_give_branch_urls),
	        cmocka_unit_test(names_follow_the_domain),
	};
	return cmocka_run_group_tests_name("deb822", tests, NULL, NULL);
}
