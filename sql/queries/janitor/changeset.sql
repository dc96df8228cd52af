-- Change sets: runs that are to land together.

-- name: changeset_list :each
-- doc: Change sets by id, from behind `after` on (keyset).
-- row: changeset_row
-- param state: nullable
-- param row_limit: nullable
-- col state: open
SELECT c.id, c.campaign::text AS campaign, c.state, (SELECT count(*) FROM run AS r WHERE r.change_set = c.id) AS runs
  FROM change_set AS c
 WHERE (:state::change_set_state IS NULL OR c.state = :state)
   /*? campaign */ AND c.campaign = :campaign /*?*/
   /*? after */ AND c.id > :after /*?*/
 ORDER BY c.id
 LIMIT :row_limit::bigint;

-- name: changeset_by_id :opt
-- doc: One change set.
-- row: changeset_row
-- col state: open
SELECT c.id, c.campaign::text AS campaign, c.state, (SELECT count(*) FROM run AS r WHERE r.change_set = c.id) AS runs
  FROM change_set AS c
 WHERE c.id = :id;

-- name: changeset_create :execrows
-- doc: New change sets, in which nothing ran.
INSERT INTO change_set (id, campaign)
SELECT n.id, n.campaign FROM unnest(:ids::text[], :campaigns::text[]) AS n (id, campaign);

-- name: changeset_delete :execrows
-- doc: Remove a change set; its candidates, what follows up on them, and its queue entries go with it.
WITH followups AS (
    DELETE FROM followup WHERE candidate IN (SELECT id FROM candidate WHERE change_set = :id)
)
DELETE FROM change_set WHERE id = :id;

-- name: changeset_todo :many
-- doc: Candidates of a change set that were not dealt with yet.
-- rows max: 100000
SELECT id, codebase, suite::text AS campaign
  FROM change_set_todo
 WHERE change_set = :id
 ORDER BY id;

-- name: changeset_unpublished :many
-- doc: Branches of a change set that have not landed, the main one of each run last, as they are published.
-- rows max: 100000
SELECT id AS run_id, role
  FROM change_set_unpublished
 WHERE change_set = :id
 ORDER BY id, role = 'main', role;

-- name: changeset_refresh :opt
-- doc: Move a change set on as far as its runs and publishes say; no row: there is none.
SELECT coalesce(refresh_change_set_state(c.id)::change_set_state, c.state) AS state FROM change_set AS c WHERE c.id = :id;
