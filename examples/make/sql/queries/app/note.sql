-- name: note_add :one
INSERT INTO note (body, topic) VALUES (:body, :topic) RETURNING id;

-- name: notes_list :many
-- doc: The newest notes, of one topic or of all.
SELECT id, body, topic FROM note
WHERE :topic::text IS NULL OR topic = :topic
ORDER BY id DESC LIMIT :at_most;
