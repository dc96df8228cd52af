-- An array of inputs: pipelined, and as arrays.

-- name: items_put :batch
-- doc: Add items, all or none.
INSERT INTO item (id, name, note, mood) VALUES (:id, :name, :note, :mood);

-- name: items_put_each :batch
-- atomic: no  -- idempotent: yes
-- allow: idempotent the key refuses a second run
INSERT INTO item (id, name, note) VALUES (:id, :name, :note);

-- name: items_add :batch
-- row: item_new
INSERT INTO item (name) VALUES (:name) RETURNING id, added;

-- name: items_find :batch
-- row: item_line
SELECT id, name, note, mood FROM item WHERE name = :name;

-- name: parts_put :batch
-- A foreign key that only the commit checks.
INSERT INTO late_part (item, number, data) VALUES (:item, :number, :data);

-- name: items_load :bulk
-- doc: One statement, one array per member.
INSERT INTO item (id, name, note, mood)
SELECT * FROM unnest(:id::int[], :name::text[], :note::text[], :mood::mood[]);

-- name: items_annotate :bulk
UPDATE item SET note = u.note FROM unnest(:id::int[], :note::text[]) AS u (id, note) WHERE item.id = u.id;
