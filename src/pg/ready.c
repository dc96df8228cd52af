/*
 * ready.c - see ready.h. That a deadline passed is only believed to a fresh look at the context's clock.
 */
#include "pg/ready.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/macros.h"

enum { WAIT_US_MAX = 200000 }; /* an interruption is seen within it */

static bool watch(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void ready_init(struct ready *ready, int socket)
{
	*ready = (struct ready){.socket = socket, .epoll = epoll_create1(EPOLL_CLOEXEC), .timer = -1};
	if (ready->epoll >= 0)
		ready->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ready->timer < 0 || !watch(ready->epoll, socket, EPOLLIN | EPOLLRDHUP | EPOLLET) ||
	    !watch(ready->epoll, ready->timer, EPOLLIN))
		ready_deinit(ready);
}

void ready_deinit(struct ready *ready)
{
	if (ready->epoll >= 0)
		close(ready->epoll);
	if (ready->timer >= 0)
		close(ready->timer);
	ready->epoll = ready->timer = -1;
	ready->no_edges = true;
}

/* False when it was interrupted or the time is over. */
static bool wait_poll(const struct ready *ready, bool unsent, int64_t left_us)
{
	struct pollfd watched = {.fd = ready->socket, .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)};
	int n = poll(&watched, 1, (int)(left_us / 1000 + 1));
	return n > 0 || (n < 0 && errno != EINTR);
}

/* WAIT_US_MAX at most; 0 or less: the deadline passed. */
static int64_t time_left(hf_deadline deadline, int64_t now_us)
{
	int64_t left_us;
	if (__builtin_sub_overflow(deadline, now_us, &left_us))
		return deadline > 0 ? WAIT_US_MAX : 0;
	return left_us < WAIT_US_MAX ? left_us : WAIT_US_MAX;
}

COLD static bool set_timer(struct ready *ready, int64_t now_us, hf_deadline deadline)
{
	int64_t left_us = time_left(deadline, now_us);
	const struct itimerspec when = {.it_value = {left_us / 1000000, left_us % 1000000 * 1000}};
	bool is_set = timerfd_settime(ready->timer, 0, &when, NULL) == 0;
	ready->set_us = is_set ? now_us + left_us : 0;
	return is_set;
}

/* One or two events. True when the socket is among them. */
static bool take_events(struct ready *ready, const struct epoll_event *events, int count)
{
	bool is_ready = false;
	for (int i = 0; i < count; i++) {
		if (events[i].data.fd != ready->socket) {
			ready->set_us = 0;
			continue;
		}
		is_ready = true;
		ready->no_edges = (events[i].events & ~(uint32_t)EPOLLIN) != 0; /* hung up: no edge comes after it */
	}
	return is_ready;
}

HOT static bool wait_epoll(struct ready *ready)
{
	struct epoll_event events[2];
	int n = epoll_wait(ready->epoll, events, ARRAY_LEN(events), -1);
	if (n < 0)
		return errno != EINTR;
	return take_events(ready, events, n);
}

/* Any further wait, and any that is not plain. */
COLD static enum hf_status wait_on(struct ready *ready, hf_context *ctx, bool unsent, bool interruptible,
				   hf_deadline deadline)
{
	for (bool is_ready = false; !is_ready;) {
		int64_t left_us = time_left(deadline, hf_now_monotonic_us(ctx));
		if (left_us <= 0 || (interruptible && hf_context_interrupted(ctx)))
			return HF_TIMEOUT;
		is_ready = wait_poll(ready, unsent, left_us);
	}
	return HF_OK;
}

HOT enum hf_status ready_wait(struct ready *ready, hf_context *ctx, bool unsent, bool interruptible, int64_t now_us,
			      hf_deadline deadline)
{
	bool plain = now_us != 0 && !unsent && !ready->no_edges && deadline > now_us &&
		     !(interruptible && hf_context_interrupted(ctx));
	bool is_set = ready->set_us > now_us && ready->set_us <= deadline;
	if (plain && (is_set || set_timer(ready, now_us, deadline)) && wait_epoll(ready))
		return HF_OK;
	return wait_on(ready, ctx, unsent, interruptible, deadline);
}
