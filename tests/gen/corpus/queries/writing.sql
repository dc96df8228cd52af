-- RETURNING: what the row that was written shows, under triggers, views, conflicts and joins; writing CTEs.

-- name: insert_constants :many
-- labels !!? / returning
-- given w = 1
-- given w = NULL
INSERT INTO plain_log (id, v, w) VALUES (500, 1, :w) RETURNING id, v, w;

-- name: insert_defaults :many
-- labels !! / returning
INSERT INTO plain_log (id, v) VALUES (500, 1) RETURNING id, at;

-- name: insert_default_left_out :many
-- labels ? / returning
INSERT INTO plain_log (id, v) VALUES (500, 1) RETURNING w;

-- name: insert_select :many
-- labels !!? / returning
INSERT INTO plain_log (id, v, w) SELECT id + 500, n, x FROM a RETURNING id, v, w;

-- name: insert_conflict_update :many
-- labels !!? / returning
INSERT INTO plain_log AS p (id, v, w) SELECT id, n, x FROM a ON CONFLICT (id) DO UPDATE SET w = EXCLUDED.w, v = p.v + 1 RETURNING id, v, w;

-- name: insert_conflict_nothing :many
-- labels !? / returning
INSERT INTO plain_log (id, v, w) SELECT id, n, x FROM a ON CONFLICT DO NOTHING RETURNING v, w;

-- name: insert_trigger_forgets :many
-- labels !!? / returning trigger
INSERT INTO forgetful (id, v, w) VALUES (500, 1, 1) RETURNING id, v, w;

-- name: insert_identity :one
-- labels !!? / returning generated
INSERT INTO orders (person_id, seller_id, total, placed) VALUES (NULL, 1, 5, '2024-01-01') RETURNING id, total, person_id;

-- name: insert_generated :many
-- labels !!? / returning generated
INSERT INTO person (name, age) VALUES ('someone', NULL) RETURNING id, name, twice;

-- name: insert_through_view :many
-- labels !!? / returning view fallback
INSERT INTO log_view (id, v) VALUES (500, 1) RETURNING id, v, w;

-- name: insert_instead_of :many
-- labels ? / returning view trigger
INSERT INTO trigger_view (id, n) VALUES (500, 1) RETURNING n;

-- name: update_instead_of :many
-- labels ? / returning view trigger
UPDATE trigger_view SET n = 5 WHERE id >= 0 RETURNING n;

-- name: delete_instead_of :many
-- labels ! / returning view trigger
DELETE FROM trigger_view WHERE id >= 0 RETURNING n;

-- name: insert_partitioned :many
-- labels !!? / returning partitions
INSERT INTO event (at, kind, value) VALUES (1, 'a', 1), (5, 'c', NULL) RETURNING at, kind, value;

-- name: insert_domain :many
-- labels !?! / returning domain
INSERT INTO product (id, title, short, price) VALUES (500, 'x', 'y', 1) RETURNING title, subtitle, short;

-- name: insert_values_expression :many
-- labels !!? / returning
INSERT INTO plain_log (id, v, w) VALUES (500, 1, 1), (501, 2, NULL) RETURNING id + 1 AS p, v * 2 AS q, w + 1 AS r;

-- name: insert_whole_row :many
-- labels ! / returning composite
INSERT INTO plain_log (id, v) VALUES (500, 1) RETURNING plain_log AS whole;

-- name: insert_from_cte :many
-- labels !? / returning cte
WITH s AS (SELECT id, n, x FROM a WHERE n > 0) INSERT INTO plain_log (id, v, w) SELECT id + 700, n, x FROM s RETURNING v, w;

-- name: update_plain :many
-- labels !!? / returning
UPDATE plain_log SET v = v + 1 WHERE id >= 0 RETURNING id, v, w;

-- name: update_where_is_the_old_row :many
-- labels ? / returning where
UPDATE plain_log SET w = NULL WHERE w IS NOT NULL RETURNING w;

-- name: update_where_other_column :many
-- labels !? / returning where
UPDATE plain_log SET v = 3 WHERE w IS NULL RETURNING v, w;

-- name: update_from :many
-- labels !!? / returning
UPDATE plain_log AS p SET w = NULL FROM a WHERE a.id = p.id RETURNING p.v, a.n, a.x;

-- name: update_from_where_proves_other :many
-- labels !? / returning where
UPDATE plain_log AS p SET w = NULL FROM a WHERE a.id = p.id AND a.x > 0 AND p.w IS NOT NULL RETURNING a.x, p.w;

