/*
 * Checkpoints as files: what was written is read, and what is damaged in any byte is named, changes nothing and is
 * never believed. What is random is told by its seed; HOLDFAST_TEST_SEED repeats one.
 */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "chance.h"
#include "kv/savefile_blocks.h"
#include "../torture.h"

#define BASE_US INT64_C(1717243200000000)

static hf_context *ctx;
static hf_arena *arena;
static hf_error err;
static char folder[64], path[128];

/* ---- files as bytes ---- */

struct image {
	uint8_t *bytes;
	size_t len;
};

static struct image image_read(const char *name)
{
	struct image image = {malloc(64 << 20), 0};
	FILE *file = fopen(name, "re");
	assert_non_null(file);
	assert_non_null(image.bytes);
	image.len = fread(image.bytes, 1, 64 << 20, file);
	(void)fclose(file);
	return image;
}

static void image_write(const uint8_t *bytes, size_t len)
{
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static enum hf_status verify(void)
{
	struct hf_kv_file about;
	const char *const paths[] = {path};
	hf_arena_reset(arena);
	return hf_kv_file_verify(ctx, paths, 1, arena, &about, &err);
}

/* Through a pipe nothing can be looked at beforehand. The image fits its buffer. */
static enum hf_status verify_pipe(const uint8_t *bytes, size_t len)
{
	int ends[2], own = dup(STDIN_FILENO);
	struct hf_kv_file about;
	const char *const paths[] = {"-"};
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, len), len);
	(void)close(ends[1]);
	(void)dup2(ends[0], STDIN_FILENO);
	(void)close(ends[0]);
	hf_arena_reset(arena);
	enum hf_status status = hf_kv_file_verify(ctx, paths, 1, arena, &about, &err);
	(void)dup2(own, STDIN_FILENO);
	(void)close(own);
	return status;
}

/* ---- making them ---- */

static struct hf_kv_file about_of(bool incremental)
{
	struct hf_kv_file about = {.name_space = HF_STR("default"), .created_us = BASE_US, .incremental = incremental};
	memset(about.id.bytes, 0x11, sizeof(about.id.bytes));
	if (incremental)
		memset(about.parent.bytes, 0x22, sizeof(about.parent.bytes));
	return about;
}

static void file_make(const struct hf_kv_file *about, const struct hf_kv_entry *entries, size_t count)
{
	struct savefile_writer *writer;
	EXPECT_OK(savefile_create(path, about, &writer, &err));
	for (size_t i = 0; i < count; i++)
		EXPECT_OK(savefile_add(writer, &entries[i], &err));
	EXPECT_OK(savefile_finish(writer, NULL, NULL, &err));
	savefile_writer_free(writer);
}

static void file_check(const struct hf_kv_entry *entries, size_t count)
{
	struct savefile_reader *reader;
	struct hf_kv_entry got;
	EXPECT_OK(savefile_open(path, &reader, &err));
	for (size_t i = 0; i < count; i++) {
		EXPECT_OK(savefile_next(reader, &got, &err));
		assert_int_equal(got.key.len, entries[i].key.len);
		assert_memory_equal(got.key.ptr, entries[i].key.ptr, got.key.len);
		assert_int_equal(got.rev, entries[i].rev);
		assert_int_equal(got.value.len, entries[i].value.len);
		if (got.value.len)
			assert_memory_equal(got.value.ptr, entries[i].value.ptr, got.value.len);
		assert_int_equal(got.metadata.len, entries[i].metadata.len);
		if (got.metadata.len)
			assert_memory_equal(got.metadata.ptr, entries[i].metadata.ptr, got.metadata.len);
		assert_int_equal(got.created_us, entries[i].created_us);
		assert_int_equal(got.updated_us, entries[i].updated_us);
		assert_int_equal(got.expires_us, entries[i].expires_us);
	}
	EXPECT_STATUS(savefile_next(reader, &got, &err), HF_STOP);
	EXPECT_STATUS(savefile_next(reader, &got, &err), HF_STOP);
	savefile_reader_free(reader);
}

