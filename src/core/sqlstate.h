/*
 * sqlstate.h - what a failed call means: category, who may do what about it, whether an operator should know.
 *
 * Pure. The answer depends on the SQLSTATE and on how far the call had come, never on message text (which is
 * translated). The table is sqlstate.def.
 */
#ifndef CORE_SQLSTATE_H
#define CORE_SQLSTATE_H

#include "holdfast/context.h"
#include "holdfast/error.h"

/* How far a call had come when it failed. */
enum phase {
	PHASE_CONNECT = 1,  /* logging in */
	PHASE_ACQUIRE,      /* waiting for a connection of a pool */
	PHASE_SENT_NOTHING, /* no byte of the call was given to the kernel */
	PHASE_SENT,
	PHASE_COMMIT_SENT,
	PHASE_DECODE        /* the server had answered completely */
};

/* All zero is the most careful reading: a write outside a transaction. */
struct situation {
	enum phase phase;     /* 0 = PHASE_SENT */
	bool in_tx;           /* within a transaction */
	bool managed;         /* that hf_transaction() alone ends: lost before its COMMIT = rolled back */
	bool repeatable;      /* the statement only reads, or is annotated as idempotent */
	bool generated;       /* its text was checked against the schema at build time */
	bool read_only;       /* the transaction was declared read only by the caller */
	bool primary;         /* the server says that it is no standby */
	bool survived;        /* the server called it an ERROR: its session goes on */
	bool our_deadline;    /* we sent the cancel, because the deadline passed */
	bool our_cancel;      /* hf_connection_cancel() was called */
	const char *routine;  /* the server's C function (PG_DIAG_SOURCE_FUNCTION), or NULL */
};

struct verdict {
	enum hf_status status;
	enum hf_category category;
	enum hf_action action;
	bool alert;
	bool close; /* the connection must not be used again */
	const char *meaning;
};

/** Judge an answer of the server. "" (no answer: EOF, reset, lost) is judged as 08006. Unknown codes by their class,
 *  unknown classes as an alarming failure of the server. */
struct verdict sqlstate_classify(const char *sqlstate, const struct situation *situation);
/** Put a verdict into an error whose message is set already. Returns the verdict's status. NULL is allowed. */
enum hf_status sqlstate_judge(hf_error *err, const char *sqlstate, const struct situation *situation);
/** The level rule: alerting error -> error, retryable -> warn, other error -> info. NULL or success -> debug. */
enum hf_log_level error_log_level(const hf_error *err);

#endif
