/* Workers: what is stored of a password, and who is let in. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void start(struct rig *rig)
{
	rig_run(rig, "DELETE FROM worker");
}

static enum hf_status put(struct rig *rig, const char *name, const char *password, bool replace, hf_error *err)
{
	struct hf_worker worker = {hf_str_of(name), {NULL, 0}};
	return hf_worker_put(rig->where, &worker, hf_str_of(password), replace, NULL, err);
}

static enum hf_status try(struct rig *rig, const char *name, const char *password)
{
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = hf_worker_authenticate(rig->where, hf_str_of(name), hf_str_of(password), &err);
	if (status == HF_E_DENIED)
		assert_string_equal(err.message, "no worker has that name and password");
	return status;
}

static void its_password_lets_a_worker_in(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	start(rig);
	EXPECT_STATUS(try(rig, "w1", "one"), HF_E_DENIED); /* there is none at all */
	EXPECT_OK(put(rig, "w1", "one", false, &err));
	EXPECT_OK(put(rig, "w2", "two", false, &err));
	EXPECT_OK(try(rig, "w1", "one"));
	EXPECT_OK(try(rig, "w2", "two"));
	EXPECT_STATUS(try(rig, "w1", "two"), HF_E_DENIED);
	EXPECT_STATUS(try(rig, "w1", ""), HF_E_DENIED);
	EXPECT_STATUS(try(rig, "w3", "one"), HF_E_DENIED); /* although the hash of w1 is what it is tried against */
	EXPECT_STATUS(try(rig, "", "one"), HF_E_DENIED);
	EXPECT_STATUS(put(rig, "w1", "uno", false, &err), HF_CONFLICT);
	assert_string_equal(err.message, "there is a worker w1");
	EXPECT_OK(try(rig, "w1", "one"));
	EXPECT_OK(put(rig, "w1", "uno", true, &err));
	EXPECT_OK(try(rig, "w1", "uno"));
	EXPECT_STATUS(try(rig, "w1", "one"), HF_E_DENIED);
}

static void many_workers_at_once(void **state)
{
	struct rig *rig = *state;
	enum { N = 205 };
	static char names[N][16];
	struct hf_worker_account accounts[N];
	hf_error err = HF_ERROR_INIT;
	int64_t created = -7;
	start(rig);
	for (size_t i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "w%zu", i);
		accounts[i] = (struct hf_worker_account){{hf_str_of(names[i]), {NULL, 0}}, HF_STR("x")};
	}
	accounts[1].worker.link = HF_STR("https://w/1");
	accounts[N - 1].password = HF_STR("last");
	EXPECT_OK(hf_worker_import(rig->where, accounts, N, false, &created, &err));
	assert_int_equal(created, N);
	assert_int_equal(rig_count(rig, "worker"), N);
	assert_int_equal(rig_count(rig, "worker WHERE link = 'https://w/1' AND name = 'w1'"), 1);
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT password) FROM worker"), N); /* a salt each */
	EXPECT_OK(try(rig, "w204", "last"));
	accounts[N - 1].password = HF_STR("first");
	accounts[0].worker.name = HF_STR("new");
	EXPECT_OK(hf_worker_import(rig->where, accounts, N, true, &created, &err));
	assert_int_equal(created, 1);
	EXPECT_OK(try(rig, "w204", "first"));
	EXPECT_OK(hf_worker_import(rig->where, NULL, 0, false, &created, &err));
	assert_int_equal(created, 0);
}

