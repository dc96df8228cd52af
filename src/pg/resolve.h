/*
 * resolve.h - host name to numeric addresses within a deadline.
 */
#ifndef PG_RESOLVE_H
#define PG_RESOLVE_H

#include "base/macros.h"
#include "holdfast/context.h"

enum { RESOLVE_ADDRESSES_MAX = 8, RESOLVE_TEXT_MAX = 64 };

struct addresses {
	size_t count;
	char text[RESOLVE_ADDRESSES_MAX][RESOLVE_TEXT_MAX];
};

/** @return HF_OK with at least one address; HF_TIMEOUT; HF_E_UNAVAILABLE. Numeric hosts take no time. */
enum hf_status resolve_host(hf_context *ctx, const char *host, hf_deadline deadline, struct addresses *ret_addresses,
			    hf_error *err);

#endif
