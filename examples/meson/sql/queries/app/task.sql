-- name: task_add :one
INSERT INTO task (title) VALUES (:title) RETURNING id;

-- name: task_take :opt
-- doc: The oldest open task, for that worker alone: two who ask at once get two tasks.
-- param worker: notnull
UPDATE task SET state = 'taken', taken_by = :worker
WHERE id = (SELECT id FROM task WHERE state = 'open' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, title, taken_by;

-- name: tasks_in :many
SELECT id, title, state, taken_by FROM task WHERE state = ANY (:states) ORDER BY id;
