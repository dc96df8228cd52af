-- CHECK constraints as proofs: what is not FALSE is let in, and not every constraint holds for every row.

-- name: check_plain :many
-- labels !???!??? / check
SELECT x, y, z, done, kind, sort, gone, gone + x AS p FROM checked;

-- name: check_implication :many
-- labels !! / check where
SELECT done, done + x AS p FROM checked WHERE kind = 'a';

-- name: check_implication_nullable :many
-- labels !? / check where
SELECT gone, done FROM checked WHERE sort = 'p';

-- name: check_other_value :many
-- labels ? / check where
SELECT done FROM checked WHERE kind = 'b';

-- name: check_not_the_value :many
-- labels ? / check where
SELECT done FROM checked WHERE kind <= 'b';

-- name: check_either_value :many
-- labels ? / check where
SELECT done FROM checked WHERE kind IN ('a', 'b');

-- name: check_not_null_sort :many
-- labels !? / check where
SELECT sort, gone FROM checked WHERE sort IS NOT NULL;

-- name: check_case :many
-- labels !? / check case
SELECT CASE WHEN kind = 'a' THEN done ELSE 0 END AS p, CASE WHEN kind = 'b' THEN done ELSE 0 END AS q FROM checked;

-- name: check_left_join :many
-- labels !?? / check outer_join
SELECT a.id, c.x, c.done FROM a LEFT JOIN checked AS c ON c.id = a.x AND c.kind = 'a';

-- name: check_left_join_reduced :many
-- labels !! / check reduction
SELECT c.x, c.done FROM a LEFT JOIN checked AS c ON true WHERE c.kind = 'a';

-- name: check_view :many
-- labels !! / check view
SELECT kind, done FROM checked_done;

-- name: check_not_valid :many
-- labels ? / check
SELECT x FROM once;

-- name: check_not_inherited :many
-- labels ?! / check inheritance
SELECT x, y FROM above;

-- name: check_of_parent_only :many
-- labels !! / check inheritance
SELECT x, y FROM ONLY above;

-- name: check_of_child :many
-- labels ?! / check inheritance
SELECT x, y FROM below;

-- name: check_foreign :many
-- labels ? / check foreign
SELECT v FROM far_checked;

-- name: check_domain :many
-- labels ? / check domain
SELECT d FROM of_domain;

-- name: check_update_leaves :many
-- labels !?? / check returning
UPDATE checked SET kind = 'b', done = NULL WHERE kind = 'a' RETURNING x, done, gone;

-- name: check_update_enters :many
-- labels !? / check returning
UPDATE checked SET kind = 'a', done = 5 WHERE done IS NULL RETURNING done, gone;

-- name: check_delete :many
-- labels !? / check returning
DELETE FROM checked WHERE kind = 'a' RETURNING done, gone;

-- name: check_update_moves_value :many
-- labels ? / check returning
UPDATE checked SET kind = 'b' WHERE kind = 'x' RETURNING done;

-- name: check_aggregate :many
-- labels !? / check aggregate
SELECT min(x) AS p, min(y) AS q FROM checked GROUP BY kind;
