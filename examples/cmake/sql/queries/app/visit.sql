-- name: visit_count :one
-- doc: One visit more; how many there were with it.
INSERT INTO visit (page) VALUES (:page)
ON CONFLICT (page) DO UPDATE SET times = visit.times + 1
RETURNING times;

-- name: visits_top :each
-- param limit: notnull
SELECT page, times FROM visit ORDER BY times DESC, page LIMIT $1;
