/*
 * crc32c.c - see crc32c.h. Plain: a table for half a byte, small enough to be a constant.
 */
#include "base/crc32c.h"

#include <string.h>

uint32_t crc32c_plain(uint32_t crc, const void *bytes, size_t len)
{
	/* What the reflected polynomial 0x82f63b78 makes of the numbers 0 to 15. */
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *at = bytes;
	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

#ifdef __x86_64__

#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *at, size_t len)
{
	uint64_t sum = (uint32_t)~crc, word;
	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum = _mm_crc32_u64(sum, word);
	}
	uint32_t rest = (uint32_t)sum;
	for (; len > 0; len--)
		rest = _mm_crc32_u8(rest, *at++);
	return ~rest;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes, len) : crc32c_plain(crc, bytes, len);
}

#else

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	return crc32c_plain(crc, bytes, len);
}

#endif
