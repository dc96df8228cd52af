/*
 * shape.h - whether the parameters and columns that the server describes are the compiled ones.
 */
#ifndef PG_SHAPE_H
#define PG_SHAPE_H

#include "holdfast/query.h"
#include "pg/conn.h"

/**
 * HF_OK, or HF_E_DRIFT with the names of query, column, expected and found type. `described` is the answer to
 * PQsendDescribePrepared(). Round trips: none, or one for each type whose name or base is not known yet.
 */
enum hf_status shape_check(hf_connection *connection, const struct hf_query *query, const PGresult *described,
			   struct call *call, hf_error *err);

#endif
