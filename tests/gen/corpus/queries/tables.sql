-- Columns of tables, their descendants, foreign tables, system columns, generated and identity columns.

-- name: person_plain :many
-- labels !!????!! / tables generated
SELECT id, name, nick, age, active, twice, vip, initial FROM person;

-- name: orders_plain :many
-- labels !?!!??!? / tables generated
SELECT id, person_id, seller_id, total, discount, note, state, shipped FROM orders;

-- name: item_plain :many
-- labels !!?!? / tables
SELECT order_id, line, product_id, qty, rebate FROM item;

-- name: star :many
-- labels !!?!??!? / tables
SELECT * FROM a;

-- name: quoted_names :many
-- labels !!? / tables
SELECT "Id" AS id, "a space" AS a_space, "select" AS sel FROM folder;

-- name: whole_row :many
-- labels !! / tables composite
SELECT b AS whole, b.id FROM b;

-- name: whole_row_left :many
-- labels !? / tables composite outer_join
SELECT a.id, b AS whole FROM a LEFT JOIN b ON b.a_id = a.id;

-- name: system_columns :many
-- labels !!!! / tables system
SELECT tableoid::int AS t, ctid::text AS c, xmin::text AS x, cmin::text AS m FROM a;

-- name: system_columns_left :many
-- labels ??? / tables system outer_join
SELECT b.tableoid::int AS t, b.ctid::text AS c, b.xmin::text AS x FROM a LEFT JOIN b ON b.a_id = a.id;

-- name: system_tableoid_parent :many
-- labels !! / system inheritance
SELECT tableoid::int AS t, id FROM vehicle;

-- name: system_catalog :many
-- labels !!? / system tables
SELECT relname::text AS name, relkind::text AS kind, relacl::text AS acl FROM pg_class WHERE relname IN ('a', 'pg_class', 'pg_proc');

-- name: system_join :many
-- labels !! / system tables
SELECT a.tableoid::bigint AS t, b.ctid::text AS c FROM a JOIN b ON a.id = b.a_id;

-- name: generated_always :many
-- labels !? / generated
SELECT initial, twice FROM person WHERE age IS NULL;

-- name: generated_proven :many
-- labels ! / generated where
SELECT twice FROM person WHERE twice > 0;

-- name: identity_always :many
-- labels !! / generated
SELECT id, placed FROM orders ORDER BY id;

-- name: identity_by_default :many
-- labels ! / generated
SELECT id FROM person WHERE nick IS NULL;

-- name: inherit_dropped :many
-- labels !?? / inheritance
SELECT id, wheels, owner FROM vehicle;

-- name: inherit_only :many
-- labels !!? / inheritance
SELECT id, wheels, owner FROM ONLY vehicle;

-- name: inherit_sound :many
-- labels !!? / inheritance
SELECT id, legs, sound FROM animal;

-- name: inherit_middle :many
-- labels !!?! / inheritance
SELECT id, legs, sound, wings FROM bird;

-- name: inherit_leaf :many
-- labels !!!? / inheritance
SELECT id, legs, wings, phrase FROM parrot;

-- name: inherit_grandchild_dropped :many
-- labels !? / inheritance
SELECT id, height FROM plant;

-- name: inherit_through_middle :many
-- labels !?? / inheritance
SELECT id, height, age FROM tree;

-- name: inherit_child_itself :many
-- labels !! / inheritance
SELECT wheels, cargo FROM truck;

-- name: inherit_boat :many
-- labels !? / inheritance
SELECT id, wheels FROM boat;

-- name: inherit_join :many
-- labels !? / inheritance where
SELECT v.id, v.wheels FROM vehicle AS v JOIN animal AS n ON n.id = v.id;

-- name: inherit_where :many
-- labels ! / inheritance where
SELECT wheels FROM vehicle WHERE wheels <> 3;

-- name: partition_parent :many
-- labels !!?? / partitions
SELECT at, kind, value, note FROM event;

-- name: partition_leaf :many
-- labels !!! / partitions
SELECT at, kind, value FROM event_high_a;

-- name: partition_middle :many
-- labels !!? / partitions
SELECT at, kind, value FROM event_high;

-- name: partition_key_nullable :many
-- labels ?! / partitions
SELECT k, v FROM metric;

-- name: partition_join :many
-- labels !!! / partitions
SELECT e.kind, e.at, m.v FROM event AS e JOIN metric AS m ON m.k = e.at;

-- name: partition_foreign :many
-- labels ?? / partitions foreign
SELECT id, v FROM sensor;

-- name: partition_foreign_sibling :many
-- labels !! / partitions foreign
SELECT id, v FROM sensor_1;

-- name: partition_only :many
-- labels !! / partitions
SELECT at, kind FROM event WHERE at < 2;

-- name: foreign_plain :many
-- labels ?? / foreign
SELECT id, v FROM far;

-- name: foreign_where :many
-- labels !? / foreign where
SELECT id, v FROM far WHERE id > 0;

-- name: foreign_child :many
-- labels ?? / foreign inheritance
SELECT id, v FROM station;

-- name: foreign_only_parent :many
-- labels !! / foreign inheritance
SELECT id, v FROM ONLY station;

-- name: foreign_child_itself :many
-- labels !? / foreign inheritance where
SELECT id, v FROM station_far WHERE id = 3;

-- name: foreign_join :many
-- labels !? / foreign where
SELECT a.n, far.v FROM a JOIN far ON far.id = a.id;

-- name: table_generated_of_known :many
-- labels !! / generated where
SELECT age, twice FROM person WHERE age > 0;

-- name: table_generated_of_present :many
-- labels ?!? / generated join
SELECT b.twice, b.initial, b.age FROM person AS a LEFT JOIN person AS b ON b.id = a.boss_id WHERE b.vip IS NOT NULL;

-- name: table_generated_behind_join :many
-- labels ?? / generated outer_join
SELECT b.twice, b.initial FROM person AS a LEFT JOIN person AS b ON b.id = a.boss_id AND b.age IS NOT NULL;

-- name: table_generated_grouped :many
-- labels ?! / generated grouping_sets
SELECT twice, count(*) AS n FROM person WHERE age > 0 GROUP BY ROLLUP (twice);
