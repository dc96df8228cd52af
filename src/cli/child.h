/*
 * child.h - another program that runs in our place: man, psql, CMD of `pg run`.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "holdfast/error.h"

struct cli;

/**
 * Run argv[0] from PATH with our terminal, and wait. Its exit code becomes ours (cli->exit_code; 128 + signal).
 * `environment`: "NAME=value" sets, "NAME" unsets, ended by NULL; or NULL. SIGINT, SIGTERM, SIGQUIT and SIGHUP are the
 * child's while it runs: we pass them on and wait.
 * @return HF_OK when it ran, whatever it answered; HF_E_NO_PACKAGE when there is no such program.
 */
enum hf_status child_run(struct cli *cli, const char *const argv[], const char *const environment[], hf_error *err);

#endif
