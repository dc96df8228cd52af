-- Join trees: what an outer join may null, what kills it, merged columns of USING and NATURAL, LATERAL.

-- name: join_inner :many
-- labels !!? / join
SELECT a.id, b.v, b.w FROM a JOIN b ON b.a_id = a.id;

-- name: join_inner_on_proves :many
-- labels !!! / join where
SELECT a.x, b.a_id, b.v FROM a JOIN b ON b.a_id = a.x;

-- name: join_cross :many
-- labels !! / join
SELECT a.n, b.v FROM a CROSS JOIN b;

-- name: join_left :many
-- labels !?? / outer_join
SELECT a.id, b.id AS b_id, b.v FROM a LEFT JOIN b ON b.a_id = a.id;

-- name: join_right :many
-- labels ?! / outer_join
SELECT a.id, b.v FROM a RIGHT JOIN b ON b.a_id = a.id;

-- name: join_full :many
-- labels ?? / outer_join
SELECT a.id, b.v FROM a FULL JOIN b ON b.a_id = a.id;

-- name: join_left_left :many
-- labels !?? / outer_join
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN c ON c.k = b.id;

-- name: join_left_inner_nested :many
-- labels !?? / outer_join
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN (b JOIN c ON c.k = b.id) ON b.a_id = a.id;

-- name: join_left_then_inner :many
-- labels !!! / outer_join reduction
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN b ON b.a_id = a.id JOIN c ON c.k = b.id;

-- name: join_left_then_inner_other :many
-- labels !?! / outer_join
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN b ON b.a_id = a.id JOIN c ON c.k = a.id;

-- name: join_right_over_inner :many
-- labels ??! / outer_join
SELECT a.id, b.v, c.v AS c_v FROM (a JOIN b ON b.a_id = a.id) RIGHT JOIN c ON c.k = a.id;

-- name: join_left_on_does_not_prove :many
-- labels ?? / outer_join where
SELECT a.x, b.v FROM a LEFT JOIN b ON b.a_id = a.x AND a.x > 0;

-- name: join_left_inner_side_on :many
-- labels !? / outer_join
SELECT a.id, b.a_id FROM a LEFT JOIN b ON b.a_id = a.id AND b.v IS NOT NULL;

-- name: join_full_full :many
-- labels ??? / outer_join
SELECT a.id, b.v, c.v AS c_v FROM a FULL JOIN b ON b.a_id = a.id FULL JOIN c ON c.k = a.id;

-- name: join_left_to_constant :many
-- labels !? / outer_join
SELECT a.id, o.one FROM a LEFT JOIN (SELECT 1 AS one) AS o ON a.x = o.one;

-- name: join_left_true_aggregate :many
-- labels !!? / outer_join aggregate
SELECT a.id, coalesce(s.rows, 0) AS rows, s.rows AS raw FROM a LEFT JOIN (SELECT count(*) AS rows FROM b HAVING count(*) > 1) AS s ON true;

-- name: join_self :many
-- labels !? / outer_join
SELECT p.name, boss.name AS boss FROM person AS p LEFT JOIN person AS boss ON boss.id = p.boss_id;

-- name: join_deferred_key :many
-- labels !? / outer_join
-- before INSERT INTO orders (seller_id, total, placed) VALUES (4711, 1, '2024-01-01')
SELECT o.seller_id, p.name FROM orders AS o LEFT JOIN person AS p ON p.id = o.seller_id;

-- name: join_three_keys :many
-- labels !!?? / outer_join
SELECT o.id, i.qty, p.title, p.price FROM orders AS o JOIN item AS i ON i.order_id = o.id LEFT JOIN product AS p ON p.id = i.product_id;

-- ---- reduction ----

-- name: reduce_is_not_null :many
-- labels !! / reduction outer_join where
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NOT NULL;

-- name: reduce_strict :many
-- labels !!! / reduction outer_join where
SELECT a.id, b.v, b.w FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.w > 0;

