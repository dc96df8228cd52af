/*
 * kv_relay.h - a relay on a socket of its own that hands on each byte so much later than it came: a network far away.
 *
 * Bytes of one direction keep their order and their distance; what is on its way is bounded. Two threads a connection.
 */
#ifndef BENCH_KV_RELAY_H
#define BENCH_KV_RELAY_H

#include <pthread.h>

struct kv_relay {
	char folder[64], url[512];
	char server[256]; /* the folder of the server's socket */
	long delay_us;
	int listener;
	pthread_t thread;
};

/** @param url with a host= that is a folder of sockets, and port 5432. @return the URL of the relay. */
const char *kv_relay_start(struct kv_relay *relay, const char *url, long delay_us);
/** Nobody may be connected any more. A relay that was not started is none. */
void kv_relay_stop(struct kv_relay *relay);

#endif