static struct hf_kv_entry entry_of(const char *key, struct hf_bytes value)
{
	return (struct hf_kv_entry){
		.key = hf_kv_text(key), .value = value, .rev = 1, .created_us = BASE_US - 5, .updated_us = BASE_US - 5};
}

/* Small, of several blocks (long entries have one each), with everything that an entry can have. */
static struct image small_image(void)
{
	static uint8_t zeros[(1 << 20) + 1];
	struct hf_kv_file about = about_of(true);
	struct hf_kv_entry entries[] = {
		entry_of("a", hf_kv_text("1")),
		entry_of("b", hf_kv_text("")),
		entry_of("c", (struct hf_bytes){zeros, sizeof(zeros)}),
		entry_of("d", hf_kv_text("x")),
		entry_of("e", hf_kv_text("q")),
	};
	entries[1].metadata = HF_STR("{\"a\":1}");
	entries[1].expires_us = BASE_US + 7;
	entries[1].updated_us = BASE_US - 1;
	entries[3] = (struct hf_kv_entry){.key = hf_kv_text("d")};
	file_make(&about, entries, ARRAY_LEN(entries));
	return image_read(path);
}

/* ---- there and back ---- */

static void test_every_kind_of_entry_comes_back(void **state)
{
	(void)state;
	static uint8_t big[3 << 20], all[256];
	struct hf_kv_file about = about_of(true);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * i >> 7);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	struct hf_kv_entry entries[] = {
		entry_of("", hf_kv_text("")),
		entry_of("a", (struct hf_bytes){all, sizeof(all)}),
		entry_of("ab", (struct hf_bytes){big, sizeof(big)}),
		{.key = hf_kv_text("b")},
		entry_of("c", (struct hf_bytes){big, (1 << 20) - SAVEFILE_ENTRY_HEAD_MAX - 1}),
		entry_of("d", (struct hf_bytes){big, (1 << 20) - SAVEFILE_ENTRY_HEAD_MAX}),
		entry_of("e", hf_kv_text("after")),
		{.key = {all, sizeof(all)},
	         .value = hf_kv_text("v"),
	         .rev = 1,
	         .expires_us = INT64_C(253402300799999999)},
	};
	entries[1].metadata = HF_STR("[1,2]");
	entries[1].created_us = 0;
	entries[4].expires_us = 1;
	struct hf_kv_entry last = entries[7];
	entries[7] = last;
	/* 0x00 0x01 ... is the second key in order */
	struct hf_kv_entry in_order[] = {entries[0], entries[7], entries[1], entries[2],
	                                 entries[3], entries[4], entries[5], entries[6]};
	file_make(&about, in_order, ARRAY_LEN(in_order));
	file_check(in_order, ARRAY_LEN(in_order));
	EXPECT_OK(verify());
	file_make(&about, NULL, 0);
	file_check(NULL, 0);
}

/* Its sums were checked by another program (Python's hashlib, and CRC-32C by its definition). */
static const char PINNED[] =
	"8b48464b560d0a1a010000004b000000111111111111111111111111111111110000000000000000000000000000000000d0edd6d21906"
	"00070000000000000064656661756c74d6f1ce56"
	"424c434b01000000060000000600000001000100008d0db16b6b00016b010076"
	"464f4f5401000000010000000000000000000000000000000200000000000000c3515b9490b8f773c3515b9490b8f77366b2"
	"eaaffb5d2ee466b2eaaffb5d2ee4010000000000000001000000000000000200000000000000c3515b9490b8f773c3515b94"
	"90b8f77366b2eaaffb5d2ee466b2eaaffb5d2ee44b00000000000000010000002000000091f9e1843623a427c3ac6bee66a1"
	"96704f1d0a569d1dc414ed16794f52c85295c1c9d2306b00000000000000ac000000b74187a848464b56454e440a";

