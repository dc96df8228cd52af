-- Runs that others go on from: the last ones of each codebase and campaign, the one to resume.

-- name: last_list :each
-- doc: For each codebase and campaign the newest run (which 0), the newest that counts (1), or that one while something of
-- doc: it is still to be absorbed (2); in order of their names, from behind a pair on (keyset).
-- row: run_row
-- col vcs_type: open  -- col publish_status: open
-- param row_limit: nullable
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM last_run AS l
  JOIN run AS r
    ON r.id = CASE :which::integer WHEN 0 THEN l.last_run_id
                                   WHEN 1 THEN l.last_effective_run_id
                                   ELSE l.last_unabsorbed_run_id END
 WHERE true
   /*? codebase */ AND l.codebase = :codebase /*?*/
   /*? campaign */ AND l.campaign = :campaign /*?*/
   /*? result_code */ AND r.result_code = :result_code /*?*/
   /*? after */ AND (l.codebase, l.campaign) > (:after_codebase, :after_campaign) /*?*/
 ORDER BY l.codebase, l.campaign
 LIMIT :row_limit::bigint;

-- name: last_resumable :opt
-- doc: The newest success of a campaign whose tip is that revision (one that never finished counts as newest).
-- row: run_row
-- col vcs_type: open  -- col revision: nullable
SELECT r.id, r.codebase, r.suite::text AS campaign, r.command, r.description, r.start_time, r.finish_time, r.result_code,
       r.instigated_context, r.context, r.main_branch_revision, r.revision, r.result, r.vcs_type, r.branch_url, r.subpath,
       r.logfilenames, r.publish_status, r.value, r.worker, r.result_tags, r.failure_stage, r.failure_details,
       r.target_branch_url, r.failure_transient, r.resume_from, r.change_set,
       ARRAY(SELECT ROW(b.role, b.remote_name, b.base_revision, b.revision)::result_branch
               FROM new_result_branch AS b
              WHERE b.run_id = r.id
              ORDER BY b.role <> 'main', b.role) AS branches
  FROM run AS r
 WHERE r.suite = :campaign AND r.revision = :revision AND r.result_code = 'success'
 ORDER BY r.finish_time DESC, r.id DESC
 LIMIT 1;

-- name: last_result_codes :each
-- doc: How many of the last runs had which result, the most frequent first; one that found nothing new to do counts as
-- doc: a success. `wanted`: those alone that a candidate still asks for.
-- row: last_tally_row
-- col word: nullable
SELECT CASE WHEN r.result_code = 'nothing-new-to-do' THEN 'success' ELSE r.result_code END AS word, count(*) AS runs,
       count(DISTINCT r.codebase) AS codebases, max(r.start_time) AS newest
  FROM last_run AS l
  JOIN run AS r
    ON r.id = CASE :which::integer WHEN 0 THEN l.last_run_id
                                   WHEN 1 THEN l.last_effective_run_id
                                   ELSE l.last_unabsorbed_run_id END
 WHERE true
   /*? campaign */ AND l.campaign = :campaign /*?*/
   /*? wanted */ AND EXISTS (SELECT FROM candidate AS c
                              WHERE c.codebase = r.codebase AND c.suite = r.suite
                                AND (c.change_set IS NULL OR c.change_set = r.change_set)) /*?*/
 GROUP BY word
 ORDER BY runs DESC, word;

-- name: last_failure_stages :each
-- doc: In which stage how many of the last runs failed, the most frequent first; NULL where nobody said.
-- row: last_tally_row
SELECT r.failure_stage AS word, count(*) AS runs, count(DISTINCT r.codebase) AS codebases, max(r.start_time) AS newest
  FROM last_run AS l
  JOIN run AS r
    ON r.id = CASE :which::integer WHEN 0 THEN l.last_run_id
                                   WHEN 1 THEN l.last_effective_run_id
                                   ELSE l.last_unabsorbed_run_id END
 WHERE r.result_code NOT IN ('success', 'nothing-to-do', 'nothing-new-to-do')
   /*? campaign */ AND l.campaign = :campaign /*?*/
   /*? wanted */ AND EXISTS (SELECT FROM candidate AS c
                              WHERE c.codebase = r.codebase AND c.suite = r.suite
                                AND (c.change_set IS NULL OR c.change_set = r.change_set)) /*?*/
 GROUP BY word
 ORDER BY runs DESC, word;
