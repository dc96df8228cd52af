-- What was published, or was tried to be.

-- name: publish_store :one
-- doc: Tries to publish branches of runs, with what follows from a success: its merge proposal is open, or its branch is
-- doc: absorbed when it was pushed. Of several tries with one proposal the last says what it is. Triggers run when all
-- doc: rows stand and ask of last_run what of a change set is unpublished, so that hears of the branches first; where
-- doc: nobody knew whether one had landed it hears unless `deaf`.
-- param deaf: notnull
WITH tries AS MATERIALIZED (
    SELECT n.*, n.mode_word::publish_mode AS mode, n.result_code = 'success' AS success
      FROM unnest(:run_ids::text[], :ids::text[], :change_sets::text[], :codebases::text[], :source_branch_urls::text[],
                  :source_branch_web_urls::text[], :target_branch_urls::text[], :target_branch_web_urls::text[],
                  :subpaths::text[], :branch_names::text[], :main_branch_revisions::text[], :revisions::text[],
                  :roles::text[], :modes::text[], :merge_proposal_urls::text[], :result_codes::text[],
                  :descriptions::text[], :requesters::text[], :timestamps::timestamp[]) WITH ORDINALITY
           AS n (run_id, id, change_set, codebase, source_branch_url, source_branch_web_url, target_branch_url,
                 target_branch_web_url, subpath, branch_name, main_branch_revision, revision, role, mode_word,
                 merge_proposal_url, result_code, description, requester, at, place)
), proposed AS (
    INSERT INTO merge_proposal (url, status, revision, last_scanned, target_branch_url, codebase)
    SELECT DISTINCT ON (merge_proposal_url) merge_proposal_url, 'open'::merge_proposal_status, revision,
           now() AT TIME ZONE 'UTC', target_branch_url, codebase
      FROM tries
     WHERE success AND merge_proposal_url IS NOT NULL
     ORDER BY merge_proposal_url, place DESC
    ON CONFLICT (url) DO UPDATE
       SET revision = excluded.revision, last_scanned = excluded.last_scanned,
           target_branch_url = excluded.target_branch_url, codebase = excluded.codebase
    RETURNING xmax = 0 AS inserted
), stands AS (
    SELECT b.run_id, b.role, b.absorbed
      FROM new_result_branch AS b
     WHERE (b.run_id, b.role) IN (SELECT t.run_id, t.role FROM tries AS t WHERE t.success AND t.mode = 'push')
       AND b.absorbed IS NOT TRUE
       FOR UPDATE OF b
), absorbed AS (
    UPDATE new_result_branch AS b
       SET absorbed = true
      FROM stands
     WHERE b.run_id = stands.run_id AND b.role = stands.role
    RETURNING b.run_id, stands.absorbed IS NOT NULL AS known
), heard AS (
    SELECT refresh_last_run(r.run_id) FROM (SELECT DISTINCT run_id FROM absorbed WHERE known OR NOT :deaf) AS r
), stored AS (
    INSERT INTO publish (id, change_set, codebase, source_branch_url, source_branch_web_url, target_branch_url,
                         target_branch_web_url, subpath, branch_name, main_branch_revision, revision, role, mode,
                         merge_proposal_url, result_code, description, requester, timestamp)
    SELECT id, change_set, codebase, source_branch_url, source_branch_web_url, target_branch_url, target_branch_web_url,
           subpath, branch_name, main_branch_revision, revision, role, mode, merge_proposal_url, result_code, description,
           requester, coalesce(at, now() AT TIME ZONE 'UTC')
      FROM tries, (SELECT count(*) FROM proposed) AS first, (SELECT count(*) FROM heard) AS second
     ORDER BY place
    RETURNING id
)
SELECT (SELECT count(*) FROM proposed WHERE inserted) AS proposed, (SELECT count(*) FROM absorbed) AS absorbed,
       (SELECT count(*) FROM stored) AS stored;

-- name: publish_by_id :opt
-- doc: One try; the newest where several have that id.
-- row: publish_row
-- col mode: open
SELECT id, change_set, codebase, source_branch_url, source_branch_web_url, target_branch_url, target_branch_web_url,
       subpath, branch_name, main_branch_revision, revision, role, mode, merge_proposal_url, result_code, description,
       requester, timestamp
  FROM publish
 WHERE id = :id
 ORDER BY timestamp DESC
 LIMIT 1;

-- name: publish_update :one
-- doc: Change parts of the tries with an id. One that did not succeed does not succeed by it: what follows from a success
-- doc: is stored with it (publish_store). Written by their id: a row that changed while we waited for it has another
-- doc: place, which this statement does not see.
-- param result_code: nullable
-- param target_branch_url: nullable
-- param description: nullable
-- param requester: nullable
-- param codebase: nullable
-- param merge_proposal_url: nullable
-- param source_branch_url: nullable
-- param source_branch_web_url: nullable
-- param target_branch_web_url: nullable
-- param branch_name: nullable
-- param subpath: nullable
WITH tries AS (
    SELECT :set_result::boolean AND :result_code = 'success' AND result_code <> 'success' AS late
      FROM publish
     WHERE id = :id
       FOR UPDATE
), written AS (
    UPDATE publish AS p
       SET result_code = CASE WHEN :set_result THEN :result_code ELSE p.result_code END,
           description = CASE WHEN :set_result THEN :description ELSE p.description END,
           requester = CASE WHEN :set_requester::boolean THEN :requester ELSE p.requester END,
           codebase = CASE WHEN :set_codebase::boolean THEN :codebase ELSE p.codebase END,
           merge_proposal_url = CASE WHEN :set_proposal::boolean THEN :merge_proposal_url ELSE p.merge_proposal_url END,
           source_branch_url = CASE WHEN :set_source::boolean THEN :source_branch_url ELSE p.source_branch_url END,
           source_branch_web_url = CASE WHEN :set_source THEN :source_branch_web_url ELSE p.source_branch_web_url END,
           branch_name = CASE WHEN :set_source THEN :branch_name ELSE p.branch_name END,
           target_branch_url = CASE WHEN :set_target::boolean THEN :target_branch_url ELSE p.target_branch_url END,
           target_branch_web_url = CASE WHEN :set_target THEN :target_branch_web_url ELSE p.target_branch_web_url END,
           subpath = CASE WHEN :set_target THEN :subpath ELSE p.subpath END
     WHERE p.id = :id AND NOT EXISTS (SELECT FROM tries WHERE late)
    RETURNING p.id
)
SELECT (SELECT count(*) FROM tries) AS found, EXISTS (SELECT FROM tries WHERE late) AS late,
       (SELECT count(*) FROM written) AS changed;

