/*
 * download.c - see download.h.
 */
#include "janitor/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "files/lines.h"

enum { RELEASE_LINE_MAX = 64 << 10, HEX_SIZE = 65 };

DEFINE_OWNED(curl, CURL *, curl_easy_cleanup)
DEFINE_OWNED(digest, EVP_MD_CTX *, EVP_MD_CTX_free)

static void file_close(FILE *file)
{
	fclose(file);
}
DEFINE_OWNED(file, FILE *, file_close)

/* One transfer. libcurl knows no bound for a body of unknown length, so the bytes are counted here. */
struct transfer {
	hf_context *ctx;
	FILE *file;
	size_t bytes, bytes_max;
	char why[CURL_ERROR_SIZE];
};

static size_t store(char *bytes, size_t size, size_t n, void *user)
{
	struct transfer *transfer = user;
	transfer->bytes += size * n;
	return transfer->bytes > transfer->bytes_max ? 0 : fwrite(bytes, size, n, transfer->file);
}

static int watch(void *user, UNUSED curl_off_t expected, UNUSED curl_off_t got, UNUSED curl_off_t to_send,
                 UNUSED curl_off_t sent)
{
	const struct transfer *transfer = user;
	return hf_context_interrupted(transfer->ctx);
}

static enum hf_status refused(CURL *curl, const char *url, const char *why, hf_error *err)
{
	long code = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	bool gone = code == 404 || code == 410;
	return error_set(err, gone ? HF_NOT_FOUND : HF_E_UNAVAILABLE, "could not fetch %s: %s", url, why);
}

static enum hf_status explain(CURLcode code, CURL *curl, const struct transfer *transfer, const char *url,
                              const char *path, hf_error *err)
{
	const char *why = transfer->why[0] ? transfer->why : curl_easy_strerror(code);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(err, HF_E_INTERRUPTED, "interrupted while fetching %s", url);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, HF_TIMEOUT, "fetching %s took too long", url);
	if (code == CURLE_WRITE_ERROR && transfer->bytes > transfer->bytes_max)
		return error_set(err, HF_E_LIMIT, "%s is larger than %zu MiB", url, transfer->bytes_max >> 20);
	if (code == CURLE_WRITE_ERROR)
		return error_errno(err, HF_E_FAILED, "could not write %s", path);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return refused(curl, url, why, err);
	return error_set(err, HF_E_UNAVAILABLE, "could not fetch %s: %s", url, why);
}

static void set_options(CURL *curl, struct transfer *transfer, const char *url, int64_t left_ms)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, store);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, left_ms < 10000 ? (long)left_ms : 10000L);
}

enum hf_status download(hf_context *ctx, const char *url, const char *path, size_t bytes_max, hf_deadline deadline,
                        hf_error *err)
{
	CLEANUP(file_freep) FILE *file = fopen(path, "we");
	CLEANUP(curl_freep) CURL *curl = curl_easy_init();
	struct transfer transfer = {.ctx = ctx, .file = file, .bytes_max = bytes_max};
	int64_t left_ms = (deadline - hf_now_monotonic_us(ctx)) / 1000;
	if (!file)
		return error_errno(err, HF_E_FAILED, "could not write %s", path);
	if (!curl)
		return error_nomem(err);
	if (left_ms <= 0)
		return error_set(err, HF_TIMEOUT, "no time is left to fetch %s", url);
	set_options(curl, &transfer, url, left_ms);
	CURLcode code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return explain(code, curl, &transfer, url, path, err);
	if (fflush(file) != 0)
		return error_errno(err, HF_E_FAILED, "could not write %s", path);
	return HF_OK;
}

static enum hf_status sha256_of(const char *path, char ret_hex[HEX_SIZE], hf_error *err)
{
	CLEANUP(file_freep) FILE *file = fopen(path, "re");
	CLEANUP(digest_freep) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned char block[16384], sum[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	size_t n;
	if (!file)
		return error_errno(err, HF_E_FAILED, "could not read %s", path);
	if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		return error_nomem(err);
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		EVP_DigestUpdate(digest, block, n);
	if (ferror(file) || EVP_DigestFinal_ex(digest, sum, &length) != 1)
		return error_set(err, HF_E_FAILED, "could not read %s to its end", path);
	for (unsigned int i = 0; i < length; i++)
		snprintf(ret_hex + 2 * i, 3, "%02x", sum[i]);
	return HF_OK;
}

/* " <sum> <size> <name>" */
static bool line_names(struct hf_str line, struct hf_str name, struct hf_str *ret_sum)
{
	struct hf_str rest = str_trim(line), size;
	if (!str_split(&rest, ' ', ret_sum))
		return false;
	rest = str_trim(rest);
	return str_split(&rest, ' ', &size) && str_eq(str_trim(rest), name);
}

static enum hf_status find_sum(struct lines *lines, struct hf_str name, char ret_hex[HEX_SIZE], hf_error *err)
{
	bool within = false;
	struct hf_str line, sum;
	enum hf_status status;
	while ((status = lines_next(lines, &line, err)) == HF_OK) {
		if (line.len > 0 && line.ptr[0] != ' ')
			within = str_starts(line, HF_STR("SHA256:"));
		else if (within && line_names(line, name, &sum) && sum.len == HEX_SIZE - 1) {
			snprintf(ret_hex, HEX_SIZE, "%.*s", STR_ARG(sum));
			return HF_OK;
		}
	}
	if (status != HF_STOP)
		return status;
	return error_set(err, HF_E_CORRUPT, "InRelease does not name %.*s", STR_ARG(name));
}

enum hf_status release_check(const char *release_path, struct hf_str name, const char *path, hf_error *err)
{
	CLEANUP(lines_freep) struct lines *lines = NULL;
	char wanted[HEX_SIZE], got[HEX_SIZE];
	enum hf_status status = lines_open(release_path, RELEASE_LINE_MAX, &lines, err);
	if (status == HF_OK)
		status = find_sum(lines, name, wanted, err);
	if (status == HF_OK)
		status = sha256_of(path, got, err);
	if (status != HF_OK || memcmp(wanted, got, sizeof(got)) == 0)
		return status;
	error_set(err, HF_E_CORRUPT, "the SHA-256 of %.*s is not the one that InRelease names", STR_ARG(name));
	error_hint(err, "the mirror may be in the middle of an update: try again");
	return HF_E_CORRUPT;
}
