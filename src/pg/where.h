/*
 * where.h - turning an hf_where into the connection to use for one statement, and giving it back.
 */
#ifndef PG_WHERE_H
#define PG_WHERE_H

#include "pg/conn.h"

/** The connection behind `where`: its own, the transaction's, or one checked out of the pool until `where.deadline`. */
enum hf_status where_acquire(hf_where where, hf_connection **ret_connection, hf_error *err);
/** After the statement, whatever came of it. */
void where_release(hf_where where, hf_connection *connection);

#endif
