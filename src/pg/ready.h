/*
 * ready.h - waiting until a socket can be read, with a deadline that costs nothing while it is far away.
 *
 * poll(2) with a timeout sets and removes a kernel timer for each wait, about 150 ns of the 4 us that a one-row query
 * costs its client. Here the timer is a timerfd that stays set from one wait to the next: it is set again only when it
 * would come after the deadline or has gone off (after 0.2 s, so that an interruption is seen). Both descriptors hang
 * on one epoll. Without them (descriptors are short) poll(2) does the same.
 *
 * The socket is watched for edges, which spares the kernel a second look at it. An edge only tells of what came after
 * the last wait, so that it serves the first wait of a statement, whose answer is yet to come; who waits again, maybe
 * with some of the answer still unread, gets poll(2). So does every wait once the other side has hung up.
 */
#ifndef PG_READY_H
#define PG_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "holdfast/context.h"

struct ready {
	int socket;
	int epoll; /* -1: there was none */
	int timer;
	bool no_edges;	/* poll(2) only: no descriptors, or the other side hung up, which an edge tells only once */
	int64_t set_us; /* when the timer goes off, on the context's clock; 0 = it did, or was never set */
};

/** `socket` is borrowed and must stay the same. Cannot fail. */
void ready_init(struct ready *ready, int socket);
void ready_deinit(struct ready *ready);
/**
 * @param unsent watch for room to write, too
 * @param now_us in the first wait after a statement was sent the clock as it was seen a few microseconds ago, else 0
 * @param interruptible give up, as at the deadline, when the context is interrupted (seen within 0.2 s)
 * @return HF_OK: ready, or the socket failed (reading tells); HF_TIMEOUT
 */
enum hf_status ready_wait(struct ready *ready, hf_context *ctx, bool unsent, bool interruptible, int64_t now_us,
			  hf_deadline deadline);

#endif
