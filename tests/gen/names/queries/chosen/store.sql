-- Names that are chosen at run time: tables, functions, sequences, and every way to run a statement.
-- identifier: schema = public
-- identifier: entries = chosen_entries

-- name: entry_put :one
-- doc: Store it; its revision.
INSERT INTO :"schema".:"entries" AS t (key, value, rev) VALUES (:key, :value, nextval(:'schema.entries_rev'))
ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value, rev = nextval(:'schema.entries_rev')
RETURNING rev;

-- name: entry_get :opt
SELECT e.* FROM :"schema".:"entries" AS e WHERE e.key = :key;

-- name: entry_star :opt
-- doc: A name within the star's qualifier and behind it.
SELECT :"entries".*, :'entries' AS named FROM :"schema".:"entries" WHERE :"entries".key = :key;

-- name: entry_delete :execrows
WITH gone AS (DELETE FROM :"schema".:"entries" WHERE key = :key RETURNING key, rev)
INSERT INTO :"schema".:"entries_history" (key, rev) SELECT key, rev FROM gone;

-- name: entry_list :many
SELECT key, rev FROM :"schema".:"entries" WHERE true
/*? since */ AND rev >= :since AND NOT EXISTS (SELECT FROM :"schema".:"entries_history" AS h WHERE h.key = :"entries".key) /*?*/
/*order: by_key = key | by_rev = :"entries".rev DESC */;

-- name: entry_each :each
SELECT key FROM :"schema".:"entries" ORDER BY key;

-- name: entry_epoch :one
-- col epoch: notnull! a number more is a number
SELECT :"schema".:"entries_epoch"(:ns) AS epoch;

-- name: entries_load :copy
INSERT INTO :"schema".:"entries" (key, value, rev) VALUES (:key, :value, :rev);

-- name: entries_set :batch
UPDATE :"schema".:"entries" SET value = :value WHERE key = :key RETURNING rev;

-- name: entries_add :bulk
INSERT INTO:"schema".:"entries"(key, value, rev)
SELECT u.key, u.value, nextval(:'schema.entries_rev') FROM unnest(:key::bytea[], :value::bytea[]) AS u (key, value);

-- name: nothing_chosen :one
SELECT 1 AS one;
