/*
 * redis_url.h - where a Redis is and who asks: redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] or
 * redis+unix://[[USER]:PASSWORD@]/PATH[?db=N]. User and password may have bytes as %XX. No I/O.
 */
#ifndef KV_REDIS_URL_H
#define KV_REDIS_URL_H

#include <stdbool.h>

#include "holdfast/error.h"

enum { REDIS_DATABASE_MAX = 1000000 };

struct redis_url {
	bool is_unix;
	char host[256]; /* TCP */
	char port[6];
	char path[108];      /* Unix: what a socket's address holds */
	char user[256];      /* "" = the default user */
	char password[4096]; /* "" = no authentication. Never in a message */
	int database;
};

/** HF_E_CONFIG what is no such URL; HF_E_UNSUPPORTED rediss. Messages quote no more than host and path. */
enum hf_status redis_url_parse(const char *text, struct redis_url *ret_url, hf_error *err);

#endif
