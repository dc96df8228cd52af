-- The index on one member of the metadata, and the reads that go by it. By the hash of its value: it may be of any length,
-- and one that is equal has an equal hash. With the key behind it a page of what has that value costs what it holds.
-- identifier: schema = public
-- identifier: entries = state_entries
-- identifier: member = source
-- identifier: own = state_entries_by_source

-- name: index_member_make :exec
CREATE INDEX CONCURRENTLY :"own" ON :"schema".:"entries"
       (namespace, jsonb_hash_extended(metadata -> btrim(:'member', '"'), 0), key)
WHERE metadata -> btrim(:'member', '"') IS NOT NULL;

-- name: index_member_drop :exec
DROP INDEX CONCURRENTLY IF EXISTS :"schema".:"own";

-- name: member_scan :each
-- doc: As entries_scan, of what has `wanted` as that member, among others that `part` names.
-- row: entry_row
SELECT 0::bigint AS place, key, rev, created_at, updated_at, expires_at, codec,
       CASE WHEN :keys_only::boolean THEN NULL ELSE value END AS value,
       CASE WHEN :keys_only::boolean THEN NULL ELSE metadata END AS metadata
FROM :"schema".:"entries"
WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > now())
AND jsonb_hash_extended(metadata -> btrim(:'member', '"'), 0) = jsonb_hash_extended(:wanted::jsonb, 0)
AND metadata @> :part::jsonb
/*? to */ AND key < :to /*?*/
/*order: up = key | down = key DESC */
LIMIT :most::bigint;

-- name: member_count :one
SELECT count(*) AS n FROM :"schema".:"entries"
WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > now())
AND jsonb_hash_extended(metadata -> btrim(:'member', '"'), 0) = jsonb_hash_extended(:wanted::jsonb, 0)
AND metadata @> :part::jsonb
/*? to */ AND key < :to /*?*/;
