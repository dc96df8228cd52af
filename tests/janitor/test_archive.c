/* The Sources index: the real extract, and indexes that lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "janitor/archive.h"
#include "../check.h"

static enum hf_status read_text(const char *text, size_t limit, struct archive **ret, hf_error *err)
{
	char path[] = "/tmp/hf-archive-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	enum hf_status status = archive_read(path, limit, NULL, NULL, ret, err);
	unlink(path);
	return status;
}

#define RECORD(name, version, more) "Package: " name "\nBinary: " name "\nVersion: " version "\nDirectory: d\n" more "\n"

static const struct archive_codebase *find(const struct archive *archive, const char *name)
{
	size_t n;
	const struct archive_codebase *all = archive_codebases(archive, &n);
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i].name, hf_str_of(name)))
			return &all[i];
	fail_msg("no codebase %s", name);
	return NULL;
}

static void note_progress(void *user, const char *step, int64_t done, int64_t total)
{
	assert_string_equal(step, "reading");
	assert_int_equal(total, 0);
	*(int64_t *)user = done;
}

static void the_extract_is_read_as_it_is(UNUSED void **state)
{
	int64_t told = 0;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(archive_freep) struct archive *archive = NULL;
	EXPECT_OK(archive_read(test_variable("HOLDFAST_SOURCES_SAMPLE"), 0, note_progress, &told, &archive, &err));
	const struct archive_counts *counts = archive_counts(archive);
	assert_int_equal(told, 500);
	assert_int_equal(counts->records, 500);
	assert_int_equal(counts->codebases, 495);
	assert_int_equal(counts->extra_source_only, 4);
	assert_int_equal(counts->superseded, 1);
	assert_int_equal(counts->shared_locations, 1);
	assert_int_equal(counts->by_vcs[ARCHIVE_GIT], 444);
	assert_int_equal(counts->by_vcs[ARCHIVE_SVN], 8);
	assert_int_equal(counts->by_vcs[ARCHIVE_NO_VCS], 34);
	assert_string_equal(find(archive, "3270font")->branch_url.ptr,
	                    "https://github.com/kilobyte/3270font.git,branch=debian");
	assert_null(find(archive, "setuptools")->branch_url.ptr);
	assert_true(find(archive, "debhelper")->value > 50);
}

static void the_newest_record_wins_and_values_count_users_once(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(archive_freep) struct archive *archive = NULL;
	EXPECT_OK(read_text(RECORD("aa", "1.0~rc1-1", "Vcs-Git: https://h/old\n") RECORD("aa", "1.0-1", "Vcs-Git: https://h/a\n")
	                    RECORD("aa", "0.9", "Vcs-Git: https://h/older\n")
	                    RECORD("bb", "1", "Build-Depends: aa, aa (>= 1) | cc\nBuild-Depends-Indep: aa, bb\n")
	                    RECORD("cc", "1", "Build-Depends-Arch: bb\nVcs-Git: https://h/a [x]\nVcs-Browser: https://b/\n")
	                    RECORD("dd", "1", "Vcs-Hg: https://h/a [x]\n")
	                    RECORD("ee", "1", "Vcs-Bzr: [x]\n")
	                    RECORD("ff", "1", "Build-Depends: cc\nExtra-Source-Only: yes\n"),
	                    0, &archive, &err));
	const struct archive_counts *counts = archive_counts(archive);
	assert_int_equal(counts->records, 8);
	assert_int_equal(counts->codebases, 5);
	assert_int_equal(counts->superseded, 2);
	assert_int_equal(counts->extra_source_only, 1);
	assert_int_equal(counts->unreadable_vcs, 1);
	assert_string_equal(find(archive, "aa")->url.ptr, "https://h/a");
	assert_int_equal(find(archive, "aa")->value, 1);
	assert_int_equal(find(archive, "bb")->value, 1);
	assert_int_equal(find(archive, "cc")->value, 1);
	assert_string_equal(find(archive, "cc")->subpath.ptr, "x");
	assert_string_equal(find(archive, "cc")->web_url.ptr, "https://b/");
	assert_null(find(archive, "dd")->subpath.ptr);
	assert_int_equal(find(archive, "dd")->vcs, ARCHIVE_HG);
	assert_string_equal(archive_vcs_word(ARCHIVE_HG), "hg");
}

static void a_limit_keeps_the_values(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(archive_freep) struct archive *archive = NULL;
	EXPECT_OK(read_text(RECORD("aa", "1", "") RECORD("bb", "1", "Build-Depends: aa\n"), 1, &archive, &err));
	assert_int_equal(archive_counts(archive)->codebases, 1);
	assert_int_equal(find(archive, "aa")->value, 1);
}

static void lies_are_refused_with_their_line(UNUSED void **state)
{
	static const struct {
		const char *text;
		enum hf_status status;
		const char *message;
	} cases[] = {
	        {RECORD("a_b", "1", ""), HF_E_INPUT, "line 1: \"a_b\" is no name for a codebase"},
	        {RECORD("ab", "1", "") RECORD("cd", "x", ""), HF_E_INPUT, "line 6: \"x\" is no Debian version"},
	        {RECORD("ab", "1", "") "Package: cd\nBinary: cd\nVersion: 1\n", HF_E_INPUT, "the record at line 6 has no"},
	        {"Package: ab\nBinary: ab\nVersion: 1\nDirectory: d\nMore", HF_E_CORRUPT, "truncated (no newline at its end)"},
	        {"<html>\n", HF_E_INPUT, "line 1 is neither a field nor a continuation"},
	        {"Package: a\xff\n", HF_E_INPUT, "line 1 is not UTF-8"},
	        {"", HF_E_INPUT, ": there is no package in it"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct archive *archive = NULL;
		EXPECT_STATUS(read_text(cases[i].text, 0, &archive, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_null(archive);
	}
	hf_error err = HF_ERROR_INIT;
	struct archive *archive = NULL;
	EXPECT_STATUS(archive_read("/nonexistent", 0, NULL, NULL, &archive, &err), HF_NOT_FOUND);
	archive_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_extract_is_read_as_it_is),
	        cmocka_unit_test(the_newest_record_wins_and_values_count_users_once),
	        cmocka_unit_test(a_limit_keeps_the_values),
	        cmocka_unit_test(lies_are_refused_with_their_line),
	};
	return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
