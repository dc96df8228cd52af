/* Layers of configuration that a test run cannot have on its own machine: the system's file and drop-ins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/configuration.h"
#include "../check.h"

struct fixture {
	char folder[64];
	hf_arena *arena;
	struct config_sources sources;
	struct parsed parsed;
};

static char *no_variable(UNUSED const char *name)
{
	return NULL;
}

static void write_file(const struct fixture *f, const char *name, const char *text)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int start(void **state)
{
	static struct fixture f;
	snprintf(f.folder, sizeof(f.folder), "/tmp/holdfast-conf-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	char drop_ins[100];
	snprintf(drop_ins, sizeof(drop_ins), "%s/conf.d", f.folder);
	mkdir(drop_ins, 0755);
	f.arena = hf_arena_new(0);
	f.sources = (struct config_sources){.system_dir = f.folder, .variable = no_variable};
	f.parsed = (struct parsed){0};
	*state = &f;
	return 0;
}

static int finish(void **state)
{
	struct fixture *f = *state;
	char command[200];
	hf_arena_free(f->arena);
	snprintf(command, sizeof(command), "rm -r %s", f->folder);
	return system(command);
}

static struct configuration *load(struct fixture *f)
{
	struct configuration *config = NULL;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(config_load(&f->sources, &f->parsed, f->arena, &config, &err));
	return config;
}

static void defaults_hold_without_files(void **state)
{
	struct configuration *config = load(*state);
	assert_int_equal(config_int(config, "database.connect_timeout"), 30000);
	assert_int_equal(config_int(config, "command.limit"), 100);
	assert_null(config_text(config, "database.url"));
	assert_string_equal(config_get(config, "command.limit")->origin, "default");
	assert_int_equal(config->npaths, 1);
	assert_false(config->paths[0].exists);
}

static void the_last_drop_in_wins(void **state)
{
	struct fixture *f = *state;
	char user[200], origin[200];
	write_file(f, "holdfast.conf", "[command]\nlimit = 1\ntimeout = 1s\noutput = csv\n[log]\nformat = json\n");
	write_file(f, "conf.d/10-a.conf", "[command]\nlimit = 2\ntimeout = 2s\noutput = tsv\n");
	write_file(f, "conf.d/20-b.conf", "[command]\nlimit = 3\ntimeout = 3s\n");
	write_file(f, "conf.d/30-c.txt", "this is not read");
	write_file(f, "user.conf", "[command]\nlimit = 4\n");
	snprintf(user, sizeof(user), "%s/user.conf", f->folder);
	f->sources.user_file = user;
	struct configuration *config = load(f);
	assert_int_equal(config_int(config, "command.limit"), 4);
	assert_int_equal(config_int(config, "command.timeout"), 3000);
	assert_string_equal(config_text(config, "command.output"), "tsv");
	assert_int_equal(config_int(config, "log.format"), 1);
	snprintf(origin, sizeof(origin), "%s/conf.d/20-b.conf:3", f->folder);
	assert_string_equal(config_get(config, "command.timeout")->origin, origin);
	assert_int_equal(config->npaths, 4);
	assert_string_equal(config->paths[0].kind, "system");
	assert_string_equal(config->paths[3].kind, "user");
}

static void a_profile_beats_plain_sections_of_every_file(void **state)
{
	struct fixture *f = *state;
	char user[200];
	write_file(f, "holdfast.conf", "[profile.p]\nprotected = yes\ncommand.limit = 5\ncommand.timeout = 5s\n");
	write_file(f, "user.conf", "[command]\nlimit = 4\n[profile.p]\ncommand.timeout = 6s\n[profile.q]\nprotected = no\n");
	snprintf(user, sizeof(user), "%s/user.conf", f->folder);
	f->sources.user_file = user;
	assert_false(load(f)->protect);
	f->sources.profile = "p";
	struct configuration *config = load(f);
	assert_true(config->protect);
	assert_int_equal(config_int(config, "command.limit"), 5);
	assert_int_equal(config_int(config, "command.timeout"), 6000);
	f->sources.profile = "q";
	assert_int_equal(config_int(load(f), "command.limit"), 4);
}

static void a_wrong_weak_file_is_an_error_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct configuration *config = NULL;
	hf_error err = HF_ERROR_INIT;
	char expected[300];
	write_file(f, "conf.d/10-a.conf", "[command]\n\n  limt = 2\n");
	write_file(f, "conf.d/20-b.conf", "[command]\nlimit = 3\n");
	EXPECT_STATUS(config_load(&f->sources, &f->parsed, f->arena, &config, &err), HF_E_CONFIG);
	snprintf(expected, sizeof(expected), "%s/conf.d/10-a.conf:3:3: unknown key \"limt\" in [command]", f->folder);
	assert_string_equal(err.message, expected);
	assert_int_equal(err.status, HF_E_CONFIG);
	assert_null(config);
}

static void too_many_files_are_refused(void **state)
{
	struct fixture *f = *state;
	struct configuration *config = NULL;
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < CONFIG_FILES_MAX; i++) {
		char name[64];
		snprintf(name, sizeof(name), "conf.d/%02d.conf", i);
		write_file(f, name, "");
	}
	EXPECT_STATUS(config_load(&f->sources, &f->parsed, f->arena, &config, &err), HF_E_CONFIG);
	assert_string_equal(err.message, "more than 64 configuration files");
}

static void running_out_of_memory_is_an_error_everywhere(void **state)
{
	struct fixture *f = *state;
	write_file(f, "holdfast.conf", "[command]\nlimit = \"1\"\n[profile.p]\nlog.level = info\nprotected = no\n");
	f->sources.profile = "p";
	bool succeeded = false;
	for (size_t max = 0; max < INI_FILE_MAX + 200000 && !succeeded; max += max < 20000 ? 64 : 50000) {
		CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(max + 1);
		struct configuration *config = NULL;
		hf_error err = HF_ERROR_INIT;
		enum hf_status status = config_load(&f->sources, &f->parsed, arena, &config, &err);
		assert_true(status == HF_OK || status == HF_E_NOMEM);
		succeeded = status == HF_OK;
	}
	assert_true(succeeded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults_hold_without_files, start, finish),
		cmocka_unit_test_setup_teardown(the_last_drop_in_wins, start, finish),
		cmocka_unit_test_setup_teardown(a_profile_beats_plain_sections_of_every_file, start, finish),
		cmocka_unit_test_setup_teardown(a_wrong_weak_file_is_an_error_all_the_same, start, finish),
		cmocka_unit_test_setup_teardown(too_many_files_are_refused, start, finish),
		cmocka_unit_test_setup_teardown(running_out_of_memory_is_an_error_everywhere, start, finish),
	};
	return cmocka_run_group_tests_name("configuration", tests, NULL, NULL);
}
