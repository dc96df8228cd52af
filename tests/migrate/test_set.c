/* Sets: versions, order, duplicates, depends, chain, migrations.sum, directories, what is built in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "migrate/set.h"
#include "migrate/version.h"
#include "../check.h"

static hf_migrations *make(const struct set_file *files, size_t count)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_OK(set_make("test", files, count, (struct hf_str){NULL, 0}, &set, &err));
	return set;
}

static void expect_refused(const struct set_file *files, size_t count, enum hf_status status, const char *message)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_STATUS(set_make("test", files, count, (struct hf_str){NULL, 0}, &set, &err), status);
	EXPECT_CONTAINS(err.message, message);
	assert_null(set);
}

#define TEXT HF_STR_INIT("-- up\nSELECT 1;\n")

static void versions_are_numbers(UNUSED void **state)
{
	static const struct {
		const char *text;
		uint64_t number; /* 0: not a version */
	} cases[] = {
	        {"1", 1}, {"0001", 1}, {"20260314T101500", 20260314101500}, {"20260314101500", 20260314101500},
	        {"999999999999999999", 999999999999999999}, {"1999999999999999999", 0}, {"", 0}, {"1a", 0}, {"-1", 0},
	        {"20260314T10150", 0}, {"2026031T1101500", 0}, {"20260314T10150x", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t number = 0;
		bool ok = version_parse(hf_str_of(cases[i].text), &number);
		if (ok != (cases[i].number != 0) || number != cases[i].number)
			fail_msg("%s: %d %lu", cases[i].text, ok, number);
	}
}

static void file_names_are_checked(UNUSED void **state)
{
	static const char *const bad[] = {"x.sql", "1.sql", "1_.sql", "0_zero.sql", "v1_x.sql", "R__.sql", "1_a b.sql", "1_x.txt",
	                                  "_x.sql", "1_x.sql.bak"};
	struct version_file parts;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(version_of_file(hf_str_of(bad[i]), &parts));
	assert_true(version_of_file(HF_STR("12_a_b-c.d.sql"), &parts));
	assert_true(str_eq(parts.version, HF_STR("12")));
	assert_true(str_eq(parts.name, HF_STR("a_b-c.d")));
	expect_refused(&(struct set_file){"x.sql", TEXT}, 1, HF_E_INPUT, "x.sql is not the name of a migration");
}

