/*
 * skeleton.h - the projects that `init` writes: those of examples/, put into the program by the build.
 */
#ifndef GEN_SKELETON_H
#define GEN_SKELETON_H

#include "holdfast/types.h"

struct skeleton_file {
	const char *system; /* make, cmake, meson */
	const char *name;   /* below the project's folder */
	struct hf_str text;
};
extern const struct skeleton_file skeleton_files[];
extern const size_t skeleton_files_count;

#endif