-- name: reduce_right :many
-- labels !! / reduction outer_join where
SELECT a.n, b.v FROM a RIGHT JOIN b ON b.a_id = a.id WHERE a.n >= 0;

-- name: reduce_full_to_left :many
-- labels !? / reduction outer_join where
SELECT a.n, b.v FROM a FULL JOIN b ON b.a_id = a.id WHERE a.id = 1;

-- name: reduce_full_to_inner :many
-- labels !! / reduction outer_join where
SELECT a.n, b.v FROM a FULL JOIN b ON b.a_id = a.id WHERE a.id = 1 AND b.v = b.v;

-- name: reduce_chain :many
-- labels !!! / reduction outer_join where
SELECT a.n, b.v, c.v AS c_v FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN c ON c.k = b.id WHERE c.v > 0;

-- name: reduce_not_by_or :many
-- labels !? / reduction outer_join where
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v > 0 OR a.n > 0;

-- name: reduce_by_or_both :many
-- labels !! / reduction outer_join where
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v > 0 OR b.w < 0;

-- name: reduce_not_by_is_null :many
-- labels !? / reduction outer_join where
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.w IS NULL;

-- name: reduce_by_later_on :many
-- labels !!! / reduction outer_join
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN b ON b.a_id = a.id JOIN c ON c.v = b.v;

-- name: reduce_not_by_coalesce :many
-- labels !? / reduction outer_join where
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE coalesce(b.v, 1) = 1;

-- name: reduce_below_left :many
-- labels !?? / reduction outer_join
SELECT a.id, s.b_v, s.c_v FROM a LEFT JOIN (SELECT b.a_id, b.v AS b_v, c.v AS c_v FROM b LEFT JOIN c ON c.k = b.id WHERE c.v > 0) AS s ON s.a_id = a.id;

-- name: reduce_subquery_column :many
-- labels !! / reduction outer_join subquery
SELECT a.id, s.v FROM a LEFT JOIN (SELECT a_id, v + 1 AS v FROM b) AS s ON s.a_id = a.id WHERE s.v > 0;

-- name: reduce_not_through_coalesce_column :many
-- labels !? / reduction outer_join subquery
SELECT a.id, s.v FROM a LEFT JOIN (SELECT a_id, v, coalesce(w, 0) AS w FROM b) AS s ON s.a_id = a.id WHERE s.w IS NULL OR s.w > 0;

-- name: reduce_in_on_of_outer :many
-- labels !?? / reduction outer_join
SELECT a.id, b.v, c.v AS c_v FROM a LEFT JOIN (b LEFT JOIN c ON c.k = b.id) ON b.a_id = a.id AND c.v > 0;

-- name: reduce_in_list :many
-- labels !! / reduction outer_join where
SELECT a.id, b.v FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.v IN (1, 2, 5);

-- ---- USING and NATURAL ----

-- name: using_inner :many
-- labels !! / using join
SELECT id, b.v FROM a JOIN b USING (id);

-- name: using_left :many
-- labels !?? / using outer_join
SELECT id, b.id AS b_id, b.v FROM a LEFT JOIN b USING (id);

-- name: using_right :many
-- labels !?! / using outer_join
SELECT id, a.id AS a_id, b.v FROM a RIGHT JOIN b USING (id);

-- name: using_full :many
-- labels !?? / using outer_join
SELECT id, a.id AS a_id, b.id AS b_id FROM a FULL JOIN b USING (id);

-- name: using_nullable_inner :many
-- labels !! / using join
SELECT x, a.n FROM a JOIN c USING (x);

-- name: using_nullable_left :many
-- labels ?! / using outer_join
SELECT x, a.n FROM a LEFT JOIN c USING (x);

-- name: using_full_nullable :many
-- labels ? / using outer_join
SELECT x FROM a FULL JOIN c USING (x);

-- name: using_below_left :many
-- labels !? / using outer_join
SELECT p.id AS p_id, j.id AS j_id FROM c AS p LEFT JOIN (a JOIN b USING (id)) AS j ON j.id = p.k;

