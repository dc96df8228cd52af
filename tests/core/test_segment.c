/* Segment parameters: the golden vectors of spec/janitor.md appendix B, and what D-52 adds. */
#include <string.h>

#include "base/str.h"
#include "core/segment.h"
#include "../check.h"

static void is(struct hf_str text, const char *expected)
{
	if (!text.ptr != !expected || (text.ptr && !str_eq(text, hf_str_of(expected))))
		fail_msg("%.*s, not %s", text.ptr ? (int)text.len : 4, text.ptr ? text.ptr : "NULL",
		         expected ? expected : "NULL");
}

struct vector {
	const char *url, *base, *parameters; /* base NULL: refused */
};

static void check_vectors(bool (*split)(struct hf_str, struct hf_str *, struct hf_str *), const struct vector *vectors,
                          size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hf_str base = HF_STR("untouched"), parameters = HF_STR("untouched");
		bool done = split(hf_str_of(vectors[i].url), &base, &parameters);
		if (done != (vectors[i].base != NULL))
			fail_msg("%s: %s", vectors[i].url, done ? "accepted" : "refused");
		is(base, done ? vectors[i].base : "untouched");
		is(parameters, done ? vectors[i].parameters : "untouched");
	}
}

#define BOTH                                                                                                   \
	{"https://example.com/foo,branch=main", "https://example.com/foo", "branch=main"},                     \
		{"https://example.com/foo/,branch=main", "https://example.com/foo/", "branch=main"},           \
		{"https://example.com/foo,branch=main/", "https://example.com/foo", "branch=main"},            \
		{"https://example.com/a,b/foo", "https://example.com/a,b/foo", NULL},                          \
		{"https://example.com/foo//", "https://example.com/foo//", NULL},                              \
		{"https://x/foo,a=b,c=d", "https://x/foo", "a=b,c=d"},                                         \
		{"https://x/a,x=1/b,y=2", "https://x/a,x=1/b", "y=2"},                                         \
		{"https://x/foo,branch=a%2Fb", "https://x/foo", "branch=a%2Fb"}, {"foo,", NULL, NULL},         \
		{"https://x/foo,justname", NULL, NULL}, {"https://x/foo,a=b,", NULL, NULL},                    \
		{"https://x/foo,,a=b", NULL, NULL}, {"https://x/foo/", "https://x/foo/", NULL},                \
		{"https://x,a=b/", "https://x,a=b/", NULL}, {"lp:foo,a=b", "lp:foo", "a=b"}, {"/", "/", NULL}, \
		{"", "", NULL}, {"https://x/foo,=b", "https://x/foo", "=b"},                                   \
	{                                                                                                      \
		"a,b=c=d", "a", "b=c=d"                                                                        \
	}

static void golden_vectors(void **state)
{
	static const struct vector vectors[] = {BOTH,
	                                        {"https://h/solo,branch=a/b", "https://h/solo,branch=a/b", NULL},
	                                        {"lp:foo,branch=x/", "lp:foo,branch=x/", NULL}};
	(void)state;
	check_vectors(segment_split, vectors, ARRAY_LEN(vectors));
}

static void slashes_that_nobody_encoded(void **state)
{
	static const struct vector vectors[] = {BOTH,
	                                        {"https://h/solo,branch=a/b", "https://h/solo", "branch=a/b"},
	                                        {"https://h/a,b/solo,branch=a/b/c", "https://h/a,b/solo",
	                                         "branch=a/b/c"},
	                                        {"https://h/solo,x=a/b", "https://h/solo,x=a/b", NULL}};
	(void)state;
	check_vectors(segment_split_lenient, vectors, ARRAY_LEN(vectors));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_vectors),
		cmocka_unit_test(slashes_that_nobody_encoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