/* The format is what it was: a file of this version is this, byte for byte. */
static void test_pinned_bytes(void **state)
{
	(void)state;
	struct hf_kv_file about = about_of(false);
	struct hf_kv_entry entry = {.key = hf_kv_text("k"), .value = hf_kv_text("v"), .rev = 1};
	char text[1000];
	file_make(&about, &entry, 1);
	struct image image = image_read(path);
	assert_int_equal(image.len, 75 + 24 + 2 + 6 + 120 + 16 + 36 + 24);
	for (size_t i = 0; i < image.len; i++)
		snprintf(text + 2 * i, 3, "%02x", image.bytes[i]);
	free(image.bytes);
	assert_string_equal(text, PINNED);
}

static void test_crc32c(void **state)
{
	(void)state;
	uint8_t bytes[1000];
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283); /* the check value of its definition */
	assert_int_equal(crc32c_plain(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len < sizeof(bytes); len += 13)
		for (size_t from = 0; from < 9 && from <= len; from++) {
			uint32_t part = crc32c(0, bytes, from);
			assert_int_equal(crc32c(part, bytes + from, len - from), crc32c_plain(0, bytes, len));
		}
}

/* ---- damage ---- */

static void test_every_truncation(void **state)
{
	(void)state;
	struct image image = small_image();
	assert_true(image.len < 2000);
	for (size_t len = 0; len < image.len; len++) {
		image_write(image.bytes, len);
		EXPECT_STATUS(verify(), HF_E_CORRUPT);
		EXPECT_CONTAINS(err.message, "at byte");
		EXPECT_STATUS(verify_pipe(image.bytes, len), HF_E_CORRUPT);
	}
	image_write(image.bytes, image.len);
	EXPECT_OK(verify());
	EXPECT_OK(verify_pipe(image.bytes, image.len));
	image.bytes[image.len] = 'x';
	image_write(image.bytes, image.len + 1);
	EXPECT_STATUS(verify(), HF_E_CORRUPT);
	EXPECT_STATUS(verify_pipe(image.bytes, image.len + 1), HF_E_CORRUPT);
	EXPECT_CONTAINS(err.message, "something stands behind it");
	free(image.bytes);
}

/* Head, blocks, foot and trailer: each byte of all of them counts. */
static void test_every_byte(void **state)
{
	(void)state;
	struct image image = small_image();
	for (size_t at = 0; at < image.len; at++) {
		bool version = at == 8 || at == 9;
		for (unsigned flip = 1; flip < 256; flip <<= 5) {
			image.bytes[at] ^= (uint8_t)flip;
			image_write(image.bytes, image.len);
			enum hf_status status = verify(), piped = verify_pipe(image.bytes, image.len);
			bool named = status == HF_E_CORRUPT || (version && status == HF_E_UNSUPPORTED);
			if (!named || piped != status)
				fail_msg("byte %zu: %s, through a pipe %s", at, hf_status_word(status),
				         hf_status_word(piped));
			image.bytes[at] ^= (uint8_t)flip;
		}
	}
	free(image.bytes);
}

static void test_a_later_version_is_refused_by_name(void **state)
{
	(void)state;
	struct image image = small_image();
	image.bytes[8] = 2;
	image_write(image.bytes, image.len);
	EXPECT_STATUS(verify(), HF_E_UNSUPPORTED);
	EXPECT_CONTAINS(err.message, "is of version 2: this program reads version 1");
	image_write((const uint8_t *)"{\"key\": 1}\n", 11);
	EXPECT_STATUS(verify(), HF_E_CORRUPT);
	free(image.bytes);
}

/* Where a block begins, and its stored bytes; 0 = there is none. */
static size_t block_at(const struct image *image, size_t from, size_t *ret_payload, size_t *ret_bytes)
{
	*ret_payload = *ret_bytes = 0;
	for (size_t at = from; at + 24 < image->len; at++) {
		if (memcmp(image->bytes + at, "BLCK", 4) != 0)
			continue;
		size_t keys = image->bytes[at + 16] + (size_t)image->bytes[at + 18];
		*ret_payload = at + 24 + keys;
		*ret_bytes = get_le32(image->bytes + at + 12);
		return at;
	}
	return 0;
}

