/*
 * where.h - turning an hf_where into the connection to use for one statement, and giving it back.
 */
#ifndef PG_WHERE_H
#define PG_WHERE_H

#include "pg/pool.h"

/** The same where it is no connection. */
enum hf_status where_resolve(const hf_where *where, hf_connection **ret_connection, hf_error *err);

/** The connection behind `where`: its own, the transaction's, or one checked out of the pool until its deadline. */
static inline enum hf_status where_acquire(const hf_where *where, hf_connection **ret_connection, hf_error *err)
{
	if (where->kind != HF_WHERE_CONNECTION)
		return where_resolve(where, ret_connection, err);
	*ret_connection = where->target;
	return HF_OK;
}
/** After the statement, whatever came of it. */
static inline void where_release(const hf_where *where, hf_connection *connection)
{
	if (where->kind == HF_WHERE_POOL)
		hf_pool_return(where->target, connection);
}
/** The same, at a moment that was looked up just before; 0 = at none. */
static inline void where_release_at(const hf_where *where, hf_connection *connection, int64_t now_us)
{
	if (where->kind == HF_WHERE_POOL)
		pool_return_at(where->target, connection, now_us);
}

#endif
