/*
 * verb.h - verbs of holdfast-gen beside the compiler proper: each reads its own arguments and gives the exit code.
 */
#ifndef GEN_VERB_H
#define GEN_VERB_H

#include "base/context.h"
#include "gen/diag.h"

/** `argv[0]` is the verb. */
typedef int verb_fn(hf_context *ctx, hf_arena *arena, int argc, char **argv);

verb_fn verb_describe;
verb_fn verb_init;
/** Report a failure that ended the run; its exit code. */
int verb_failed(enum hf_status status, const hf_error *err);

#endif
