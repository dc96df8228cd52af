-- Merge proposals: what was offered to others, and what became of it.

-- name: proposal_by_url :opt
-- doc: One proposal.
-- row: proposal_row
-- col status: open
SELECT url, codebase, target_branch_url, status, revision, merged_by, merged_at, last_scanned, can_be_merged,
       rate_limit_bucket
  FROM merge_proposal
 WHERE url = :url;

-- name: proposal_list :each
-- doc: Proposals that pass the filters, by URL, from behind one on (keyset). A campaign is that of a successful run with
-- doc: the proposal's revision.
-- row: proposal_row
-- param codebase: nullable
-- param bucket: nullable
-- param can_be_merged: nullable
-- param row_limit: nullable
-- col status: open
SELECT m.url, m.codebase, m.target_branch_url, m.status, m.revision, m.merged_by, m.merged_at, m.last_scanned,
       m.can_be_merged, m.rate_limit_bucket
  FROM merge_proposal AS m
 WHERE (:codebase::text IS NULL OR m.codebase = :codebase)
   AND (:bucket::text IS NULL OR m.rate_limit_bucket = :bucket)
   AND (:can_be_merged::boolean IS NULL OR m.can_be_merged = :can_be_merged)
   /*? status */ AND m.status = :status /*?*/
   /*? revision */ AND m.revision = :revision /*?*/
   /*? campaign */ AND EXISTS (SELECT FROM run AS r
                                WHERE r.suite = :campaign AND r.revision = m.revision AND r.result_code = 'success') /*?*/
   /*? scanned_before */ AND (m.last_scanned IS NULL OR m.last_scanned < :scanned_before) /*?*/
   /*? after */ AND m.url > :after /*?*/
 ORDER BY m.url
 LIMIT :row_limit::bigint;

-- name: proposal_statuses :each
-- doc: How many proposals have which status, those that nobody knows the status of last.
-- param bucket: nullable
-- col status: open
SELECT status, count(*) AS proposals, count(DISTINCT codebase) AS codebases
  FROM merge_proposal
 WHERE :bucket::text IS NULL OR rate_limit_bucket = :bucket
 GROUP BY status
 ORDER BY status;

-- name: proposal_buckets :each
-- doc: How many proposals of a status count in which bucket; those that count in none last.
SELECT rate_limit_bucket, count(*) AS proposals, count(DISTINCT codebase) AS codebases
  FROM merge_proposal
 WHERE status = :status
 GROUP BY rate_limit_bucket
 ORDER BY rate_limit_bucket;

-- name: proposal_put :one
-- doc: What looks at hosting sites found. The branches with a proposal's revision are absorbed when it is merged, and not
-- doc: otherwise; of several with one revision the last counts.
-- idempotent: yes
WITH seen AS MATERIALIZED (
    SELECT n.*, n.status_word::merge_proposal_status AS status,
           n.status_word IS NOT DISTINCT FROM 'merged' AS merged
      FROM unnest(:urls::text[], :codebases::text[], :target_branch_urls::text[], :statuses::text[], :revisions::text[],
                  :mergers::text[], :merge_times::timestamp[], :mergeables::boolean[], :rate_limit_buckets::text[])
           WITH ORDINALITY AS n (url, codebase, target_branch_url, status_word, revision, merged_by, merged_at,
                                 can_be_merged, rate_limit_bucket, place)
), written AS (
    INSERT INTO merge_proposal (url, codebase, target_branch_url, status, revision, merged_by, merged_at, last_scanned,
                                can_be_merged, rate_limit_bucket)
    SELECT url, codebase, target_branch_url, status, revision, merged_by, merged_at, now() AT TIME ZONE 'UTC',
           can_be_merged, rate_limit_bucket
      FROM seen
     ORDER BY url
    ON CONFLICT (url) DO UPDATE
       SET codebase = excluded.codebase, target_branch_url = excluded.target_branch_url, status = excluded.status,
           revision = excluded.revision, merged_by = excluded.merged_by, merged_at = excluded.merged_at,
           last_scanned = excluded.last_scanned, can_be_merged = excluded.can_be_merged,
           rate_limit_bucket = excluded.rate_limit_bucket
    RETURNING xmax = 0 AS inserted
), branches AS (
    UPDATE new_result_branch AS b
       SET absorbed = s.merged
      FROM (SELECT DISTINCT ON (revision) revision, merged FROM seen WHERE revision <> '' ORDER BY revision, place DESC) AS s
     WHERE b.revision = s.revision AND b.absorbed IS DISTINCT FROM s.merged
    RETURNING b.role
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated,
       (SELECT count(*) FROM branches) AS branches
  FROM written;

-- name: proposal_set_status :opt
-- doc: Close a proposal in one way or another; one that is merged, or of a status that nobody knows, stays as it is.
WITH stands AS (
    SELECT url, status FROM merge_proposal WHERE url = :url FOR UPDATE
), written AS (
    UPDATE merge_proposal AS m
       SET status = :status
      FROM stands
     WHERE m.url = stands.url AND stands.status IN ('open', 'closed', 'abandoned', 'rejected', 'applied')
    RETURNING m.url
)
SELECT stands.status AS before, EXISTS (SELECT FROM written) AS written FROM stands;

-- name: proposal_delete :execrows
-- doc: Forget a proposal.
DELETE FROM merge_proposal WHERE url = :url;

-- name: proposal_move :opt
-- doc: A proposal has another URL. One that stands there takes in what it does not know itself; publishes follow.
WITH old AS (
    SELECT url, codebase, rate_limit_bucket FROM merge_proposal WHERE url = :url FOR UPDATE
), joined AS (
    UPDATE merge_proposal AS m
       SET codebase = coalesce(m.codebase, old.codebase),
           rate_limit_bucket = coalesce(m.rate_limit_bucket, old.rate_limit_bucket)
      FROM old
     WHERE m.url = :canonical_url
    RETURNING m.url
), renamed AS (
    UPDATE merge_proposal
       SET url = :canonical_url
     WHERE url = :url AND NOT EXISTS (SELECT FROM joined)
    RETURNING url
), gone AS (
    DELETE FROM merge_proposal WHERE url = :url AND EXISTS (SELECT FROM joined) RETURNING url
), moved AS (
    UPDATE publish SET merge_proposal_url = :canonical_url WHERE merge_proposal_url = :url RETURNING id
)
SELECT EXISTS (SELECT FROM joined) AS joined, (SELECT count(*) FROM moved) AS publishes FROM old;

-- name: proposal_source :opt
-- doc: The newest run that made the branch which a proposal offers.
SELECT r.id, r.codebase, r.suite::text AS campaign, r.change_set, b.role, b.remote_name, b.revision
  FROM merge_proposal AS m
  JOIN new_result_branch AS b ON b.revision = m.revision
  JOIN run AS r ON r.id = b.run_id
 WHERE m.url = :url
 ORDER BY r.finish_time DESC, r.id DESC
 LIMIT 1;

-- name: proposal_open_of :opt
-- doc: The open proposal of a codebase from a branch of that name, the one published last.
-- row: proposal_row
-- col codebase: nullable
-- col status: nullable
SELECT m.url, m.codebase, m.target_branch_url, m.status, m.revision, m.merged_by, m.merged_at, m.last_scanned,
       m.can_be_merged, m.rate_limit_bucket
  FROM merge_proposal AS m
  JOIN publish AS p ON p.merge_proposal_url = m.url
 WHERE m.status = 'open' AND m.codebase = :codebase AND p.branch_name = :branch_name
 ORDER BY p.timestamp DESC, m.url
 LIMIT 1;
