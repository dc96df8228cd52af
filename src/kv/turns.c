/*
 * turns.c - see turns.h.
 */
#include "kv/turns.h"

#include <errno.h>
#include <unistd.h>

#include "base/thread.h"
#include "pg/monotonic.h"

void turns_init(struct turns *turns)
{
	*turns = (struct turns){.pid = getpid()};
	pthread_mutex_init(&turns->mutex, NULL);
	cond_init_monotonic(&turns->changed);
}

bool turns_forked(const struct turns *turns)
{
	return turns->pid != getpid();
}

void turns_deinit(struct turns *turns)
{
	if (turns_forked(turns))
		return;
	pthread_cond_destroy(&turns->changed);
	pthread_mutex_destroy(&turns->mutex);
}

/* Under the mutex; false at the deadline. */
static bool wait_while(struct turns *turns, bool (*is_taken)(const struct turns *turns), int64_t left_us)
{
	if (!is_taken(turns))
		return true;
	struct timespec until = monotonic_after(left_us);
	while (is_taken(turns))
		if (pthread_cond_timedwait(&turns->changed, &turns->mutex, &until) == ETIMEDOUT)
			return !is_taken(turns);
	return true;
}

static bool keeps_readers_out(const struct turns *turns)
{
	return turns->writing || turns->waiting > 0;
}

static bool keeps_writers_out(const struct turns *turns)
{
	return turns->writing || turns->readers > 0;
}

bool turns_begin_read(struct turns *turns, int64_t left_us)
{
	pthread_mutex_lock(&turns->mutex);
	bool ours = wait_while(turns, keeps_readers_out, left_us);
	turns->readers += ours;
	pthread_mutex_unlock(&turns->mutex);
	return ours;
}

bool turns_begin_write(struct turns *turns, int64_t left_us)
{
	pthread_mutex_lock(&turns->mutex);
	turns->waiting++;
	bool ours = wait_while(turns, keeps_writers_out, left_us);
	turns->waiting--;
	turns->writing |= ours;
	if (!ours && turns->waiting == 0) /* readers stood behind us */
		pthread_cond_broadcast(&turns->changed);
	pthread_mutex_unlock(&turns->mutex);
	return ours;
}

void turns_end_read(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	if (--turns->readers == 0)
		pthread_cond_broadcast(&turns->changed);
	pthread_mutex_unlock(&turns->mutex);
}

void turns_end_write(struct turns *turns)
{
	pthread_mutex_lock(&turns->mutex);
	turns->writing = false;
	pthread_cond_broadcast(&turns->changed);
	pthread_mutex_unlock(&turns->mutex);
}
