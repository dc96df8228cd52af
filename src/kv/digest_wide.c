/*
 * digest_wide.c - the same hash by AVX2, which the compiler may use in this file alone.
 *
 * The upper halves of the registers are cleared behind it: gcc at -O2 forgets that, and with dirty ones all older
 * instructions of the thread take several times as long.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define XXH_VECTOR 2 /* XXH_AVX2 */
#include "kv/digest_hash.h"

void kv_hash_wide(const struct hf_kv_entry *entry, struct kv_hash *ret_hash)
{
	hash_entry(entry, ret_hash);
	_mm256_zeroupper();
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

bool kv_hash_has_wide(void)
{
	return __builtin_cpu_supports("avx2");
}

#else

#include "kv/digest.h"

void kv_hash_wide(const struct hf_kv_entry *entry, struct kv_hash *ret_hash)
{
	kv_hash_plain(entry, ret_hash);
}

bool kv_hash_has_wide(void)
{
	return false;
}

#endif
