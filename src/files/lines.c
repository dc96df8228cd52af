/*
 * lines.c - see lines.h. Three layers: the descriptor fills `raw`, a decoder turns it into `text`, lines are cut from
 * `text`. Decoders are a function each, chosen once by the first bytes.
 */
#include "files/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/error.h"
#include "base/str.h"

enum { BLOCK = 256 << 10, XZ_MEMORY_MAX = 100 << 20 };

struct lines {
	char *path;
	int fd;
	bool raw_end; /* the descriptor has nothing more */
	bool text_end;
	bool member_end; /* gzip: between two members */
	uint8_t *raw;
	size_t raw_at, raw_len;
	char *text;
	size_t text_at, text_len;
	struct buf line; /* only for lines that cross a block */
	size_t number;
	enum hf_status (*decode)(struct lines *lines, hf_error *err);
	z_stream gz;
	lzma_stream xz;
};

static enum hf_status fill_raw(struct lines *lines, hf_error *err)
{
	if (lines->raw_at < lines->raw_len || lines->raw_end)
		return HF_OK;
	ssize_t got;
	do
		got = read(lines->fd, lines->raw, BLOCK);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return error_errno(err, HF_E_FAILED, "could not read %s", lines->path);
	lines->raw_at = 0;
	lines->raw_len = (size_t)got;
	lines->raw_end = got == 0;
	return HF_OK;
}

static enum hf_status damaged(const struct lines *lines, const char *what, hf_error *err)
{
	error_set(err, HF_E_CORRUPT, "%s is %s near line %zu", lines->path, what, lines->number + 1);
	error_hint(err, "fetch the file again");
	return HF_E_CORRUPT;
}

static enum hf_status decode_plain(struct lines *lines, UNUSED hf_error *err)
{
	lines->text_len = lines->raw_len - lines->raw_at;
	memcpy(lines->text, lines->raw + lines->raw_at, lines->text_len);
	lines->raw_at = lines->raw_len;
	lines->text_end = lines->text_len == 0 && lines->raw_end;
	return HF_OK;
}

/* gzip files may have several members one behind the other; the end is after one of them, never within. */
static enum hf_status decode_gz(struct lines *lines, hf_error *err)
{
	z_stream *gz = &lines->gz;
	lines->text_end = lines->member_end && lines->raw_end;
	if (lines->text_end)
		return HF_OK;
	if (lines->member_end)
		inflateReset(gz);
	gz->next_in = lines->raw + lines->raw_at;
	gz->avail_in = (uInt)(lines->raw_len - lines->raw_at);
	gz->next_out = (Bytef *)lines->text;
	gz->avail_out = BLOCK;
	int result = inflate(gz, Z_NO_FLUSH);
	lines->member_end = result == Z_STREAM_END;
	lines->raw_at = lines->raw_len - gz->avail_in;
	lines->text_len = BLOCK - gz->avail_out;
	if (result == Z_BUF_ERROR && lines->raw_end)
		return damaged(lines, "truncated", err);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return damaged(lines, "damaged", err);
	return HF_OK;
}

static enum hf_status xz_failed(const struct lines *lines, lzma_ret result, hf_error *err)
{
	if (result == LZMA_BUF_ERROR)
		return damaged(lines, "truncated", err);
	if (result == LZMA_MEM_ERROR)
		return error_nomem(err);
	if (result != LZMA_MEMLIMIT_ERROR)
		return damaged(lines, "damaged", err);
	error_set(err, HF_E_LIMIT, "%s needs more than %d MiB of memory to unpack", lines->path, XZ_MEMORY_MAX >> 20);
	error_hint(err, "unpack it first: xz -d");
	return HF_E_LIMIT;
}

static enum hf_status decode_xz(struct lines *lines, hf_error *err)
{
	lzma_stream *xz = &lines->xz;
	xz->next_in = lines->raw + lines->raw_at;
	xz->avail_in = lines->raw_len - lines->raw_at;
	xz->next_out = (uint8_t *)lines->text;
	xz->avail_out = BLOCK;
	lzma_ret result = lzma_code(xz, lines->raw_end ? LZMA_FINISH : LZMA_RUN);
	lines->raw_at = lines->raw_len - xz->avail_in;
	lines->text_len = BLOCK - xz->avail_out;
	if (result == LZMA_STREAM_END)
		lines->text_end = true;
	else if (result != LZMA_OK && !(result == LZMA_BUF_ERROR && !lines->raw_end))
		return xz_failed(lines, result, err);
	return HF_OK;
}