-- name: using_full_below_full :many
-- labels ? / using outer_join
SELECT j.id AS j_id FROM c AS p FULL JOIN (a FULL JOIN b USING (id)) AS j ON j.id = p.k;

-- name: using_twice :many
-- labels !!! / using join
SELECT id, b.v, c.v AS c_v FROM a JOIN b USING (id) JOIN c USING (id);

-- name: using_left_left :many
-- labels !?? / using outer_join
SELECT id, b.v, c.v AS c_v FROM a LEFT JOIN b USING (id) LEFT JOIN c USING (id);

-- name: using_full_full :many
-- labels !? / using outer_join
SELECT id, b.v FROM a FULL JOIN b USING (id) FULL JOIN c USING (id);

-- name: using_right_then_left :many
-- labels !!?? / using outer_join
SELECT id, b.v, a.n, c.v AS c_v FROM a RIGHT JOIN b USING (id) LEFT JOIN c USING (id);

-- name: using_alias :many
-- labels !? / using outer_join
SELECT j.id, b.v FROM a LEFT JOIN b USING (id) AS j;

-- name: using_where :many
-- labels !! / using outer_join reduction
SELECT id, b.v FROM a LEFT JOIN b USING (id) WHERE b.v < 9;

-- name: natural_inner :many
-- labels !! / using join
SELECT id, x FROM a NATURAL JOIN c;

-- name: natural_left :many
-- labels !?? / using outer_join
SELECT id, x, v FROM a NATURAL LEFT JOIN c;

-- name: natural_full :many
-- labels ?? / using outer_join
SELECT k, f.v FROM metric NATURAL FULL JOIN c AS f;

-- name: natural_right :many
-- labels !?! / using outer_join
SELECT id, n, v FROM a NATURAL RIGHT JOIN b;

-- ---- LATERAL ----

-- name: lateral_inner :many
-- labels !! / lateral
SELECT a.id, s.m FROM a, LATERAL (SELECT a.n + 1 AS m) AS s;

-- name: lateral_left :many
-- labels !? / lateral outer_join
SELECT a.id, s.m FROM a LEFT JOIN LATERAL (SELECT a.n + 1 AS m WHERE a.x > 0) AS s ON true;

-- name: lateral_aggregate :many
-- labels !?! / lateral aggregate
SELECT a.id, s.m, s.rows FROM a, LATERAL (SELECT max(b.v) AS m, count(*) AS rows FROM b WHERE b.a_id = a.id) AS s;

-- name: lateral_limit :many
-- labels !!? / lateral
SELECT a.id, s.v, s.w FROM a CROSS JOIN LATERAL (SELECT v, w FROM b WHERE b.a_id = a.id ORDER BY v LIMIT 1) AS s;

-- name: lateral_uses_nulled :many
-- labels !? / lateral outer_join
SELECT a.id, s.v FROM a LEFT JOIN b ON b.a_id = a.id, LATERAL (SELECT b.v AS v) AS s;

-- name: lateral_uses_reduced :many
-- labels !! / lateral outer_join reduction
SELECT a.id, s.v FROM a LEFT JOIN b ON b.a_id = a.id, LATERAL (SELECT b.v AS v) AS s WHERE b.v > 0;

-- name: lateral_where_inside :many
-- labels ! / lateral where
SELECT s.x FROM a, LATERAL (SELECT a.x AS x WHERE a.x IS NOT NULL) AS s;

-- name: lateral_proves_outer :many
-- labels ! / lateral where
SELECT a.x FROM a, LATERAL (SELECT 1 AS one WHERE a.x > 0) AS s;

-- name: lateral_function :many
-- labels !! / lateral set_returning
SELECT a.id, g FROM a, LATERAL generate_series(1, a.n) AS g;

-- name: lateral_unnest :many
-- labels !? / lateral set_returning
SELECT p.id, s FROM person AS p, unnest(p.scores) AS s;

-- name: lateral_two_levels :many
-- labels !? / lateral
SELECT s.n, s.x FROM a, LATERAL (SELECT t.n, t.x FROM (SELECT a.n, a.x) AS t) AS s;
