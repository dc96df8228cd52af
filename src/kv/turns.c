/*
 * turns.c - see turns.h.
 */
#include "kv/turns.h"

#include <errno.h>
#include <unistd.h>

#include "base/macros.h"
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

/* Under the mutex; false at the deadline. @param since writes that had ended when we came. */
static bool wait_while(struct turns *turns, bool (*is_taken)(const struct turns *turns, uint64_t since),
                       int64_t left_us)
{
	uint64_t since = turns->writes;
	if (!is_taken(turns, since))
		return true;
	struct timespec until = monotonic_after(left_us);
	while (is_taken(turns, since))
		if (pthread_cond_timedwait(&turns->changed, &turns->mutex, &until) == ETIMEDOUT)
			return !is_taken(turns, since);
	return true;
}

static bool keeps_readers_out(const struct turns *turns, uint64_t since)
{
	return turns->writing || (turns->waiting > 0 && turns->writes == since);
}

static bool keeps_writers_out(const struct turns *turns, UNUSED uint64_t since)
{
	return turns->writing || turns->readers > 0 || turns->owed > 0;
}

bool turns_begin_read(struct turns *turns, int64_t left_us)
{
	pthread_mutex_lock(&turns->mutex);
	uint64_t since = turns->writes;
	turns->behind++;
	bool ours = wait_while(turns, keeps_readers_out, left_us);
	turns->behind--;
	turns->readers += ours;
	if (turns->writes != since && turns->owed > 0 && --turns->owed == 0 && !ours)
		pthread_cond_broadcast(&turns->changed);
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
	turns->writes++;
	turns->owed = turns->behind;
	pthread_cond_broadcast(&turns->changed);
	pthread_mutex_unlock(&turns->mutex);
}
