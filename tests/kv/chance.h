/*
 * chance.h - the random steps of the tests here: splitmix64 from a seed that is printed and can be given again by
 * HOLDFAST_TEST_SEED.
 */
#ifndef TESTS_KV_CHANCE_H
#define TESTS_KV_CHANCE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t chance(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t chance_under(uint64_t *state, uint64_t bound)
{
	return chance(state) % bound;
}

static inline uint64_t chance_seed(void)
{
	const char *given = getenv("HOLDFAST_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003;
	printf("# HOLDFAST_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

#endif
