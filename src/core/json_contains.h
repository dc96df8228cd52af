/*
 * json_contains.h - containment of JSON values as PostgreSQL's jsonb @> has it (documentation, 8.14.3), for the stores
 * that are not PostgreSQL.
 *
 * An object contains another when it has all its keys and the value under each contains the other's; an array when each
 * of the other's elements is contained in one of its own, order and number aside; scalars when they are equal. As the
 * one exception, and at the top only, an array contains a scalar that is one of its elements.
 */
#ifndef CORE_JSON_CONTAINS_H
#define CORE_JSON_CONTAINS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

bool json_contains(const json_t *whole, const json_t *part);

#endif