/* Lies with the right checksum: what unpacks and decodes is looked at all the same. */
static void test_lies_with_a_right_checksum(void **state)
{
	(void)state;
	struct image image = small_image();
	uint64_t seed = chance_seed();
	for (int round = 0; round < 3000; round++) {
		size_t payload = 0, bytes = 0, at = 0;
		for (uint64_t skip = chance_under(&seed, 3) + 1; skip > 0; skip--)
			at = block_at(&image, at + 1, &payload, &bytes);
		size_t span = payload + bytes - at - 4, place = at + 4 + chance_under(&seed, span);
		if (place >= at + 20 && place < at + 24)
			continue;
		uint8_t was = image.bytes[place], own[4];
		memcpy(own, image.bytes + at + 20, 4);
		image.bytes[place] = (uint8_t)chance_under(&seed, 256);
		size_t keys = image.bytes[at + 16] + (size_t)image.bytes[at + 18];
		size_t stored = get_le32(image.bytes + at + 12);
		if (at + 24 + keys + stored <= image.len) {
			uint32_t check = crc32c(0, image.bytes + at, 20);
			put_le32(image.bytes + at + 20, crc32c(check, image.bytes + at + 24, keys + stored));
		}
		enum hf_status status = verify_pipe(image.bytes, image.len);
		if (image.bytes[place] != was && status != HF_E_CORRUPT)
			fail_msg("byte %zu is %u: %s", place, image.bytes[place], hf_status_word(status));
		image.bytes[place] = was;
		memcpy(image.bytes + at + 20, own, 4);
	}
	free(image.bytes);
}

static void test_random_damage(void **state)
{
	(void)state;
	uint64_t seed = chance_seed();
	struct hf_kv_file about = about_of(false);
	static struct hf_kv_entry entries[30000];
	static char keys[30000][12];
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%08zu", i);
		entries[i] =
			entry_of(keys[i], hf_kv_text("the value of an entry, always the same one, so that it packs"));
	}
	file_make(&about, entries, ARRAY_LEN(entries));
	struct image image = image_read(path);
	for (int round = 0; round < 100; round++) {
		size_t at = chance_under(&seed, image.len), span = 1 + chance_under(&seed, 64);
		uint8_t own[64];
		bool changed = false;
		span = span < image.len - at ? span : image.len - at;
		memcpy(own, image.bytes + at, span);
		for (size_t i = 0; i < span; i++) {
			image.bytes[at + i] = (uint8_t)chance_under(&seed, 256);
			changed |= image.bytes[at + i] != own[i];
		}
		image_write(image.bytes, image.len);
		enum hf_status status = verify();
		if (changed && status != HF_E_CORRUPT && status != HF_E_UNSUPPORTED)
			fail_msg("%zu bytes at %zu: %s", span, at, hf_status_word(status));
		memcpy(image.bytes + at, own, span);
	}
	free(image.bytes);
}

/* ---- chains ---- */

static void chain_file(const char *name, int id, int parent, const struct hf_kv_entry *entries, size_t count,
                       int64_t created_us)
{
	struct hf_kv_file about = {.name_space = HF_STR("default"),
	                           .created_us = created_us,
	                           .incremental = parent != 0};
	char own[sizeof(path)];
	about.id.bytes[0] = (uint8_t)id;
	about.parent.bytes[0] = (uint8_t)parent;
	snprintf(own, sizeof(own), "%s", path);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file_make(&about, entries, count);
	snprintf(path, sizeof(path), "%s", own);
}