static void order_is_by_number_then_repeatables(UNUSED void **state)
{
	static const struct set_file files[] = {{"R__b.sql", TEXT}, {"10_c.sql", TEXT}, {"20260314T101500_e.sql", TEXT},
	                                        {"R__a.sql", TEXT}, {"9_b.sql", TEXT},  {"0001_a.sql", TEXT}, {"900_d.sql", TEXT}};
	static const char *const order[] = {"0001_a.sql", "9_b.sql",  "10_c.sql", "900_d.sql", "20260314T101500_e.sql",
	                                    "R__a.sql",   "R__b.sql"};
	CLEANUP(migrations_freep) hf_migrations *set = make(files, ARRAY_LEN(files));
	assert_int_equal(hf_migrations_count(set), ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_string_equal(hf_migrations_get(set, i)->file, order[i]);
	assert_null(hf_migrations_get(set, ARRAY_LEN(order)));
	assert_string_equal(hf_migrations_name(set), "test");
	assert_string_equal(hf_migrations_find(set, "1")->file, "0001_a.sql");
	assert_string_equal(hf_migrations_find(set, "0010")->file, "10_c.sql");
	assert_string_equal(hf_migrations_find(set, "R__b")->file, "R__b.sql");
	assert_null(hf_migrations_find(set, "2"));
	assert_null(hf_migrations_find(set, "zzz"));
}

static void a_version_occurs_once(UNUSED void **state)
{
	static const struct set_file files[] = {{"1_a.sql", TEXT}, {"0001_b.sql", TEXT}};
	expect_refused(files, 2, HF_E_INPUT, "version 1 occurs twice: 0001_b.sql and 1_a.sql");
}

static void repeatables_run_after_what_they_depend_on(UNUSED void **state)
{
	static const struct set_file files[] = {
	        {"R__a.sql", HF_STR_INIT("-- migrate: depends=c\n-- up\n")},
	        {"R__b.sql", HF_STR_INIT("-- up\n")},
	        {"R__c.sql", HF_STR_INIT("-- migrate: depends=b,d\n-- up\n")},
	        {"R__d.sql", HF_STR_INIT("-- up\n")},
	};
	static const char *const order[] = {"R__b.sql", "R__d.sql", "R__c.sql", "R__a.sql"};
	CLEANUP(migrations_freep) hf_migrations *set = make(files, ARRAY_LEN(files));
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_string_equal(hf_migrations_get(set, i)->file, order[i]);
	static const struct set_file circle[] = {{"R__a.sql", HF_STR_INIT("-- migrate: depends=b\n-- up\n")},
	                                         {"R__b.sql", HF_STR_INIT("-- migrate: depends=a\n-- up\n")}};
	expect_refused(circle, 2, HF_E_INPUT, "depends on itself");
	static const struct set_file gap[] = {{"R__a.sql", HF_STR_INIT("-- migrate: depends=x\n-- up\n")}};
	expect_refused(gap, 1, HF_E_INPUT, "R__a.sql depends on \"x\", which is not in the set");
}

static void the_chain_hangs_on_every_file(UNUSED void **state)
{
	struct set_file files[] = {{"1_a.sql", TEXT}, {"2_b.sql", TEXT}, {"3_c.sql", TEXT}};
	CLEANUP(migrations_freep) hf_migrations *before = make(files, 3);
	files[0].content = HF_STR("-- up\nSELECT 2;\n");
	CLEANUP(migrations_freep) hf_migrations *after = make(files, 3);
	assert_int_equal(strlen(hf_migrations_chain(before)), 64);
	assert_string_not_equal(hf_migrations_chain(before), hf_migrations_chain(after));
	files[0].content = HF_STR("-- up\r\nSELECT 1;  \r\n");
	CLEANUP(migrations_freep) hf_migrations *crlf = make(files, 3);
	assert_string_equal(hf_migrations_chain(before), hf_migrations_chain(crlf));
	files[0].file = "1_z.sql";
	CLEANUP(migrations_freep) hf_migrations *renamed = make(files, 3);
	assert_string_not_equal(hf_migrations_chain(before), hf_migrations_chain(renamed));
}

static void bad_set_names_are_refused(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_STATUS(set_make("Big Name", NULL, 0, (struct hf_str){NULL, 0}, &set, &err), HF_E_USAGE);
	EXPECT_STATUS(set_make("", NULL, 0, (struct hf_str){NULL, 0}, &set, &err), HF_E_USAGE);
}

/* ---- directories ---- */

static char folder[] = "/tmp/holdfast-test-set-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int make_folder(UNUSED void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(UNUSED void **state)
{
	char command[300];
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void a_directory_is_a_set_and_its_sum_is_checked(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	write_file("2_b.sql", "-- up\nSELECT 2;\n");
	write_file("1_a.sql", "-- up\nSELECT 1;\n");
	write_file("README", "not a migration");
	write_file(".3_hidden.sql", "not a migration");
	EXPECT_OK(hf_migrations_open(NULL, NULL, folder, &set, &err));
	assert_int_equal(hf_migrations_count(set), 2);
	assert_string_equal(hf_migrations_name(set), "default");
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str sum = hf_migrations_sum(set, arena);
	hf_migrations_free(set);

	write_file("migrations.sum", sum.ptr);
	EXPECT_OK(hf_migrations_open(NULL, "mine", folder, &set, &err));
	hf_migrations_free(set);
	set = NULL;
	write_file("2_b.sql", "-- up\nSELECT 3;\n");
	EXPECT_STATUS(hf_migrations_open(NULL, "mine", folder, &set, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "from 2_b.sql on");
	write_file("2_b.sql", "-- up\nSELECT 2;\n");
	write_file("3_c.sql", "-- up\nSELECT 3;\n");
	EXPECT_STATUS(hf_migrations_open(NULL, "mine", folder, &set, &err), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "from 3_c.sql on");
	assert_null(set);
}

static void remove_file(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(remove(path), 0);
}

static void make_directory(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void a_sum_is_written_whole_or_not_at_all(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_STATUS(hf_migrations_open(NULL, NULL, folder, &set, &err), HF_E_CORRUPT);
	EXPECT_OK(hf_migrations_write_sum(NULL, folder, &err));
	EXPECT_OK(hf_migrations_open(NULL, NULL, folder, &set, &err));
	hf_migrations_free(set);
	write_file("4_d.sql", "no section");
	EXPECT_STATUS(hf_migrations_write_sum(NULL, folder, &err), HF_E_INPUT);
	remove_file("4_d.sql");
	EXPECT_OK(hf_migrations_open(NULL, NULL, folder, &set, &err)); /* the old sum is still there */
	hf_migrations_free(set);
	make_directory(".migrations.sum.new");
	EXPECT_STATUS(hf_migrations_write_sum(NULL, folder, &err), HF_E_FAILED);
	EXPECT_CONTAINS(err.message, "could not write");
	remove_file(".migrations.sum.new");
	EXPECT_STATUS(hf_migrations_write_sum(NULL, "/nonexistent", &err), HF_NOT_FOUND);
	remove_file("migrations.sum");
	make_directory("migrations.sum");
	EXPECT_STATUS(hf_migrations_write_sum(NULL, folder, &err), HF_E_INPUT);
	remove_file("migrations.sum");
}

/* /dev/full takes nothing: the new sum cannot be written, and what stood there stays. */
static void a_full_disk_leaves_the_old_sum(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	char path[256];
	EXPECT_OK(hf_migrations_write_sum(NULL, folder, &err));
	snprintf(path, sizeof(path), "%s/.migrations.sum.new", folder);
	assert_int_equal(symlink("/dev/full", path), 0);
	EXPECT_STATUS(hf_migrations_write_sum(NULL, folder, &err), HF_E_FAILED);
	EXPECT_CONTAINS(err.message, "No space left on device");
	EXPECT_OK(hf_migrations_open(NULL, NULL, folder, &set, &err));
	hf_migrations_free(set);
}

static void large_directories_are_read_whole(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	char name[64];
	for (int i = 100; i < 300; i++) {
		snprintf(name, sizeof(name), "%d_many.sql", i);
		write_file(name, "-- up\nSELECT 1;\n");
	}
	EXPECT_OK(hf_migrations_write_sum(NULL, folder, &err));
	EXPECT_OK(hf_migrations_open(NULL, NULL, folder, &set, &err));
	assert_true(hf_migrations_count(set) >= 200);
	hf_migrations_free(set);
}

static void what_cannot_be_read_is_named(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_STATUS(hf_migrations_open(NULL, NULL, "/nonexistent/x", &set, &err), HF_NOT_FOUND);
	EXPECT_CONTAINS(err.message, "could not open directory /nonexistent/x");
	char path[256];
	snprintf(path, sizeof(path), "%s/9_dir.sql", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	EXPECT_STATUS(hf_migrations_open(NULL, NULL, folder, &set, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "9_dir.sql is not a file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/nonexistent/y", path), 0);
	EXPECT_STATUS(hf_migrations_open(NULL, NULL, folder, &set, &err), HF_E_FAILED);
	EXPECT_CONTAINS(err.message, "9_dir.sql");
	assert_int_equal(unlink(path), 0);
}

static void the_janitor_set_is_built_in(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	EXPECT_OK(hf_migrations_embedded(NULL, "janitor", &set, &err));
	assert_true(hf_migrations_count(set) >= 9);
	assert_string_equal(hf_migrations_get(set, 0)->version, "0001");
	hf_migrations *other = NULL;
	EXPECT_STATUS(hf_migrations_embedded(NULL, "nix", &other, &err), HF_NOT_FOUND);
	EXPECT_CONTAINS(err.hint, "janitor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(versions_are_numbers),
	        cmocka_unit_test(file_names_are_checked),
	        cmocka_unit_test(order_is_by_number_then_repeatables),
	        cmocka_unit_test(a_version_occurs_once),
	        cmocka_unit_test(repeatables_run_after_what_they_depend_on),
	        cmocka_unit_test(the_chain_hangs_on_every_file),
	        cmocka_unit_test(bad_set_names_are_refused),
	        cmocka_unit_test(a_directory_is_a_set_and_its_sum_is_checked),
	        cmocka_unit_test(a_sum_is_written_whole_or_not_at_all),
	        cmocka_unit_test(a_full_disk_leaves_the_old_sum),
	        cmocka_unit_test(large_directories_are_read_whole),
	        cmocka_unit_test(what_cannot_be_read_is_named),
	        cmocka_unit_test(the_janitor_set_is_built_in),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
