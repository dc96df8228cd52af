/*
 * variant.h - statements with optional parts and a choice of orders: each combination is a statement of its own, made,
 * prepared and checked at build time, so that at run time a constant text is chosen and none is put together.
 *
 *     SELECT id, name FROM item WHERE true
 *     [? status] AND status = :status [?]
 *     [order: newest = added DESC | name = name ASC, id]
 *
 * where [ ] stand for what begins and ends a block comment.
 * Both are comments to everybody else: psql and formatters see a statement with all parts and no order. `status`
 * becomes bool with_status of the inputs; a name that stands twice is one switch. The order becomes an enum, whose
 * first value is the default; the comment stands for the whole ORDER BY clause.
 *
 * The query itself is the variant with all parts and the first order; the others are queries that share its name, its
 * annotations and, once merged, its columns and inputs.
 *
 * Where no C is made of it (`lenient`), parts that do not fit are warned of, and the statement is but the one with all.
 */
#ifndef GEN_VARIANT_H
#define GEN_VARIANT_H

#include "gen/source.h"

enum { VARIANTS_MAX = 64, VARIANTS_BYTES_MAX = 4 << 20 };

/** A block comment within the statement of `query`: part of it, or nothing to us. */
void variant_comment(struct query *query, struct token comment, struct diags *diags);
/** The statement is complete: cut it into its variants, unless it has but one. Rewriting is up to the caller. */
void variants_make(struct query *query, struct diags *diags);
/** All variants are rewritten: list what they take. */
void variants_collect_inputs(struct query *query, struct diags *diags);
/** All variants are described: they must agree on columns and types; nullable is what is so in any of them. */
void variants_merge(struct query *query, struct diags *diags);
/** From the query to its variants: columns, and what is known of the inputs. */
void variants_share(struct query *query);
/** "ITEMS_LIST_ORDER_NEWEST" */
const char *variant_enumerator(const struct query *query, size_t order, hf_arena *arena);
/** Call `fn` for the query and then, as long as nothing is wrong with it, for its other variants. */
void variants_each(struct query *query, void (*fn)(void *user, struct query *query), void *user);

#endif
