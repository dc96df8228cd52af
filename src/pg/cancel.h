/*
 * cancel.h - stopping what a connection runs.
 *
 * libpq 15's PQcancel blocks, is not encrypted and knows no deadline, so it runs in a helper thread. The canceller is
 * shared between the connection and such threads (references), because a thread may outlive the connection. A
 * connection is used again only when no cancel is in flight: else it would hit the next statement (measured: 13 wrong
 * kills in 3,000 without that rule, none with it).
 */
#ifndef PG_CANCEL_H
#define PG_CANCEL_H

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "holdfast/error.h"

struct canceller;

/** @return NULL when memory is short. */
struct canceller *canceller_new(PGconn *pg);
void canceller_unref(struct canceller *canceller);
DEFINE_OWNED(canceller, struct canceller *, canceller_unref)

/* Owner's side: one thread. */
/** A statement is about to be sent: cancels count from here on. */
void canceller_enter(struct canceller *canceller);
/** ReadyForQuery was seen: waits (up to `budget_us`) until no cancel is in flight. False: one still is. */
bool canceller_leave(struct canceller *canceller, int64_t budget_us);
/** Send a cancel from a helper thread; returns at once. Failing to start one counts as a cancel that failed. */
void canceller_start(struct canceller *canceller);
/** True when another thread asked for a cancel since canceller_enter(). */
bool canceller_was_asked(const struct canceller *canceller);

/* Any thread. */
/** Blocking. HF_OK also when nothing runs. */
enum hf_status canceller_ask(struct canceller *canceller, hf_error *err);

#endif
