/*
 * Fetching an archive's index: over HTTP from a server of ours, through programs that stand in for apt-get, and what a
 * program run does at its end. tests/data/archive holds an InRelease of 2024 and the key that signed it, thrown away.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "holdfast/archive.h"
#include "janitor/download.h"
#include "janitor/program.h"
#include "http_double.h"
#include "../check.h"

#define SOURCES "Package: hello\nBinary: hello\nVersion: 1.0\nDirectory: pool/hello\n\n"
#define PLAIN "HTTP/1.0 200 OK\r\n\r\n"
#define HEAD(words, more) "HTTP/1.0 " words "\r\n" more "\r\n"

static char folder[] = "/tmp/hf-fetch-XXXXXX";
static char release_path[512], keyring_path[512], old_path[4096];
static struct http_double *server;
static hf_context *ctx;

static const struct http_route routes[] = {
	{"/good/dists/sid/InRelease", PLAIN, release_path, 0},
	{"/good/dists/sid/main/source/Sources", PLAIN SOURCES, NULL, 0},
	{"/good/dists/sid/main/source/Sources.bad", PLAIN "abc", NULL, 0},
	{"/good/dists/sid/main/source/Sources.short", PLAIN "abc", NULL, 0},
	{"/good/dists/sid/main/source/Sources.unnamed", PLAIN "abc", NULL, 0},
	{"/moved/dists/sid/InRelease", HEAD("302 Found", "Location: /good/dists/sid/InRelease\r\n"), NULL, 0},
	{"/moved/dists/sid/main/source/Sources", PLAIN SOURCES, NULL, 0},
	{"/circle", HEAD("302 Found", "Location: /circle\r\n"), NULL, 0},
	{"/file", HEAD("302 Found", "Location: file:///etc/passwd\r\n"), NULL, 0},
	{"/lost/dists/sid/InRelease", PLAIN, release_path, 0},
	{"/forged/dists/sid/InRelease", PLAIN "-----BEGIN PGP SIGNED MESSAGE-----\n", NULL, 0},
	{"/empty/dists/sid/InRelease", PLAIN, NULL, 0},
	{"/gone", HEAD("410 Gone", ""), NULL, 0},
	{"/broken", HEAD("503 Service Unavailable", ""), NULL, 0},
	{"/cut", HEAD("200 OK", "Content-Length: 100\r\n") "ten bytes.", NULL, 0},
	{"/silent", NULL, NULL, 0},
	{"/big", PLAIN "0123456789abcdef", NULL, 200000},
	{NULL, NULL, NULL, 0},
};

static const char *in_folder(const char *name)
{
	static char paths[4][600];
	static unsigned at;
	char *path = paths[at++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static const char *url_of(const char *path)
{
	static char url[256];
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", http_double_port(server), path);
	return url;
}

static hf_deadline soon(void)
{
	return hf_deadline_in(ctx, 20000);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int group_up(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	assert_non_null(mkdtemp(folder));
	snprintf(release_path, sizeof(release_path), "%s/InRelease", test_variable("HOLDFAST_ARCHIVE_DATA"));
	snprintf(keyring_path, sizeof(keyring_path), "%s/keyring.gpg", test_variable("HOLDFAST_ARCHIVE_DATA"));
	snprintf(old_path, sizeof(old_path), "%s", getenv("PATH"));
	assert_int_equal(mkdir(in_folder("bin"), 0700), 0);
	EXPECT_OK(hf_context_new(NULL, &ctx, &err));
	server = http_double_start(routes);
	return 0;
}

static int group_down(UNUSED void **state)
{
	char command[600];
	http_double_stop(server);
	hf_context_free(ctx);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static int path_back(UNUSED void **state)
{
	return setenv("PATH", old_path, 1);
}

/* ---- by URL ---- */

static enum hf_status fetch_url(const char *path, struct hf_archive_index *index, hf_error *err)
{
	return hf_archive_fetch_url(ctx, url_of(path), keyring_path, folder, soon(), index, err);
}

static void a_signed_index_is_fetched(UNUSED void **state)
{
	static const char *const trees[] = {"/good", "/moved"};
	for (size_t i = 0; i < ARRAY_LEN(trees); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_archive_index index;
		char path[128];
		snprintf(path, sizeof(path), "%s/dists/sid/main/source/Sources", trees[i]);
		EXPECT_OK(fetch_url(path, &index, &err));
		assert_int_equal(index.bytes, sizeof(SOURCES) - 1);
		assert_string_equal(index.path, in_folder("Sources"));
	}
}

