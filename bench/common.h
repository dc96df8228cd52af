/*
 * common.h - what the measuring programs share: a private server with the Janitor's schema, clocks, one core, samples.
 *
 * They print raw samples as JSON; bench/run adds the machine and does the medians. A failure ends the program.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include "holdfast/holdfast.h"
#include "holdfast/server.h"

enum { RUNS_MAX = 101 };

_Noreturn void give_up(const char *what, const char *why);

struct bench {
	hf_context *ctx;
	hf_server *server;
	hf_settings *settings;
};

/** A throw-away server (no fsync) with the Janitor's schema, empty. */
void bench_open(struct bench *bench);
/** A database of somebody else's server, as it is. */
void bench_attach(struct bench *bench, const char *url);
void bench_close(struct bench *bench);
hf_connection *bench_connect(const struct bench *bench);
void bench_sql(hf_connection *connection, const char *text);

double wall_seconds(void);
/** User and system time of this process. */
double cpu_seconds(void);
/** Pin a process (0: this one, with all threads made from now on) to one core. */
bool pin(int pid, int core);

/** `"name": [1.5, 2.5]` with `digits` behind the point. */
void print_samples(const char *name, const double *values, int count, int digits);
/** `"server": {...}`: version and the settings that matter. */
void print_server(hf_connection *connection);

#endif
