-- Entries taken over as they are, into a namespace whose lock is held: see restore_epoch() in checkpoints.sql.
-- identifier: schema = public
-- identifier: entries = state_entries

-- name: load_live :opt
-- doc: Is there anything?
-- allow: limit-order any will do
SELECT rev FROM :"schema".:"entries" WHERE namespace = :ns AND (expires_at IS NULL OR expires_at > now()) LIMIT 1;

-- name: load_clear :execrows
DELETE FROM :"schema".:"entries" WHERE namespace = :ns;

-- name: load_span :one
-- doc: Takes revisions for the next rows: `how_many` from `first` on, unless somebody else took one in between.
-- col first: notnull! how_many is above 0
-- col last: notnull! how_many is above 0
SELECT min(n.rev) AS first, max(n.rev) AS last
FROM (SELECT nextval(:'schema.entries_rev') AS rev, generate_series(1, :how_many::bigint)) AS n;

-- name: load_revs :one
-- doc: Takes them one by one: four times as dear.
SELECT ARRAY(SELECT nextval(:'schema.entries_rev') FROM generate_series(1, :how_many::bigint)) AS revs;

-- name: load_rows :copy
-- param expires_at: nullable
-- param expire_bucket: nullable
-- param metadata: nullable
INSERT INTO :"schema".:"entries" (rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, codec, key, value, metadata)
VALUES (:rev, :created_at, :updated_at, :expires_at, :expire_bucket, :ns, :epoch, :codec, :key, :value, :metadata);
