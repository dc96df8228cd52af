/*
 * cname.h - identifiers of C from names of SQL.
 */
#ifndef GEN_CNAME_H
#define GEN_CNAME_H

#include "gen/mem.h"

/** A word that C or C++ keeps for itself. */
bool cname_is_keyword(const char *word);
/** A function, macro or variable of the C library or of POSIX: a query of that name would not compile beside its
 *  header, or be called in its place. */
bool cname_is_library(const char *word);
/** A struct member: lower case, other characters '_', words of C and C++ with a '_' behind. */
const char *cname_member(hf_arena *arena, const char *name);
/** Upper case: an enumerator or a guard. */
const char *cname_upper(hf_arena *arena, const char *name);
/** A file-scope name: as a member, and never beginning with a digit or an underscore. */
const char *cname_type(hf_arena *arena, const char *name);
/** Two members would be one, or one would be the has_ flag of the other. */
bool cname_clash(const char *member, const char *other);

#endif
