-- Indexes on metadata, made where somebody asks for one: they make puts with metadata dearer. Two kinds. All of it, for
-- whatever is contained; or the value of one member with the key behind it (members.sql). The name tells which:
-- TABLE_metadata, TABLE_by_MEMBER. An index of that name is ours.
-- identifier: schema = public
-- identifier: entries = state_entries

-- name: indexes_list :many
-- doc: No member: that on all of it.
SELECT CASE WHEN c.relname <> t.relname || '_metadata' THEN substr(c.relname, length(t.relname) + 5) END AS member,
       i.indisvalid AS valid, pg_relation_size(c.oid) AS bytes, pg_stat_get_numscans(c.oid) AS scans
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE t.oid = (:'schema.entries')::regclass
AND (c.relname = t.relname || '_metadata' OR starts_with(c.relname, t.relname || '_by_'))
ORDER BY c.relname <> t.relname || '_metadata', c.relname LIMIT 1000;

-- name: index_all_make :exec
CREATE INDEX CONCURRENTLY :"entries_metadata" ON :"schema".:"entries" USING gin (metadata jsonb_path_ops)
WHERE metadata IS NOT NULL;

-- name: index_all_drop :exec
DROP INDEX CONCURRENTLY IF EXISTS :"schema".:"entries_metadata";
