/*
 * sources.h - which Sources index a command reads: --sources FILE|URL, --suite through apt.
 */
#ifndef CLI_SOURCES_H
#define CLI_SOURCES_H

#include "cli/cli.h"

struct sources {
	const char *path;  /* of the index; in the run's arena */
	char *folder;      /* ours, removed by sources_release(); NULL when a file was named */
	bool fetched;      /* over the network, with its signature checked */
	int64_t bytes;     /* fetched */
};
#define SOURCES_INIT {NULL, NULL, false, 0}

#define SOURCES_OPTIONS                                                                                         \
	{.name = "sources", .arg = "FILE|URL", .help = "the index: a file (- is stdin), or a URL below dists/"}, \
	        {.name = "suite", .arg = "NAME", .help = "suite to fetch through apt (default: bookworm)"}

enum hf_status sources_find(struct cli *cli, struct sources *ret_sources, hf_error *err);
/** For CLEANUP(): removes what was fetched. */
void sources_release(struct sources *sources);

#endif
