-- Every cardinality on a plain table.

-- name: item_add :one
-- doc: Add an item.
--   It gets the next free number.
-- timeout: 2s
INSERT INTO item (name, note, mood) VALUES (:name, :note, :mood) RETURNING id, added;

-- name: item_by_id :opt
-- row: item_line
SELECT id, name, note, mood FROM item WHERE id = :id;

-- name: item_count :one
SELECT count(*) AS total, max(id) AS newest FROM item;

-- name: items_by_mood :many
-- row: item_line
SELECT id, name, note, mood FROM item WHERE mood = ANY(:moods) ORDER BY id;

-- name: items_scan :each
-- idempotent: yes  -- timeout: 1min
SELECT i.id, p.number, p.weight AS "double"
FROM item i LEFT JOIN part p ON p.item = i.id -- a comment that is dropped
WHERE i.id >= :from_id /* and another */
ORDER BY i.id, p.number;

-- name: item_rename :execrows
UPDATE item SET name = :name, note = :note WHERE id = :id;

-- name: items_drop :exec
DELETE FROM item WHERE note = '-- name: not_me' OR name = $q$;:x$q$ OR id = :id::int;

-- name: parts_copy :copy
-- copy: public.part(item, number, weight)

-- name: items_copy :copy
INSERT INTO item (id, name, note, mood) VALUES (:id, :name, :note, :mood);

-- name: item_wait :exec
SELECT pg_sleep(:seconds);

-- name: mood_echo :one
SELECT :mood::mood AS mood, :size::app.size AS size;

-- name: next_number :one
SELECT nextval('item_id_seq') AS value;

-- name: item_all_of :opt
SELECT upper(i.name) AS shout, i . * , 1 * :factor::int AS "a ""b" FROM item AS i WHERE i.id = :id;

-- name: item_touch :many
UPDATE item SET added = added WHERE true RETURNING *;

-- name: chars_echo :one
SELECT :chars::"char"[] AS chars, :names::name[] AS names, :oids::oid[] AS oids;

-- name: item_whole :opt
SELECT item AS item, ARRAY[item] AS items FROM item WHERE id = :id;

-- name: items_each :each
-- row: item_line
SELECT id, name, note, mood FROM item ORDER BY id;
