/*
 * processor.h - the processor that this thread is on, or was a moment ago: who counts by it takes no cache line away
 * from who runs elsewhere. Others may be there too: what is counted so is atomic all the same.
 */
#ifndef BASE_PROCESSOR_H
#define BASE_PROCESSOR_H

#include <sched.h>

/** One of `parts`. Costs a few instructions where glibc has restartable sequences (2.35), else a call of the vDSO. */
static inline unsigned processor_part(unsigned parts)
{
	return (unsigned)sched_getcpu() % parts;
}

#endif