static enum hf_status import_text(const char *const *names, size_t count, char *ret_text, size_t room)
{
	char places[4][128];
	const char *paths[4];
	struct savefile_chain *chain;
	struct hf_kv_entry entry;
	ret_text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		snprintf(places[i], sizeof(places[i]), "%s/%s", folder, names[i]);
		paths[i] = places[i];
	}
	enum hf_status status = savefile_chain_open(paths, count, false, &chain, &err);
	if (status != HF_OK)
		return status;
	while ((status = savefile_chain_next(chain, &entry, &err)) == HF_OK) {
		size_t used = strlen(ret_text);
		snprintf(ret_text + used, room - used, "%.*s=%.*s ", (int)entry.key.len, (const char *)entry.key.ptr,
		         (int)entry.value.len, (const char *)entry.value.ptr);
	}
	savefile_chain_free(chain);
	return status;
}

static void test_files_that_follow_each_other(void **state)
{
	(void)state;
	char text[200];
	struct hf_kv_entry base[] = {entry_of("a", hf_kv_text("1")), entry_of("b", hf_kv_text("1")),
	                             entry_of("c", hf_kv_text("1")), entry_of("soon", hf_kv_text("1"))};
	struct hf_kv_entry second[] = {entry_of("a", hf_kv_text("2")),
	                               {.key = hf_kv_text("b")},
	                               entry_of("d", hf_kv_text("2"))};
	struct hf_kv_entry third[] = {entry_of("b", hf_kv_text("3")),
	                              {.key = hf_kv_text("d")},
	                              {.key = hf_kv_text("never")}};
	base[3].expires_us = BASE_US + 100;
	chain_file("1", 1, 0, base, 4, BASE_US);
	chain_file("2", 2, 1, second, 3, BASE_US + 50);
	chain_file("3", 3, 2, third, 3, BASE_US + 100);
	EXPECT_STATUS(import_text((const char *[]){"1"}, 1, text, sizeof(text)), HF_STOP);
	assert_string_equal(text, "a=1 b=1 c=1 soon=1 ");
	EXPECT_STATUS(import_text((const char *[]){"1", "2"}, 2, text, sizeof(text)), HF_STOP);
	assert_string_equal(text, "a=2 c=1 d=2 soon=1 ");
	EXPECT_STATUS(import_text((const char *[]){"1", "2", "3"}, 3, text, sizeof(text)), HF_STOP);
	assert_string_equal(text, "a=2 b=3 c=1 "); /* what had expired by the last is gone */
	EXPECT_STATUS(import_text((const char *[]){"2"}, 1, text, sizeof(text)), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "has only what changed since another checkpoint");
	EXPECT_STATUS(import_text((const char *[]){"1", "3"}, 2, text, sizeof(text)), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "does not follow");
	EXPECT_STATUS(import_text((const char *[]){"1", "1"}, 2, text, sizeof(text)), HF_E_INPUT);
	EXPECT_CONTAINS(err.message, "it is a base");
	EXPECT_STATUS(import_text((const char *[]){"1", "4"}, 2, text, sizeof(text)), HF_NOT_FOUND);
}

/* ---- whole or not at all ---- */

static size_t files_in_folder(void)
{
	char command[128];
	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	FILE *pipe = popen(command, "re");
	size_t count = 0;
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%zu", &count), 1);
	(void)pclose(pipe);
	return count;
}

static enum hf_status write_until_it_fails(const char *place, size_t entries)
{
	struct hf_kv_file about = about_of(false);
	enum { VALUE = 100000 };
	static uint8_t pool[12 * VALUE]; /* of values that do not pack */
	char key[24];
	uint64_t state = 1;
	for (size_t i = 0; i + 8 <= sizeof(pool) && !pool[0]; i += 8)
		put_le64(pool + sizeof(pool) - 8 - i, chance(&state) | 1);
	CLEANUP(savefile_writer_freep) struct savefile_writer *writer = NULL;
	enum hf_status status = savefile_create(place, &about, &writer, &err);
	for (size_t i = 0; status == HF_OK && i < entries; i++) {
		snprintf(key, sizeof(key), "%08zu", i);
		struct hf_kv_entry entry = entry_of(key, (struct hf_bytes){pool + i % 12 * VALUE, VALUE});
		status = savefile_add(writer, &entry, &err);
	}
	return status == HF_OK ? savefile_finish(writer, NULL, NULL, &err) : status;
}