static void one_worker_of_many_refuses_all(void **state)
{
	struct rig *rig = *state;
	struct hf_worker_account accounts[] = {{{HF_STR("a"), {NULL, 0}}, HF_STR("x")},
	                                       {{HF_STR("b"), {NULL, 0}}, HF_STR("x")},
	                                       {{HF_STR("w1"), {NULL, 0}}, HF_STR("x")}};
	hf_error err = HF_ERROR_INIT;
	int64_t created = -7;
	start(rig);
	EXPECT_OK(put(rig, "w1", "one", false, &err));
	EXPECT_STATUS(hf_worker_import(rig->where, accounts, 3, false, &created, &err), HF_CONFLICT);
	assert_string_equal(err.message, "there is a worker w1");
	accounts[2].worker.name = HF_STR("a");
	EXPECT_STATUS(hf_worker_import(rig->where, accounts, 3, true, &created, &err), HF_E_INPUT);
	assert_string_equal(err.message, "worker 3: the same name came before");
	accounts[2].worker.name = HF_STR("c:d");
	EXPECT_STATUS(hf_worker_import(rig->where, accounts, 3, true, &created, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "worker 3: the name of a worker has no colon");
	accounts[2] = (struct hf_worker_account){{HF_STR("c"), {NULL, 0}}, HF_STR("")};
	EXPECT_STATUS(hf_worker_import(rig->where, accounts, 3, true, &created, &err), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "worker 3: the password");
	EXPECT_STATUS(hf_worker_import(rig->where, accounts, 100001, true, &created, &err), HF_E_LIMIT);
	assert_int_equal(created, -7);
	assert_int_equal(rig_count(rig, "worker"), 1);
	EXPECT_OK(try(rig, "w1", "one"));
}

/* Hashes that the original's operators made by other means; texts that are none shut the door and break nothing. */
static void hashes_of_every_kind(void **state)
{
	static const char *const salts[] = {"gen_salt('bf')", "gen_salt('md5')", "gen_salt('xdes')", "gen_salt('des')"};
	static const char *const others[] = {"",
	                                     "x",
	                                     "one",
	                                     "$2a$99$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghi",
	                                     "$2b$08$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghi",
	                                     "$1$",
	                                     "*"};
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char sql[256];
	start(rig);
	rig_run(rig, "INSERT INTO worker (name, password) VALUES ('w1', '')");
	for (size_t i = 0; i < ARRAY_LEN(salts); i++) {
		snprintf(sql, sizeof(sql), "UPDATE worker SET password = crypt('one', %s)", salts[i]);
		rig_run(rig, sql);
		EXPECT_OK(try(rig, "w1", "one"));
		EXPECT_STATUS(try(rig, "w1", "two"), HF_E_DENIED);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		snprintf(sql, sizeof(sql), "UPDATE worker SET password = '%s'", others[i]);
		rig_run(rig, sql);
		EXPECT_STATUS(try(rig, "w1", "one"), HF_E_DENIED);
		EXPECT_STATUS(try(rig, "w1", others[i]), HF_E_DENIED);
		EXPECT_STATUS(try(rig, "w2", "one"), HF_E_DENIED);
	}
}

static void what_cannot_be_is_refused(void **state)
{
	static const char nul[] = "a\0b";
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char text[300];
	struct hf_str bad[] = {{nul, 3}, HF_STR("\xff\xfe"), {text, sizeof(text)}};
	struct hf_worker worker = {HF_STR("w1"), {NULL, 0}};
	memset(text, 'a', sizeof(text));
	start(rig);
	EXPECT_OK(put(rig, "w1", "one", false, &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		EXPECT_STATUS(hf_worker_authenticate(rig->where, HF_STR("w1"), bad[i], &err), HF_E_DENIED);
		EXPECT_STATUS(hf_worker_authenticate(rig->where, bad[i], HF_STR("one"), &err), HF_E_DENIED);
		EXPECT_STATUS(hf_worker_put(rig->where, &worker, bad[i], true, NULL, &err), HF_E_INPUT);
		struct hf_worker named = {bad[i], {NULL, 0}};
		EXPECT_STATUS(hf_worker_put(rig->where, &named, HF_STR("one"), true, NULL, &err), HF_E_INPUT);
	}
	/* 72 bytes are seen to the last one; the hash would not see a 73rd. */
	EXPECT_OK(hf_worker_put(rig->where, &worker, (struct hf_str){text, 72}, true, NULL, &err));
	EXPECT_OK(hf_worker_authenticate(rig->where, HF_STR("w1"), (struct hf_str){text, 72}, &err));
	EXPECT_STATUS(hf_worker_authenticate(rig->where, HF_STR("w1"), (struct hf_str){text, 71}, &err), HF_E_DENIED);
	EXPECT_STATUS(hf_worker_authenticate(rig->where, HF_STR("w1"), (struct hf_str){text, 73}, &err), HF_E_DENIED);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM worker"), 1);
}

static void hashing_is_the_servers(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	start(rig);
	EXPECT_OK(put(rig, "w1", "one", false, &err));
	EXPECT_OK(put(rig, "w2", "one", false, &err));
	assert_int_equal(rig_number(rig, "SELECT count(DISTINCT password) FROM worker WHERE password LIKE '$2a$08$%'"),
	                 2);
	EXPECT_STATUS(hf_worker_remove(rig->where, HF_STR("w3"), &err), HF_NOT_FOUND);
	EXPECT_OK(hf_worker_remove(rig->where, HF_STR("w1"), &err));
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM worker"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_password_lets_a_worker_in),  cmocka_unit_test(many_workers_at_once),
		cmocka_unit_test(one_worker_of_many_refuses_all), cmocka_unit_test(hashes_of_every_kind),
		cmocka_unit_test(what_cannot_be_is_refused),      cmocka_unit_test(hashing_is_the_servers),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
