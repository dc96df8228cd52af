/*
 * where.c - hf_where to connection.
 */
#include "pg/where.h"

#include "base/error.h"
#include "pg/tx.h"

HOT enum hf_status where_resolve(const hf_where *where, hf_connection **ret_connection, hf_error *err)
{
	if (where->kind == HF_WHERE_POOL)
		return hf_pool_checkout(where->target, where->deadline, ret_connection, err);
	if (where->kind == HF_WHERE_TRANSACTION) {
		*ret_connection = ((struct hf_tx *)where->target)->connection;
		return HF_OK;
	}
	return error_set(err, HF_E_USAGE, "a statement cannot run here: hf_where of kind %d", (int)where->kind);
}

hf_context *hf_where_context(hf_where where)
{
	switch (where.kind) {
	case HF_WHERE_CONNECTION:
		return ((hf_connection *)where.target)->ctx;
	case HF_WHERE_POOL:
		return ((hf_pool *)where.target)->ctx;
	case HF_WHERE_TRANSACTION:
		return ((struct hf_tx *)where.target)->ctx;
	}
	return NULL;
}