/* A bound of the process stands for a full disk; /dev/full is one. */
static void test_a_full_disk_leaves_nothing(void **state)
{
	(void)state;
	struct rlimit own, small = {.rlim_cur = 3 << 20};
	struct image image = small_image();
	EXPECT_STATUS(write_until_it_fails("/dev/full", 1), HF_E_FAILED);
	EXPECT_CONTAINS(err.message, "No space left on device");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &own), 0);
	small.rlim_max = own.rlim_max;
	void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	EXPECT_STATUS(write_until_it_fails(path, 60), HF_E_FAILED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &own), 0);
	(void)signal(SIGXFSZ, before);
	assert_int_equal(files_in_folder(), 1); /* what stood there, and it is as it was */
	struct image after = image_read(path);
	assert_int_equal(after.len, image.len);
	assert_memory_equal(after.bytes, image.bytes, image.len);
	free(after.bytes);
	free(image.bytes);
	EXPECT_STATUS(write_until_it_fails("/nowhere/at/all", 1), HF_E_FAILED);
}

/* Under the name stands the old file, or a new one that is whole. */
static void test_killed_at_any_moment(void **state)
{
	(void)state;
	uint64_t seed = chance_seed();
	struct image old = small_image();
	int replaced = 0;
	for (int round = 0; round < 30; round++) {
		image_write(old.bytes, old.len);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(write_until_it_fails(path, 20) == HF_OK ? 0 : 1);
		struct timespec pause = {.tv_nsec = (long)chance_under(&seed, 100000000)};
		nanosleep(&pause, NULL);
		(void)kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		EXPECT_OK(verify());
		struct image now = image_read(path);
		replaced += now.len != old.len;
		free(now.bytes);
	}
	print_message("# replaced %d times of 30\n", replaced);
	free(old.bytes);
}

static void test_a_link_stays_one(void **state)
{
	(void)state;
	char link[160];
	struct stat about;
	snprintf(link, sizeof(link), "%s/link", folder);
	struct image image = small_image();
	assert_int_equal(symlink(path, link), 0);
	EXPECT_OK(write_until_it_fails(link, 1));
	assert_int_equal(lstat(link, &about), 0);
	assert_true(S_ISLNK(about.st_mode));
	EXPECT_OK(verify());
	free(image.bytes);
}

/* ---- memory ---- */

static enum hf_status write_and_read(void *user, hf_error *error)
{
	(void)user;
	struct hf_kv_file about = about_of(false), told;
	const char *const paths[] = {path};
	struct hf_kv_entry entry =
		entry_of("k", hf_kv_text("a value that is there more than once, a value that is there"));
	CLEANUP(savefile_writer_freep) struct savefile_writer *writer = NULL;
	enum hf_status status = savefile_create(path, &about, &writer, error);
	if (status == HF_OK)
		status = savefile_add(writer, &entry, error);
	if (status == HF_OK)
		status = savefile_finish(writer, NULL, NULL, error);
	if (status == HF_OK)
		status = hf_kv_file_verify(ctx, paths, 1, arena, &told, error);
	return status;
}

/* Out of a store and into another, and from there into a third. */
static enum hf_status export_import_copy(void *user, hf_error *error)
{
	hf_kv *const *kv = user;
	const char *const paths[] = {path};
	const struct hf_kv_import replace = {.replace = true};
	struct hf_kv_checkpoint *points = NULL;
	size_t count = 0;
	torture_hold(true);
	enum hf_status status = hf_kv_checkpoint_list(kv[0], arena, &points, &count, error);
	torture_hold(false);
	if (status == HF_OK)
		status = hf_kv_checkpoint_export(kv[0], &points[count - 1].id, path, NULL, arena, NULL, error);
	if (status == HF_OK)
		status = hf_kv_import(kv[1], paths, 1, &replace, NULL, error);
	if (status == HF_OK)
		status = hf_kv_copy(kv[1], kv[2], &replace, NULL, error);
	return status == HF_OK ? hf_kv_copy(kv[1], kv[3], &replace, NULL, error) : status;
}

