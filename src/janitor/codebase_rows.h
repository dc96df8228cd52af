/*
 * codebase_rows.h - what must hold of a codebase before it is sent, for whoever writes them.
 */
#ifndef JANITOR_CODEBASE_ROWS_H
#define JANITOR_CODEBASE_ROWS_H

#include "base/error.h"
#include "holdfast/codebase.h"
#include "queries/janitor/codebase.h"

/* Which member cannot be, and why. `what` NULL: memory is short. */
struct codebase_fault {
	const char *member;
	const char *what;
	const char *hint; /* NULL: none */
};
/** HF_E_INPUT: "the vcs_type is none of ..."; HF_E_NOMEM. */
enum hf_status codebase_complain(const struct codebase_fault *fault, hf_error *err);

/** Make branch_url, url and branch agree: from branch_url where it is given, else from url and branch. New texts are
 *  in the arena. False with the fault. */
bool codebase_place(struct hf_codebase *codebase, const struct hf_defects *keep, hf_arena *arena,
                    struct codebase_fault *ret_fault);
/** What the schema would refuse, and values that are not of its types. False with the fault. */
bool codebase_check(const struct hf_codebase *codebase, struct codebase_fault *ret_fault);
/** The type with that label; HF_E_INPUT with all of them as hint. */
enum hf_status vcs_type_parse(struct hf_str word, enum vcs_type *ret_vcs, hf_error *err);
/** Forward `status`, worded for people where another codebase is at the place. @param local where it was told. */
enum hf_status codebase_refused(enum hf_status status, hf_error *local, hf_error *err);

#endif
