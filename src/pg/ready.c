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
	if (ready->epoll < 0)
		return;
	ready->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ready->timer < 0 || !watch(ready->epoll, socket, EPOLLIN | EPOLLET) ||
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
}

/* HF_OK also for a time-out of poll: the caller looks at the clock. *ret_ready tells. */
static void wait_poll(const struct ready *ready, bool unsent, int64_t left_us, bool *ret_ready)
{
	struct pollfd watched = {.fd = ready->socket, .events = (short)(unsent ? POLLIN | POLLOUT : POLLIN)};
	int n = poll(&watched, 1, (int)(left_us / 1000 + 1));
	*ret_ready = n > 0 || (n < 0 && errno != EINTR);
}

static bool set_timer(struct ready *ready, int64_t now_us, int64_t left_us)
{
	const struct itimerspec when = {.it_value = {left_us / 1000000, left_us % 1000000 * 1000}};
	ready->set_us = now_us + left_us;
	return timerfd_settime(ready->timer, 0, &when, NULL) == 0;
}

static void wait_epoll(struct ready *ready, bool *ret_ready)
{
	struct epoll_event events[2];
	int n = epoll_wait(ready->epoll, events, ARRAY_LEN(events), -1);
	*ret_ready = n < 0 && errno != EINTR;
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == ready->socket)
			*ret_ready = true;
		else
			ready->set_us = 0;
	}
}

HOT enum hf_status ready_wait(struct ready *ready, hf_context *ctx, bool unsent, bool interruptible, int64_t now_us,
			  hf_deadline deadline)
{
	bool is_ready = false, fresh = now_us != 0 && !unsent && ready->epoll >= 0;
	if (now_us == 0)
		now_us = hf_now_monotonic_us(ctx);
	for (;; fresh = false) {
		int64_t left_us;
		if (__builtin_sub_overflow(deadline, now_us, &left_us))
			left_us = deadline > 0 ? WAIT_US_MAX : 0;
		if (left_us <= 0 || (interruptible && hf_context_interrupted(ctx)))
			return HF_TIMEOUT;
		if (left_us > WAIT_US_MAX)
			left_us = WAIT_US_MAX;
		bool is_set = ready->set_us > now_us && ready->set_us <= deadline;
		if (!fresh || (!is_set && !set_timer(ready, now_us, left_us)))
			wait_poll(ready, unsent, left_us, &is_ready);
		else
			wait_epoll(ready, &is_ready);
		if (is_ready)
			return HF_OK;
		now_us = hf_now_monotonic_us(ctx);
	}
}
