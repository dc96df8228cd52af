/*
 * key_range.c - see key_range.h.
 */
#include "core/key_range.h"

int key_compare(struct hf_bytes a, struct hf_bytes b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool key_successor(struct hf_bytes prefix, uint8_t *storage, struct hf_bytes *ret_successor)
{
	size_t len = prefix.len;
	while (len > 0 && prefix.ptr[len - 1] == 0xff)
		len--;
	if (len == 0)
		return false;
	memcpy(storage, prefix.ptr, len);
	storage[len - 1]++;
	*ret_successor = (struct hf_bytes){storage, len};
	return true;
}
