/*
 * macros.h - the few language tricks that the house uses, behind names. No logic here.
 */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, args_index) __attribute__((format(printf, format_index, args_index)))
#define UNUSED __attribute__((unused))
/* On the way of every one-row query: laid out together, since the server's turn on a core leaves the caches cold. */
#define HOT __attribute__((hot))
/* Only called when something failed: branches that lead there are unlikely and laid out elsewhere. */
#define COLD __attribute__((cold))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/*
 * DEFINE_OWNED(foo, struct foo *, foo_free) makes foo_freep(), for CLEANUP(foo_freep), and foo_take(), which disarms
 * the guard: `*ret = foo_take(&guarded);` on the success path.
 */
#define DEFINE_OWNED(name, type, free_fn)                 \
	UNUSED static inline void name##_freep(type *ptr) \
	{                                                 \
		if (*ptr)                                 \
			free_fn(*ptr);                    \
	}                                                 \
	UNUSED static inline type name##_take(type *ptr)  \
	{                                                 \
		type taken = *ptr;                        \
		*ptr = NULL;                              \
		return taken;                             \
	}

/* Internal contract, on in release too: prints where and aborts. Bad input is never an assertion. */
#define ASSERT(condition) ((condition) ? (void)0 : base_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void base_assert_failed(const char *condition, const char *file, int line);

#endif
