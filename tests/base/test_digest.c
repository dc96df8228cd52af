/*
 * SHA-256: published values, pieces in a row, and a libcrypto that gets no memory.
 */
#include "../check.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/digest.h"

static long failing; /* the n-th allocation of libcrypto from here on fails; 0 = none */

static bool fails(void)
{
	return failing > 0 && --failing == 0;
}

static void *crypto_malloc(size_t size, UNUSED const char *file, UNUSED int line)
{
	return fails() ? NULL : malloc(size);
}

static void *crypto_realloc(void *place, size_t size, UNUSED const char *file, UNUSED int line)
{
	return fails() ? NULL : realloc(place, size);
}

static void crypto_free(void *place, UNUSED const char *file, UNUSED int line)
{
	free(place);
}

static void expect_digest(const struct hf_str *pieces, size_t count, const char *want)
{
	uint8_t digest[DIGEST_BYTES];
	char hex[2 * DIGEST_BYTES + 1];
	assert_true(digest_of(pieces, count, digest));
	digest_hex(digest, hex);
	assert_string_equal(hex, want);
}

static void test_published_values(UNUSED void **state)
{
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	expect_digest((const struct hf_str[]){HF_STR("abc")}, 1, abc);
	expect_digest((const struct hf_str[]){HF_STR("a"), HF_STR(""), HF_STR("bc")}, 3, abc);
	expect_digest(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* A digest is either right or none. */
static void test_no_memory(UNUSED void **state)
{
	const struct hf_str piece = HF_STR("abc");
	uint8_t digest[DIGEST_BYTES];
	int failed = 0;
	for (long n = 1;; n++) {
		failing = n;
		bool fine = digest_of(&piece, 1, digest);
		bool reached = failing == 0;
		failing = 0;
		failed += !fine;
		if (fine)
			assert_int_equal(digest[0], 0xba);
		if (!reached)
			break;
	}
	assert_true(failed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_values),
		cmocka_unit_test(test_no_memory),
	};
	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
