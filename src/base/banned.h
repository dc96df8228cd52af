/*
 * banned.h - functions that no file of ours may call; including it makes their use a compile error.
 * Force-included into every translation unit by meson.build.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Under clang a fortified <stdio.h> makes macros of these two, and poisoning a macro's name warns. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets strncpy strncat gmtime localtime ctime asctime
#pragma GCC poison atoi atol atoll atof

#endif
