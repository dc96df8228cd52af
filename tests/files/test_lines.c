/* Reading lines from plain, gzip and xz files, and from damaged ones. Files are made by the real tools. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "files/lines.h"
#include "../check.h"

static char folder[] = "/tmp/hf-lines-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[64];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void shell(const char *format, ...)
{
	char command[512];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

/* Count lines and bytes; returns the status that ended the reading. */
static enum hf_status drain(const char *name, size_t line_max, size_t *ret_lines, size_t *ret_bytes, hf_error *err)
{
	CLEANUP(lines_freep) struct lines *lines = NULL;
	struct hf_str line;
	*ret_lines = *ret_bytes = 0;
	enum hf_status status = lines_open(path_of(name), line_max, &lines, err);
	while (status == HF_OK) {
		status = lines_next(lines, &line, err);
		if (status == HF_OK) {
			(*ret_lines)++;
			*ret_bytes += line.len;
			assert_int_equal(lines_number(lines), *ret_lines);
		}
	}
	return status;
}

static void the_three_formats_read_alike(UNUSED void **state)
{
	static const char *const names[] = {"plain", "plain.gz", "plain.xz", "two.gz", "renamed"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		hf_error err = HF_ERROR_INIT;
		size_t nlines, nbytes;
		EXPECT_STATUS(drain(names[i], 1000, &nlines, &nbytes, &err), HF_STOP);
		assert_int_equal(nlines, 200000);
		assert_int_equal(nbytes, 1088895);
	}
}

static void damage_is_seen(UNUSED void **state)
{
	static const struct {
		const char *name;
		enum hf_status status;
		const char *message;
	} cases[] = {
	        {"cut", HF_E_CORRUPT, "is truncated (no newline at its end) near line"},
	        {"cut.gz", HF_E_CORRUPT, "is truncated near line"},
	        {"cut.xz", HF_E_CORRUPT, "is truncated near line"},
	        {"flipped.gz", HF_E_CORRUPT, "is damaged near line"},
	        {"flipped.xz", HF_E_CORRUPT, "is damaged near line"},
	        {"huge.xz", HF_E_LIMIT, "needs more than 100 MiB of memory to unpack"},
	        {"long", HF_E_LIMIT, "line 2 is longer than 1000 bytes"},
	        {"absent", HF_NOT_FOUND, "could not open"},
	        {".", HF_E_FAILED, "could not read"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		size_t nlines, nbytes;
		EXPECT_STATUS(drain(cases[i].name, 1000, &nlines, &nbytes, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
}

static void empty_files_have_no_lines(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	size_t nlines, nbytes;
	EXPECT_STATUS(drain("empty", 1000, &nlines, &nbytes, &err), HF_STOP);
	assert_int_equal(nlines, 0);
	EXPECT_STATUS(drain("empty.gz", 1000, &nlines, &nbytes, &err), HF_STOP);
	assert_int_equal(nlines, 0);
	lines_free(NULL);
}

static void standard_input_is_a_dash(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(lines_freep) struct lines *lines = NULL;
	struct hf_str line;
	int saved = dup(0), file = open(path_of("plain.gz"), O_RDONLY);
	assert_int_equal(dup2(file, 0), 0);
	EXPECT_OK(lines_open("-", 1000, &lines, &err));
	EXPECT_OK(lines_next(lines, &line, &err));
	assert_true(str_eq(line, HF_STR("1")));
	dup2(saved, 0);
	close(saved);
	close(file);
}

static int make_files(UNUSED void **state)
{
	assert_non_null(mkdtemp(folder));
	shell("cd %s && seq 1 200000 >plain && gzip -k plain && xz -k plain && cp plain.xz renamed", folder);
	shell("cd %s && (head -n 100000 plain | gzip; tail -n 100000 plain | gzip) >two.gz", folder);
	shell("cd %s && head -c 1000003 plain >cut && head -c 300000 plain.gz >cut.gz && head -c 30000 plain.xz >cut.xz", folder);
	shell("cd %s && for s in gz xz; do cp plain.$s flipped.$s; printf XXXXXXXX | dd of=flipped.$s bs=1 seek=9000 "
	      "conv=notrunc status=none; done", folder);
	shell("cd %s && xz -k -c --lzma2=preset=0,dict=192MiB plain >huge.xz", folder);
	shell("cd %s && (echo short; head -c 700000 /dev/zero | tr '\\0' x; echo) >long && : >empty && gzip -k empty", folder);
	return 0;
}

static int drop_files(UNUSED void **state)
{
	shell("rm -r %s", folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_three_formats_read_alike),
	        cmocka_unit_test(damage_is_seen),
	        cmocka_unit_test(empty_files_have_no_lines),
	        cmocka_unit_test(standard_input_is_a_dash),
	};
	return cmocka_run_group_tests_name("lines", tests, make_files, drop_files);
}
