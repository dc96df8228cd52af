/*
 * child.h - another program: in our place (man, psql, CMD of `pg run`), or for its output (pg_dump).
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/str.h"
#include "holdfast/error.h"

struct cli;

/**
 * Run argv[0] from PATH with our terminal, and wait. Its exit code becomes ours (cli->exit_code; 128 + signal).
 * `environment`: "NAME=value" sets, "NAME" unsets, ended by NULL; or NULL. SIGINT, SIGTERM, SIGQUIT and SIGHUP are the
 * child's while it runs: we pass them on and wait.
 * @return HF_OK when it ran, whatever it answered; HF_E_NO_PACKAGE when there is no such program.
 */
enum hf_status child_run(struct cli *cli, const char *const argv[], const char *const environment[], hf_error *err);

/* What a program may lose while it runs; child_cut() from any thread tells it to end. */
struct child_leash {
	atomic_bool cut;
	pthread_t keeper; /* who waits for the program */
};
/** `leash` is a struct child_leash, whose `keeper` is set. */
void child_cut(void *leash);
/** As child_run(); when the leash is cut the program gets SIGTERM, once, and when we are killed. Not if it is setuid:
 * there the kernel forgets that. */
enum hf_status child_run_leashed(struct cli *cli, const char *const argv[], const char *const environment[],
                                 struct child_leash *leash, hf_error *err);

/**
 * The same with its output and its errors as texts (in cli->arena), and its exit code in *ret_code instead.
 * @return as child_run(); HF_E_LIMIT when one of them is longer than `size_bytes_max`.
 */
enum hf_status child_capture(struct cli *cli, const char *const argv[], const char *const environment[],
                             size_t size_bytes_max, struct hf_str *ret_output, struct hf_str *ret_errors, int *ret_code,
                             hf_error *err);

#endif
