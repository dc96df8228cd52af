-- Optional parts and orders to choose from.

-- name: items_list :many
-- doc: Items of a mood, with a note, by an order of the caller's.
-- row: item_line
SELECT id, name, note, mood FROM item
WHERE true
/*? mood */ AND mood = :mood /*?*/
/*? note */ AND note LIKE :note_like AND note <> '' /*?*/
/*order: id = id | newest = added DESC, id DESC | likeness = strpos(name, :word), id */
LIMIT :most;

-- name: items_count :one
SELECT count(*) AS total, /*? filled */ coalesce( /*?*/ min(id) /*? filled */ , 0) /*?*/ AS first
FROM item /*? some */ WHERE id > :id /*?*/;

-- name: item_change :execrows
UPDATE item SET name = :name /*? note */, note = :note /*?*/ WHERE id = :id;

-- name: items_in_order :many
-- row: item_line
SELECT id, name, note, mood FROM item /*order: up = id | down = id DESC */;

-- name: items_walk :each
SELECT id, name FROM item /*? after */ WHERE id > :after /*?*/ ORDER BY id;

-- name: item_latest :opt
-- row: item_line
SELECT id, name, note, mood FROM item /*? named */ WHERE name = :name /*?*/ ORDER BY id DESC LIMIT 1;
