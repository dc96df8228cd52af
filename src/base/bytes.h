/*
 * bytes.h - numbers as bytes, whatever the machine and wherever they stand: little endian, and big endian, which orders
 * as the number does.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void put_le32(uint8_t *at, uint32_t number)
{
	number = htole32(number);
	memcpy(at, &number, sizeof(number));
}
static inline void put_le64(uint8_t *at, uint64_t number)
{
	number = htole64(number);
	memcpy(at, &number, sizeof(number));
}
static inline uint32_t get_le32(const uint8_t *at)
{
	uint32_t number;
	memcpy(&number, at, sizeof(number));
	return le32toh(number);
}
static inline uint64_t get_le64(const uint8_t *at)
{
	uint64_t number;
	memcpy(&number, at, sizeof(number));
	return le64toh(number);
}
static inline void put_be16(uint8_t *at, uint16_t number)
{
	number = htobe16(number);
	memcpy(at, &number, sizeof(number));
}
static inline uint16_t get_be16(const uint8_t *at)
{
	uint16_t number;
	memcpy(&number, at, sizeof(number));
	return be16toh(number);
}
static inline void put_be32(uint8_t *at, uint32_t number)
{
	number = htobe32(number);
	memcpy(at, &number, sizeof(number));
}
static inline void put_be64(uint8_t *at, uint64_t number)
{
	number = htobe64(number);
	memcpy(at, &number, sizeof(number));
}
static inline uint32_t get_be32(const uint8_t *at)
{
	uint32_t number;
	memcpy(&number, at, sizeof(number));
	return be32toh(number);
}
static inline uint64_t get_be64(const uint8_t *at)
{
	uint64_t number;
	memcpy(&number, at, sizeof(number));
	return be64toh(number);
}

/* The first eight bytes, zeros behind those that are fewer: texts whose heads differ order as these do. */
static inline uint64_t head_be64(const void *bytes, size_t count)
{
	uint8_t head[sizeof(uint64_t)] = {0};
	if (count > 0)
		memcpy(head, bytes, count < sizeof(head) ? count : sizeof(head));
	return get_be64(head);
}

#endif