static void what_is_not_as_signed_is_refused(UNUSED void **state)
{
	static const struct {
		const char *path;
		enum hf_status status;
		const char *message;
	} cases[] = {
		{"/good/dists/sid/main/source/Sources.bad", HF_E_CORRUPT, "the SHA-256 of main/source/Sources.bad is not"},
		{"/good/dists/sid/main/source/Sources.short", HF_E_CORRUPT, "InRelease does not name main/source/Sources.short"},
		{"/good/dists/sid/main/source/Sources.unnamed", HF_E_CORRUPT, "InRelease does not name"},
		{"/forged/dists/sid/main/source/Sources", HF_E_CORRUPT, "the signature of InRelease is not good"},
		{"/empty/dists/sid/main/source/Sources", HF_E_CORRUPT, "the signature of InRelease is not good"},
		{"/lost/dists/sid/main/source/Sources", HF_NOT_FOUND, "404"},
		{"/nowhere/dists/sid/main/source/Sources", HF_NOT_FOUND, "404"},
		{"/nowhere/Sources", HF_E_INPUT, "the URL of an index must be"},
		{"/dists/", HF_E_INPUT, "the URL of an index must be"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_archive_index index = {.bytes = 7};
		EXPECT_STATUS(fetch_url(cases[i].path, &index, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
		assert_int_equal(index.bytes, 7);
	}
	hf_error err = HF_ERROR_INIT;
	struct hf_archive_index index;
	EXPECT_STATUS(hf_archive_fetch_url(ctx, "ftp://h/dists/sid/x", NULL, folder, soon(), &index, &err), HF_E_INPUT);
}

static void a_signature_needs_its_key_and_gpgv(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_archive_index index;
	const char *url = url_of("/good/dists/sid/main/source/Sources");
	EXPECT_STATUS(hf_archive_fetch_url(ctx, url, in_folder("none.gpg"), folder, soon(), &index, &err), HF_E_NO_PACKAGE);
	EXPECT_CONTAINS(err.message, "could not read the keyring");
	write_file(in_folder("other.gpg"), "", 0600);
	EXPECT_STATUS(hf_archive_fetch_url(ctx, url, in_folder("other.gpg"), folder, soon(), &index, &err), HF_E_CORRUPT);
	setenv("PATH", in_folder("bin"), 1);
	EXPECT_STATUS(hf_archive_fetch_url(ctx, url, keyring_path, folder, soon(), &index, &err), HF_E_NO_PACKAGE);
	EXPECT_CONTAINS(err.message, "gpgv is not installed");
}

static void a_folder_must_exist_and_have_a_short_name(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_archive_index index;
	char longer[600];
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	const char *url = url_of("/good/dists/sid/main/source/Sources");
	EXPECT_STATUS(hf_archive_fetch_url(ctx, url, NULL, in_folder("none"), soon(), &index, &err), HF_E_FAILED);
	EXPECT_STATUS(hf_archive_fetch_url(ctx, url, NULL, longer, soon(), &index, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid", longer, soon(), &index, &err), HF_E_LIMIT);
	for (size_t n = 505; n < 511; n++) { /* the folder fits, the names below it do not */
		longer[n] = '\0';
		EXPECT_STATUS(hf_archive_fetch_url(ctx, url, NULL, longer, soon(), &index, &err), HF_E_LIMIT);
		longer[n] = 'x';
	}
	longer[500] = '\0';
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid", longer, soon(), &index, &err), HF_E_LIMIT);
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid", in_folder("none"), soon(), &index, &err), HF_E_FAILED);
}

/* ---- one download ---- */

static enum hf_status get(const char *url, size_t bytes_max, int64_t ms, hf_error *err)
{
	return download(ctx, url, in_folder("got"), bytes_max, hf_deadline_in(ctx, ms), err);
}

static void a_failed_download_says_why(UNUSED void **state)
{
	static const struct {
		const char *path;
		enum hf_status status;
		const char *message;
	} cases[] = {
		{"/gone", HF_NOT_FOUND, "410"},
		{"/broken", HF_E_UNAVAILABLE, "503"},
		{"/cut", HF_E_UNAVAILABLE, "bytes"},
		{"/circle", HF_E_UNAVAILABLE, "redirect"},
		{"/file", HF_E_UNAVAILABLE, "rotocol"},
		{"/silent", HF_TIMEOUT, "took too long"},
		{"/big", HF_E_LIMIT, "is larger than 1 MiB"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		EXPECT_STATUS(get(url_of(cases[i].path), 1 << 20, cases[i].status == HF_TIMEOUT ? 300 : 20000, &err),
		              cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
	hf_error err = HF_ERROR_INIT;
	EXPECT_STATUS(get(url_of("/big"), 16 << 20, -1000, &err), HF_TIMEOUT);
	EXPECT_STATUS(get("http://127.0.0.1:1/", 100, 20000, &err), HF_E_UNAVAILABLE);
	EXPECT_OK(get(url_of("/big"), 16 << 20, 20000, &err));
	struct stat info;
	assert_int_equal(stat(in_folder("got"), &info), 0);
	assert_int_equal(info.st_size, 200001 * 16);
	EXPECT_STATUS(download(ctx, url_of("/big"), "/dev/full", 16 << 20, soon(), &err), HF_E_FAILED);
	EXPECT_CONTAINS(err.message, "could not write /dev/full");
	EXPECT_STATUS(download(ctx, url_of("/good/dists/sid/main/source/Sources"), "/dev/full", 16 << 20, soon(), &err),
	              HF_E_FAILED);
}

static void a_sum_needs_two_files(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_str name = HF_STR("main/source/Sources");
	EXPECT_STATUS(release_check(in_folder("none"), name, in_folder("none"), &err), HF_NOT_FOUND);
	EXPECT_STATUS(release_check(release_path, name, in_folder("none"), &err), HF_E_FAILED);
	EXPECT_STATUS(release_check(release_path, name, folder, &err), HF_E_FAILED);
	write_file(in_folder("index"), SOURCES, 0600);
	EXPECT_OK(release_check(release_path, name, in_folder("index"), &err));
	write_file(in_folder("cut-release"), "SHA256:\n 12", 0600);
	EXPECT_STATUS(release_check(in_folder("cut-release"), name, in_folder("index"), &err), HF_E_CORRUPT);
}

/* ---- through apt ---- */

/* An apt-get that says these mirrors and does this for an update, "$lists" being the folder asked for. */
static void fake_apt(const char *mirrors, const char *update)
{
	char script[2048];
	snprintf(script, sizeof(script),
	         "#!/bin/sh\nPATH=/usr/bin:/bin\nif [ $1 = indextargets ]; then\ncat <<EOF\n%sEOF\nexit 0\nfi\n"
	         "for word; do case $word in Dir::State::lists=*) lists=${word#*=} ;; Dir::Etc::sourcelist=*) cat "
	         "${word#*=} ;; esac; done\n%s\n", mirrors, update);
	write_file(in_folder("bin/apt-get"), script, 0700);
	setenv("PATH", in_folder("bin"), 1);
}

#define MIRRORS                                                                                                        \
	"http://security.example/debian-security http://security.example Debian main\n"                                \
	"http://other.example/other http://other.example Other main\n"                                                 \
	"http://mirror.example/debian http://mirror.example Debian main\n"

static void apt_fetches_from_its_mirror(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_archive_index index;
	fake_apt(MIRRORS, "echo index > $lists/mirror.example_debian_dists_sid_main_source_Sources");
	EXPECT_OK(hf_archive_fetch_apt(ctx, "sid", folder, soon(), &index, &err));
	assert_int_equal(index.bytes, 6);
	EXPECT_CONTAINS(index.path, "/lists/mirror.example_debian_dists_sid_main_source_Sources");
	char line[256] = "";
	FILE *list = fopen(in_folder("sources.list"), "re");
	assert_non_null(list);
	assert_non_null(fgets(line, sizeof(line), list));
	fclose(list);
	assert_string_equal(line, "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
	                          "http://mirror.example/debian sid main\n");
	assert_int_equal(unlink(index.path), 0);
}

static void apt_fails_in_its_ways(UNUSED void **state)
{
	static const struct {
		const char *mirrors, *update;
		enum hf_status status;
		const char *message;
	} cases[] = {
		{"", "", HF_NOT_FOUND, "apt has no mirror of Debian configured"},
		{MIRRORS, "", HF_NOT_FOUND, "apt fetched no index of sources"},
		{MIRRORS, "echo 'W: x'; echo 'E: NO_PUBKEY 123'; exit 100", HF_E_CORRUPT, "index: E: NO_PUBKEY 123"},
		{MIRRORS, "echo 'E: The repository is not signed.'; exit 100", HF_E_CORRUPT, "not signed"},
		{MIRRORS, "echo 'E: no route'; exit 100", HF_E_UNAVAILABLE, "index: E: no route"},
		{MIRRORS, "kill -9 $$", HF_E_UNAVAILABLE, "apt could not fetch the index"},
		{MIRRORS, "rmdir $lists/partial $lists", HF_E_FAILED, "could not read"},
		{MIRRORS, "ln -s nowhere $lists/x_source_Sources", HF_E_FAILED, "could not look at"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		struct hf_archive_index index;
		fake_apt(cases[i].mirrors, cases[i].update);
		EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid", folder, soon(), &index, &err), cases[i].status);
		EXPECT_CONTAINS(err.message, cases[i].message);
	}
	hf_error err = HF_ERROR_INIT;
	struct hf_archive_index index;
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid; rm", folder, soon(), &index, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "", folder, soon(), &index, &err), HF_E_INPUT);
	assert_int_equal(unlink(in_folder("bin/apt-get")), 0);
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid", folder, soon(), &index, &err), HF_E_NO_PACKAGE);
	EXPECT_CONTAINS(err.message, "apt-get is not installed");
	assert_int_equal(unlink(in_folder("sources.list")), 0);
	assert_int_equal(mkdir(in_folder("sources.list"), 0700), 0);
	fake_apt(MIRRORS, "");
	EXPECT_STATUS(hf_archive_fetch_apt(ctx, "sid", folder, soon(), &index, &err), HF_E_FAILED);
	assert_int_equal(rmdir(in_folder("sources.list")), 0);
}

/* ---- a program ---- */

static enum hf_status shell(hf_context *context, const char *script, int64_t ms, struct buf *output, int *code,
                            hf_error *err)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	return program_run(context, argv, hf_deadline_in(context, ms), output, code, err);
}

static void outputs_are_collected_and_bounded(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	struct buf output;
	int code = -1;
	buf_init(&output, 16);
	EXPECT_OK(shell(ctx, "echo out; echo err >&2; cat; exit 7", 20000, &output, &code, &err));
	assert_string_equal(output.ptr, "out\nerr\n");
	assert_int_equal(code, 7);
	buf_clear(&output);
	EXPECT_OK(shell(ctx, "head -c 100000 /dev/zero", 20000, &output, &code, &err));
	assert_int_equal(code, 0);
	EXPECT_OK(shell(ctx, "kill -15 $$", 20000, &output, &code, &err));
	assert_int_equal(code, 128 + 15);
	buf_deinit(&output);
	const char *const locked[] = {"/etc/passwd", NULL};
	EXPECT_STATUS(program_run(ctx, locked, soon(), &output, &code, &err), HF_E_FAILED);
}

/* The pid that the script wrote is no process any more (a zombie of init's at most). */
static bool is_gone(const char *path)
{
	char text[32] = "", stat_path[64], line[256] = "";
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	snprintf(stat_path, sizeof(stat_path), "/proc/%ld/stat", strtol(text, NULL, 10));
	file = fopen(stat_path, "re");
	if (!file)
		return true;
	char *got = fgets(line, sizeof(line), file);
	fclose(file);
	return !got || strstr(line, ") Z ");
}

static void a_late_program_is_ended_with_its_children(UNUSED void **state)
{
	static const char *const stubborn[] = {"", "trap '' TERM; "};
	for (size_t i = 0; i < ARRAY_LEN(stubborn); i++) {
		hf_error err = HF_ERROR_INIT;
		struct buf output;
		int code = -1;
		char script[700];
		buf_init(&output, 100);
		snprintf(script, sizeof(script), "%ssleep 100 & echo $! > %s; while :; do sleep 1; done", stubborn[i],
		         in_folder("child"));
		EXPECT_STATUS(shell(ctx, script, 2000, &output, &code, &err), HF_TIMEOUT); /* the child is named by then */
		EXPECT_CONTAINS(err.message, "did not end in time");
		assert_int_equal(code, -1);
		for (int left = 6000; left > 0 && !is_gone(in_folder("child")); left--)
			nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
		assert_true(is_gone(in_folder("child")));
		buf_deinit(&output);
	}
}

static void *interrupt_soon(void *context)
{
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	hf_context_interrupt(context);
	return NULL;
}

static void an_interruption_ends_both(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *context;
	struct buf output;
	pthread_t thread;
	int code = -1;
	buf_init(&output, 100);
	EXPECT_OK(hf_context_new(NULL, &context, &err));
	assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, context), 0);
	EXPECT_STATUS(shell(context, "sleep 100", 20000, &output, &code, &err), HF_E_INTERRUPTED);
	pthread_join(thread, NULL);
	EXPECT_STATUS(download(context, url_of("/silent"), in_folder("got"), 100, hf_deadline_in(context, 20000), &err),
	              HF_E_INTERRUPTED);
	buf_deinit(&output);
	hf_context_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_index_is_fetched),
		cmocka_unit_test(what_is_not_as_signed_is_refused),
		cmocka_unit_test_teardown(a_signature_needs_its_key_and_gpgv, path_back),
		cmocka_unit_test(a_folder_must_exist_and_have_a_short_name),
		cmocka_unit_test(a_failed_download_says_why),
		cmocka_unit_test(a_sum_needs_two_files),
		cmocka_unit_test_teardown(apt_fetches_from_its_mirror, path_back),
		cmocka_unit_test_teardown(apt_fails_in_its_ways, path_back),
		cmocka_unit_test(outputs_are_collected_and_bounded),
		cmocka_unit_test(a_late_program_is_ended_with_its_children),
		cmocka_unit_test(an_interruption_ends_both),
	};
	return cmocka_run_group_tests_name("fetch", tests, group_up, group_down);
}
