/*
 * replay - the corpus without a fuzzer. A line of it is an input by name: type, "borrow" or "copy", bytes in hex.
 *
 *     replay FILE               run all lines (TAP)
 *     replay --unpack FILE DIR  a file for each line, as libFuzzer wants them
 *     replay --pack FILE...     lines from such files, on standard output
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "../gen/every_type.h"

enum { LINE_BYTES_MAX = 1 << 16 };

static int fail(const char *path, const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", path, why);
	return 1;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* "int4[] copy 00ff" into an input; its length, or 0 for a line that is none. */
static size_t input_of(char *line, uint8_t *ret_input)
{
	char *rest = NULL;
	const char *type = strtok_r(line, " \n", &rest), *how = strtok_r(NULL, " \n", &rest);
	const char *hex = strtok_r(NULL, " \n", &rest);
	size_t number = 0, len = FUZZ_HEAD;
	while (type && number < EVERY_TYPE_COUNT && strcmp(every_type[number]->name, type) != 0)
		number++;
	if (!how || number == EVERY_TYPE_COUNT)
		return 0;
	ret_input[0] = (uint8_t)number;
	ret_input[1] = strcmp(how, "borrow") == 0;
	for (; hex && hex[0] && hex[1]; hex += 2)
		ret_input[len++] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
	return len;
}

typedef int input_fn(void *user, size_t number, const uint8_t *input, size_t len);

static int each_line(const char *path, input_fn *fn, void *user)
{
	static char line[LINE_BYTES_MAX];
	static uint8_t input[LINE_BYTES_MAX];
	FILE *file = fopen(path, "r");
	int failed = 0;
	if (!file)
		return fail(path, strerror(errno));
	for (size_t number = 1; !failed && fgets(line, sizeof(line), file); number++) {
		size_t len = input_of(line, input);
		failed = len ? fn(user, number, input, len) : fail(path, "not a line of a corpus");
	}
	fclose(file);
	return failed;
}

static int run(void *user, size_t number, const uint8_t *input, size_t len)
{
	*(size_t *)user = number;
	uint8_t *exact = malloc(len);
	if (!exact)
		return 1;
	memcpy(exact, input, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int unpack(void *user, size_t number, const uint8_t *input, size_t len)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%05zu", (const char *)user, number);
	FILE *file = fopen(path, "wb");
	if (!file)
		return fail(path, strerror(errno));
	size_t written = fwrite(input, 1, len, file);
	return fclose(file) != 0 || written != len ? fail(path, "could not write") : 0;
}

static int pack(const char *path)
{
	uint8_t input[LINE_BYTES_MAX / 2 - 128];
	FILE *file = fopen(path, "rb");
	if (!file)
		return fail(path, strerror(errno));
	size_t len = fread(input, 1, sizeof(input), file);
	fclose(file);
	if (len < FUZZ_HEAD)
		return 0;
	printf("%s %s ", every_type[input[0] % EVERY_TYPE_COUNT]->name, input[1] & 1 ? "borrow" : "copy");
	for (size_t i = FUZZ_HEAD; i < len; i++)
		printf("%02x", input[i]);
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	size_t count = 0;
	int failed = 0;
	if (argc == 2) {
		failed = each_line(argv[1], run, &count) || count == 0;
		printf("1..1\n%s 1 - %zu inputs of the corpus\n", failed ? "not ok" : "ok", count);
	} else if (argc == 4 && strcmp(argv[1], "--unpack") == 0) {
		failed = each_line(argv[2], unpack, argv[3]);
	} else if (argc > 2 && strcmp(argv[1], "--pack") == 0) {
		for (int i = 2; i < argc && !failed; i++)
			failed = pack(argv[i]);
	} else {
		fprintf(stderr, "usage: replay FILE | --unpack FILE DIR | --pack FILE...\n");
		return 2;
	}
	return failed;
}
