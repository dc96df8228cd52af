/*
 * archive.h - fetching the `Sources` index of a Debian archive, with its signature checked.
 *
 * Through apt: the machine's own configuration names the mirror, apt checks the signature. Lists and cache are kept in
 * a folder of the caller, so nothing of the system changes and no root is needed. By URL: the index must lie in a
 * dists/SUITE/ tree; InRelease beside it is fetched too, checked with gpgv against the Debian archive keyring, and has
 * to name the index's SHA-256.
 *
 * Runs apt-get and gpgv as processes; waits until the deadline, then ends them. Threads: any.
 */
#ifndef HOLDFAST_ARCHIVE_H
#define HOLDFAST_ARCHIVE_H

#include "holdfast/context.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_archive_index {
	char path[512];  /* of the fetched file, below the folder given */
	int64_t bytes;
};

/**
 * @param suite "bookworm", "sid"; main component. @param folder an existing, private folder to put the files into.
 * @return HF_OK; HF_E_UNAVAILABLE no network or mirror; HF_E_CORRUPT a signature or checksum is wrong; HF_E_NO_PACKAGE
 *         apt is not installed; HF_NOT_FOUND no mirror configured or no such suite; HF_TIMEOUT; HF_E_INTERRUPTED.
 */
enum hf_status hf_archive_fetch_apt(hf_context *ctx, const char *suite, const char *folder, hf_deadline deadline,
                                    struct hf_archive_index *ret_index, hf_error *err);
/** As above from `url`, "http(s)://.../dists/SUITE/COMPONENT/source/Sources[.xz|.gz]". @param keyring NULL: Debian's */
enum hf_status hf_archive_fetch_url(hf_context *ctx, const char *url, const char *keyring, const char *folder,
                                    hf_deadline deadline, struct hf_archive_index *ret_index, hf_error *err);

#ifdef __cplusplus
}
#endif
#endif