static void open_stores(hf_kv *kv[4])
{
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1};
	const struct hf_kv_put put = {.metadata = HF_STR("[1]"), .ttl_us = 100 * 1000000};
	struct hf_kv_checkpoint point;
	for (int i = 0; i < 3; i++)
		EXPECT_OK(hf_kv_open(ctx, "memory:", &options, &kv[i], &err));
	EXPECT_OK(hf_kv_namespace(kv[1], "twin", &kv[3], &err)); /* through a file */
	EXPECT_OK(hf_kv_put(kv[0], HF_KV_KEY("k"), HF_KV_KEY("v"), &put, &err));
	EXPECT_OK(hf_kv_checkpoint_create(kv[0], NULL, arena, &point, &err));
}

static void test_memory_that_runs_out(void **state)
{
	(void)state;
	hf_kv *kv[4];
	struct hf_kv_entry entry;
	assert_true(torture(write_and_read, NULL) > 8);
	open_stores(kv);
	assert_true(torture_or(HF_E_OUTCOME_UNKNOWN, export_import_copy, kv) > 30); /* a copy that was made stays */
	for (int i = 1; i < 4; i++)
		EXPECT_OK(hf_kv_get(kv[i], HF_KV_KEY("k"), NULL, arena, &entry, &err));
	for (int i = 0; i < 4; i++)
		hf_kv_close(kv[i]);
	assert_int_equal(files_in_folder(), 1);
}

static void test_one_long_entry_at_a_time(void **state)
{
	(void)state;
	enum { LONG = 3 << 20 };
	static struct savefile_blocks blocks; /* a thread of one that failed may still use it */
	EXPECT_OK(blocks_init(&blocks, &err));
	blocks.fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	blocks.path = path;
	blocks.apart = true;
	for (int i = 0; i < 4; i++) {
		size_t held = 0;
		EXPECT_OK(blocks_reserve(&blocks, LONG, &err));
		for (int j = 0; j < SAVEFILE_ROOMS; j++)
			held += blocks.rooms[j].room;
		assert_int_equal(held, LONG);
		struct block_room *room = blocks_room(&blocks);
		memset(room->bytes, 'x', LONG);
		room->len = LONG;
		room->entries = 1;
		EXPECT_OK(blocks_give(&blocks, &err));
	}
	EXPECT_OK(blocks_wait(&blocks, &err));
	assert_int_equal(blocks.count, 4);
	(void)close(blocks.fd);
	blocks_deinit(&blocks);
}

/* ---- */

static int start(void **state)
{
	(void)state;
	err = (hf_error)HF_ERROR_INIT;
	snprintf(folder, sizeof(folder), "/tmp/holdfast-savefile-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	arena = hf_arena_new(0);
	return hf_context_new(NULL, &ctx, &err) == HF_OK ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	hf_arena_free(arena);
	hf_context_free(ctx);
	return system(command);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_kind_of_entry_comes_back),
		TEST(test_pinned_bytes),
		TEST(test_crc32c),
		TEST(test_every_truncation),
		TEST(test_every_byte),
		TEST(test_a_later_version_is_refused_by_name),
		TEST(test_lies_with_a_right_checksum),
		TEST(test_random_damage),
		TEST(test_files_that_follow_each_other),
		TEST(test_a_full_disk_leaves_nothing),
		TEST(test_killed_at_any_moment),
		TEST(test_a_link_stays_one),
		TEST(test_one_long_entry_at_a_time),
		TEST(test_memory_that_runs_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
