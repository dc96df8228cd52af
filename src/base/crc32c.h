/*
 * crc32c.h - the CRC-32C checksum (Castagnoli): of blocks of files. By the processor's own instruction where it has
 * one.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/** The checksum of what `crc` is of (0 = nothing) with `bytes` behind it. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
/** The same without that instruction. */
uint32_t crc32c_plain(uint32_t crc, const void *bytes, size_t len);

#endif
