/*
 * relay.h - a relay between a program and its PostgreSQL, on a socket of its own: counts the messages that ask for an
 * answer now, Sync and Query, and cuts the line at one of them. One a program.
 */
#ifndef TESTS_KV_RELAY_H
#define TESTS_KV_RELAY_H

#include <stdbool.h>
#include <stddef.h>

/** @param ret_url `url`, which names a socket, by way of the relay. */
void relay_start(const char *url, char *ret_url, size_t size);
void relay_stop(void);
/** Requests so far. */
int relay_trips(void);
/** Cut the line on which the `request`-th comes from here on (1 = the next): the server does not get it, or with
 *  `behind` it does, and its answer goes nowhere. 0 = no more. */
void relay_cut(int request, bool behind);
/** From now on an ErrorResponse goes to the program before a line is cut; NULL = none. Strings of the caller's. */
void relay_says(const char *severity, const char *sqlstate);
/** It happened. */
bool relay_was_cut(void);

#endif
