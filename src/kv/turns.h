/*
 * turns.h - one writer or many readers at a time, waited for until a deadline.
 *
 * Who waits to write keeps new readers out, or steady ones would never let it in; readers that wait when a write ends
 * come before the next, or steady writers would never let them in. The C library's own locks with a
 * monotonic deadline would do, but ThreadSanitizer does not know them.
 */
#ifndef KV_TURNS_H
#define KV_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct turns {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned readers, waiting; /* who read; who waits to write */
	unsigned behind;           /* who waits to read */
	unsigned owed;             /* of those: who waited when the last write ended */
	uint64_t writes;           /* that ended */
	bool writing;
	pid_t pid; /* that made it */
};

void turns_init(struct turns *turns);
/** In a child of the process that made it nothing happens: to end a condition variable is to wait for whoever waits. */
void turns_deinit(struct turns *turns);
bool turns_forked(const struct turns *turns);
/** False: it was not our turn within `left_us`. */
bool turns_begin_read(struct turns *turns, int64_t left_us);
bool turns_begin_write(struct turns *turns, int64_t left_us);
void turns_end_read(struct turns *turns);
void turns_end_write(struct turns *turns);

#endif
