/*
 * digest.c - SHA-256 by libcrypto.
 */
#include "base/digest.h"

#include <openssl/evp.h>

DEFINE_OWNED(md, EVP_MD_CTX *, EVP_MD_CTX_free)

bool digest_of(const struct hf_str *pieces, size_t count, uint8_t ret_digest[DIGEST_BYTES])
{
	CLEANUP(md_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool fine = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
	for (size_t i = 0; fine && i < count; i++)
		fine = EVP_DigestUpdate(md, pieces[i].ptr, pieces[i].len) == 1;
	return fine && EVP_DigestFinal_ex(md, ret_digest, NULL) == 1;
}

void digest_hex(const uint8_t digest[DIGEST_BYTES], char ret_hex[2 * DIGEST_BYTES + 1])
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		ret_hex[2 * i] = hex[digest[i] >> 4];
		ret_hex[2 * i + 1] = hex[digest[i] & 15];
	}
	ret_hex[2 * DIGEST_BYTES] = '\0';
}