static enum hf_status choose_decoder(struct lines *lines, hf_error *err)
{
	enum hf_status status = fill_raw(lines, err);
	if (status != HF_OK)
		return status;
	if (lines->raw_len >= 2 && memcmp(lines->raw, "\x1f\x8b", 2) == 0) {
		lines->decode = decode_gz;
		return inflateInit2(&lines->gz, 15 + 16) == Z_OK ? HF_OK : error_nomem(err);
	}
	if (lines->raw_len >= 6 && memcmp(lines->raw,
	                                  "\xfd"
	                                  "7zXZ",
	                                  6) == 0) {
		lines->decode = decode_xz;
		return lzma_stream_decoder(&lines->xz, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK ? HF_OK
		                                                                                    : error_nomem(err);
	}
	lines->decode = decode_plain;
	return HF_OK;
}

static enum hf_status open_file(struct lines *lines, const char *path, hf_error *err)
{
	lines->path = strdup(strcmp(path, "-") == 0 ? "standard input" : path);
	if (!lines->path)
		return error_nomem(err);
	lines->fd = strcmp(path, "-") == 0 ? fcntl(0, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
	if (lines->fd < 0)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not open %s", lines->path);
	return HF_OK;
}

enum hf_status lines_open(const char *path, size_t line_bytes_max, struct lines **ret_lines, hf_error *err)
{
	CLEANUP(lines_freep) struct lines *lines = calloc(1, sizeof(*lines));
	if (!lines)
		return error_nomem(err);
	lines->fd = -1;
	lines->xz = (lzma_stream)LZMA_STREAM_INIT;
	buf_init(&lines->line, line_bytes_max);
	lines->raw = malloc(BLOCK);
	lines->text = malloc(BLOCK);
	if (!lines->raw || !lines->text)
		return error_nomem(err);
	enum hf_status status = open_file(lines, path, err);
	if (status == HF_OK)
		status = choose_decoder(lines, err);
	if (status == HF_OK)
		*ret_lines = lines_take(&lines);
	return status;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	if (lines->decode == decode_gz)
		inflateEnd(&lines->gz);
	lzma_end(&lines->xz);
	if (lines->fd >= 0)
		close(lines->fd);
	buf_deinit(&lines->line);
	free(lines->raw);
	free(lines->text);
	free(lines->path);
	free(lines);
}

/* More text, unless it has ended. */
static enum hf_status fill_text(struct lines *lines, hf_error *err)
{
	lines->text_at = lines->text_len = 0;
	while (lines->text_len == 0 && !lines->text_end) {
		enum hf_status status = fill_raw(lines, err);
		if (status == HF_OK)
			status = lines->decode(lines, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

static enum hf_status too_long(const struct lines *lines, hf_error *err)
{
	if (buf_starved(&lines->line))
		return error_nomem(err);
	return error_set(err, HF_E_LIMIT, "%s: line %zu is longer than %zu bytes", lines->path, lines->number + 1,
	                 lines->line.max);
}

static enum hf_status finish(struct lines *lines, struct hf_str *ret_line, size_t n, hf_error *err)
{
	struct hf_str piece = {lines->text + lines->text_at, n};
	lines->text_at += n + 1;
	if (lines->line.len > 0) {
		buf_add(&lines->line, piece);
		piece = buf_str(&lines->line);
	}
	if (!buf_ok(&lines->line) || piece.len > lines->line.max)
		return too_long(lines, err);
	lines->number++;
	*ret_line = piece;
	return HF_OK;
}

enum hf_status lines_next(struct lines *lines, struct hf_str *ret_line, hf_error *err)
{
	buf_clear(&lines->line);
	for (;;) {
		struct hf_str rest = {lines->text + lines->text_at, lines->text_len - lines->text_at};
		ptrdiff_t newline = str_find(rest, '\n');
		if (newline >= 0)
			return finish(lines, ret_line, (size_t)newline, err);
		buf_add(&lines->line, rest);
		if (!buf_ok(&lines->line))
			return too_long(lines, err);
		if (lines->text_end && lines->line.len == 0)
			return HF_STOP;
		if (lines->text_end)
			return damaged(lines, "truncated (no newline at its end)", err);
		enum hf_status status = fill_text(lines, err);
		if (status != HF_OK)
			return status;
	}
}

size_t lines_number(const struct lines *lines)
{
	return lines->number;
}
