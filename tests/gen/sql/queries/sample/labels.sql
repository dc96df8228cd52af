-- Labels that the program does not know: refused, or kept where a column is open.

-- name: labels_strict :one
-- row: labels
SELECT :scalar::text::mood AS scalar, :of_domain::text::mood_or_none AS of_domain,
       ('{happy,' || :in_array::text || '}')::mood[] AS in_array,
       ROW(1, 2, 'l', :in_composite::text)::point3 AS in_composite,
       ARRAY[ROW(ROW(1, 2, 'l', (:nested::text))::point3, NULL, 0.5)::app.pair] AS nested;

-- name: labels_open :one
-- row: labels
-- col scalar: open  -- col of_domain: open  -- col in_array: open
-- col in_composite: open  -- col nested: open it is only shown
SELECT :scalar::text::mood AS scalar, :of_domain::text::mood_or_none AS of_domain,
       ('{happy,' || :in_array::text || '}')::mood[] AS in_array,
       ROW(1, 2, 'l', :in_composite::text)::point3 AS in_composite,
       ARRAY[ROW(ROW(1, 2, 'l', (:nested::text))::point3, NULL, 0.5)::app.pair] AS nested;

-- name: item_shown :opt
-- row: item_line
-- col mood: open
SELECT id, name, note, mood FROM item WHERE id = :id;

-- name: items_shown :many
-- row: item_line
-- col mood: open
SELECT id, name, note, mood FROM item /*? name */ WHERE name = :name /*?*/ ORDER BY id;

-- name: items_shown_each :each
-- row: item_line
-- col mood: open
SELECT id, name, note, mood FROM item ORDER BY id;

-- name: items_shown_find :batch
-- row: item_line
-- col mood: open
SELECT id, name, note, mood FROM item WHERE name = :name;
