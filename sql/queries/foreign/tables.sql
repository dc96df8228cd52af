-- Entries in the tables of other programs, in the order of their keys' bytes, from one on. What has expired is absent.
-- identifier: schema = public
-- identifier: entries = state_entries
-- identifier: checkpoints = state_checkpoints
-- identifier: dapr = state

-- name: seed_entries :each
-- row: foreign_row
-- col key: nullable
-- col value: nullable
-- col created_at: nullable
SELECT key, value, created_at, expires_at, metadata FROM :"schema".:"entries"
WHERE key >= :from AND (expires_at IS NULL OR expires_at > now()) ORDER BY key;

-- name: seed_checkpoints :many
-- doc: The oldest first.
SELECT checkpoint_id, created_at, metadata, row_count, data_size FROM :"schema".:"checkpoints"
ORDER BY created_at, checkpoint_id LIMIT 10001;

-- name: seed_checkpoint_entries :each
-- doc: An array of objects with key and value in hexadecimal digits.
-- row: foreign_row
-- col key: nullable
-- col value: nullable
-- col created_at: nullable
SELECT decode(e.entry ->> 'key', 'hex') AS key, decode(e.entry ->> 'value', 'hex') AS value,
       NULL::timestamptz AS created_at, NULL::timestamptz AS expires_at, NULL::jsonb AS metadata
FROM :"schema".:"checkpoints" AS c CROSS JOIN LATERAL jsonb_array_elements(c.checkpoint_data) AS e (entry)
WHERE c.checkpoint_id = :id;

-- name: dapr_entries :each
-- row: foreign_row
-- col key: nullable
-- col value: nullable
-- col created_at: nullable
SELECT convert_to(key, 'UTF8') AS key, value, created_at, expires_at, NULL::jsonb AS metadata FROM :"schema".:"dapr"
WHERE convert_to(key, 'UTF8') >= :from AND (expires_at IS NULL OR expires_at > now()) ORDER BY convert_to(key, 'UTF8');
