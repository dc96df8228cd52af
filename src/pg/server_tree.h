/*
 * server_tree.h - copy, count and remove folder trees by descriptor. Never follows a symbolic link.
 */
#ifndef PG_SERVER_TREE_H
#define PG_SERVER_TREE_H

#include <stdint.h>

#include "base/context.h"

enum { TREE_DEPTH_MAX = 16 };

struct tree_size {
	int64_t files;
	int64_t bytes;
};

/**
 * Copy regular files and folders below `from_fd` into the empty folder `to_fd`, names beginning with "postmaster."
 * apart. Anything else in there is HF_E_CORRUPT. Asks the file system to share blocks where it can.
 */
enum hf_status tree_copy(hf_context *ctx, int from_fd, int to_fd, hf_deadline deadline, struct tree_size *ret_size,
                         hf_error *err);
/** As much as tree_copy() would copy. */
enum hf_status tree_measure(int at_fd, struct tree_size *ret_size, hf_error *err);
/** Remove `name` in `parent_fd` with all below; what is already gone is fine. Async-signal-safe, no memory: for the
 *  supervisor. 0, or -1 with errno of the first thing that would not go. */
int tree_remove(int parent_fd, const char *name);

#endif
