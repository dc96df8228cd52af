-- Views and materialised views: reached, joined, nested, filtered.

-- name: view_inner :many
-- labels !!? / view
SELECT id, v, w FROM inner_view;

-- name: view_left :many
-- labels !!?? / view outer_join fallback
SELECT id, t, v, w FROM left_view;

-- name: view_aggregate :many
-- labels !!?! / view aggregate fallback
SELECT n, rows, x, top FROM agg_view;

-- name: view_total :one
-- labels !? / view aggregate
SELECT rows, top FROM total_view;

-- name: view_nested :many
-- labels !??? / view outer_join fallback
SELECT id, v, inner_v, rows FROM nested_view;

-- name: view_barrier :many
-- labels !!!? / view where fallback
SELECT id, n, x, u FROM barrier_view;

-- name: view_barrier_where :many
-- labels !! / view where
SELECT x, u FROM barrier_view WHERE u <> 'zz';

-- name: view_union :many
-- labels !!? / view set_operation fallback
SELECT id, p, q FROM union_view;

-- name: view_check_option :many
-- labels !!! / view where
SELECT id, x, n FROM filtered_view;

-- name: view_renamed :many
-- labels !!? / view
SELECT key, one, two FROM renamed_view;

-- name: view_of_view_left_joined :many
-- labels !?? / view outer_join
SELECT a.id, r.key, r.two FROM a LEFT JOIN renamed_view AS r ON r.key = a.x;

-- name: view_left_reduced :many
-- labels !! / view reduction fallback
SELECT id, v FROM left_view WHERE v > 0;

-- name: view_nested_reduced :many
-- labels !!!? / view reduction outer_join
SELECT id, v, inner_v, rows FROM nested_view WHERE inner_v IS NOT NULL;

-- name: view_recursive :many
-- labels ! / view recursive fallback
SELECT i FROM counter_view;

-- name: view_instead_of :many
-- labels !! / view
SELECT id, n FROM trigger_view;

-- name: view_composite :many
-- labels !?!? / view composite fallback
SELECT name, home, work, (work).city AS city FROM people_view;

-- name: view_inherited :many
-- labels !? / view inheritance
SELECT id, wheels FROM vehicle_view;

-- name: view_whole_row :many
-- labels ! / view
SELECT v AS whole FROM inner_view AS v;

-- name: view_in_cte :many
-- labels !? / view cte
WITH s AS (SELECT n, x FROM agg_view) SELECT n, x FROM s;

-- name: view_in_scalar :one
-- labels !? / view scalar_subquery notice
SELECT (SELECT rows FROM total_view) AS p, (SELECT top FROM total_view) AS q;

-- name: view_system :many
-- labels !!? / view system
SELECT schemaname::text AS s, tablename::text AS t, tablespace::text AS u FROM pg_tables WHERE schemaname IS NOT NULL AND tablename IS NOT NULL;

-- name: view_full_join :many
-- labels ?? / view outer_join
SELECT p.v, q.rows FROM inner_view AS p FULL JOIN agg_view AS q ON q.n = p.v;

-- name: view_group_by :many
-- labels !! / view aggregate
SELECT id, count(v) AS c FROM left_view GROUP BY id;

-- name: view_lateral :many
-- labels !? / view lateral
SELECT l.id, s.v FROM left_view AS l, LATERAL (SELECT l.v AS v) AS s;

-- ---- materialised ----

-- name: matview_left :many
-- labels !!?? / matview
SELECT id, n, v, w FROM left_stored;

-- name: matview_aggregate :many
-- labels !!? / matview aggregate
SELECT n, rows, x FROM agg_stored;

-- name: matview_over_view :many
-- labels !??! / matview view
SELECT id, v, inner_v, rows FROM over_view_stored;

-- name: matview_over_matview :many
-- labels !?! / matview
SELECT id, v, coalesce(rows, 0) AS r FROM over_stored;

-- name: matview_left_joined :many
-- labels !?? / matview outer_join
SELECT a.id, s.n, s.v FROM a LEFT JOIN left_stored AS s ON s.id = a.x;

-- name: matview_where :many
-- labels !! / matview where
SELECT v, w FROM left_stored WHERE v > 0 AND w IS NOT NULL;

-- name: matview_in_subquery :many
-- labels !? / matview subquery
SELECT s.n, s.x FROM (SELECT n, x FROM agg_stored) AS s;

-- name: matview_union :many
-- labels !? / matview set_operation
SELECT n, v FROM left_stored UNION ALL SELECT n, NULL FROM agg_stored;
