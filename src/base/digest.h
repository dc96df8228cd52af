/*
 * digest.h (base) - SHA-256 of texts.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/str.h"

enum { DIGEST_BYTES = 32 };

/** SHA-256 over the pieces in a row. False when libcrypto fails (no memory). */
bool digest_of(const struct hf_str *pieces, size_t count, uint8_t ret_digest[DIGEST_BYTES]);
void digest_hex(const uint8_t digest[DIGEST_BYTES], char ret_hex[2 * DIGEST_BYTES + 1]);

#endif