-- name: publish_delete :execrows
-- doc: Forget the tries with an id; what followed from them stays.
DELETE FROM publish WHERE id = :id;

-- name: publish_last :opt
-- doc: The newest success of a codebase in a campaign: the one with the revision of a run of theirs.
-- row: publish_row
-- col revision: nullable
-- col mode: open
SELECT p.id, p.change_set, p.codebase, p.source_branch_url, p.source_branch_web_url, p.target_branch_url,
       p.target_branch_web_url, p.subpath, p.branch_name, p.main_branch_revision, p.revision, p.role, p.mode,
       p.merge_proposal_url, p.result_code, p.description, p.requester, p.timestamp
  FROM run AS r
  JOIN publish AS p ON p.revision = r.revision
 WHERE r.codebase = :codebase AND r.suite = :campaign AND p.result_code = 'success'
 ORDER BY p.timestamp DESC, p.id DESC
 LIMIT 1;

-- name: publish_list :each
-- doc: Tries that pass the filters, the newest first (one without a time counts as newest), from behind one on (keyset):
-- doc: `after` when that one has a time, `after_unknown` when it has none. A campaign is that of a run with the revision.
-- row: publish_row
-- param mode: nullable
-- param result_code: nullable
-- param codebase: nullable
-- param change_set: nullable
-- param role: nullable
-- param row_limit: nullable
-- col mode: open
SELECT p.id, p.change_set, p.codebase, p.source_branch_url, p.source_branch_web_url, p.target_branch_url,
       p.target_branch_web_url, p.subpath, p.branch_name, p.main_branch_revision, p.revision, p.role, p.mode,
       p.merge_proposal_url, p.result_code, p.description, p.requester, p.timestamp
  FROM publish AS p
 WHERE (:mode::publish_mode IS NULL OR p.mode = :mode)
   AND (:result_code::text IS NULL OR p.result_code = :result_code)
   AND (:codebase::text IS NULL OR p.codebase = :codebase)
   AND (:change_set::text IS NULL OR p.change_set = :change_set)
   AND (:role::text IS NULL OR p.role = :role)
   /*? revision */ AND p.revision = :revision /*?*/
   /*? merge_proposal_url */ AND p.merge_proposal_url = :merge_proposal_url /*?*/
   /*? campaign */ AND EXISTS (SELECT FROM run AS r WHERE r.suite = :campaign AND r.revision = p.revision) /*?*/
   /*? after */ AND (p.timestamp, p.id) < (:after_time, :after_id) /*?*/
   /*? after_unknown */ AND (p.timestamp IS NOT NULL OR p.id < :after_id) /*?*/
 ORDER BY p.timestamp DESC, p.id DESC
 LIMIT :row_limit::bigint;

-- name: publish_count :one
-- doc: How many tries pass the filters of publish_list.
-- param mode: nullable
-- param result_code: nullable
-- param codebase: nullable
-- param change_set: nullable
-- param role: nullable
SELECT count(*) AS publishes
  FROM publish AS p
 WHERE (:mode::publish_mode IS NULL OR p.mode = :mode)
   AND (:result_code::text IS NULL OR p.result_code = :result_code)
   AND (:codebase::text IS NULL OR p.codebase = :codebase)
   AND (:change_set::text IS NULL OR p.change_set = :change_set)
   AND (:role::text IS NULL OR p.role = :role)
   /*? revision */ AND p.revision = :revision /*?*/
   /*? merge_proposal_url */ AND p.merge_proposal_url = :merge_proposal_url /*?*/
   /*? campaign */ AND EXISTS (SELECT FROM run AS r WHERE r.suite = :campaign AND r.revision = p.revision) /*?*/;

-- name: publish_attempts :one
-- doc: How often it was tried to publish a revision, without tries that failed for want of the differ.
SELECT count(*) AS attempts FROM publish WHERE revision = :revision AND result_code <> 'differ-unreachable';

-- name: publish_tallies :each
-- doc: How many tries of which mode had which result, the most frequent first.
-- col mode: open
SELECT p.mode, p.result_code, count(*) AS publishes, count(DISTINCT p.codebase) AS codebases, max(p.timestamp) AS newest
  FROM publish AS p
 /*? campaign */ WHERE EXISTS (SELECT FROM run AS r WHERE r.suite = :campaign AND r.revision = p.revision) /*?*/
 GROUP BY p.mode, p.result_code
 ORDER BY publishes DESC, p.mode, p.result_code;