-- name: update_from_left_join :many
-- labels !?? / returning outer_join
UPDATE plain_log AS p SET note = 'x' FROM a LEFT JOIN b ON b.a_id = a.x WHERE a.id = p.id RETURNING a.n, b.v, p.w;

-- name: update_trigger_forgets :many
-- labels !? / returning trigger where
UPDATE forgetful SET w = 5 WHERE w IS NULL RETURNING v, w;

-- name: update_trigger_unassigned :many
-- labels !? / returning trigger where
-- before ALTER TABLE forgetful DISABLE TRIGGER forget; INSERT INTO forgetful VALUES (77, 1, 9); ALTER TABLE forgetful ENABLE TRIGGER forget
UPDATE forgetful SET note = 'x' WHERE w IS NOT NULL RETURNING v, w;

-- name: update_inherited :many
-- labels !? / returning inheritance
UPDATE vehicle SET owner = 'me' WHERE id >= 0 RETURNING id, wheels;

-- name: update_through_view :many
-- labels !? / returning view
UPDATE log_view SET v = 4 WHERE id >= 0 RETURNING v, w;

-- name: update_scalar :many
-- labels !? / returning scalar_subquery
UPDATE plain_log SET v = 2 WHERE id >= 0 RETURNING (SELECT count(*) FROM b) AS p, (SELECT max(v) FROM b) AS q;

-- name: update_generated :many
-- labels !? / returning generated
UPDATE person SET age = NULL WHERE id >= 0 RETURNING initial, twice;

-- name: delete_plain :many
-- labels !? / returning
DELETE FROM plain_log WHERE id >= 0 RETURNING v, w;

-- name: delete_where_proves :many
-- labels !? / returning where
DELETE FROM plain_log WHERE w > 0 RETURNING w, note;

-- name: delete_using :many
-- labels !!? / returning
DELETE FROM plain_log AS p USING a WHERE a.id = p.id RETURNING p.v, a.n, a.x;

-- name: delete_using_left_join :many
-- labels !? / returning outer_join
DELETE FROM plain_log AS p USING a LEFT JOIN b ON b.a_id = a.x WHERE a.id = p.id RETURNING a.n, b.v;

-- name: delete_partition :many
-- labels !? / returning partitions
DELETE FROM event WHERE at >= -5 RETURNING at, value;

-- name: delete_inherited :many
-- labels !! / returning inheritance
DELETE FROM animal WHERE id >= 0 RETURNING id, legs;

-- name: writing_cte_delete :many
-- labels !? / returning cte
WITH gone AS (DELETE FROM plain_log WHERE id >= 0 RETURNING v, w) SELECT v, w FROM gone;

-- name: writing_cte_insert :many
-- labels !!? / returning cte
WITH made AS (INSERT INTO plain_log (id, v) SELECT id + 800, n FROM a RETURNING id, v, w) SELECT made.id, made.v, made.w FROM made;

-- name: writing_cte_update_left :many
-- labels !?? / returning cte outer_join
WITH changed AS (UPDATE plain_log SET v = v + 1 WHERE id >= 0 RETURNING id, v, w)
SELECT a.id, c.v, c.w FROM a LEFT JOIN changed AS c ON c.id = a.x;

-- name: writing_cte_aggregate :one
-- labels !? / returning cte aggregate
WITH gone AS (DELETE FROM plain_log WHERE id >= 0 RETURNING v) SELECT count(*) AS p, sum(v) AS q FROM gone;

-- name: writing_cte_chain :many
-- labels !? / returning cte
WITH gone AS (DELETE FROM plain_log WHERE id < 100 RETURNING id, v, w), back AS (INSERT INTO plain_log (id, v, w) SELECT id + 100, v, w FROM gone RETURNING v, w)
SELECT v, w FROM back;

-- name: writing_with_rule :many
-- labels ! / returning
UPDATE ruled SET w = NULL WHERE id >= 0 RETURNING v;

-- name: insert_select_group :many
-- labels !? / returning aggregate
INSERT INTO plain_log (id, v, w) SELECT n + 900, count(*)::int, max(x) FROM a GROUP BY n RETURNING v, w;

-- name: insert_returning_excluded_target :many
-- labels !? / returning
INSERT INTO tagged AS t (id, tag, v) VALUES (500, 'a', 1) ON CONFLICT (tag) DO UPDATE SET v = NULLIF(EXCLUDED.v, 1) RETURNING t.tag, t.v;

-- name: update_where_unassigned :many
-- labels !! / returning where
UPDATE plain_log SET v = v + 1 WHERE w IS NOT NULL RETURNING v, w;
