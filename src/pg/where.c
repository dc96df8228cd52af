/*
 * where.c - hf_where to connection.
 */
#include "pg/where.h"

#include "base/error.h"

enum hf_status where_acquire(hf_where where, hf_connection **ret_connection, hf_error *err)
{
	switch (where.kind) {
	case HF_WHERE_CONNECTION:
		*ret_connection = where.target;
		return HF_OK;
	case HF_WHERE_POOL:
	case HF_WHERE_TRANSACTION:
		break;
	}
	return error_set(err, HF_E_USAGE, "a statement cannot run here: hf_where of kind %d", (int)where.kind);
}

void where_release(UNUSED hf_where where, UNUSED hf_connection *connection)
{
}

hf_context *hf_where_context(hf_where where)
{
	return where.kind == HF_WHERE_CONNECTION ? ((hf_connection *)where.target)->ctx : NULL;
}
