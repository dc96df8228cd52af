-- How many rows pass the filters of a list; those of codebases, candidates and publishes stand beside their lists.

-- name: count_runs :one
-- doc: Runs that pass the filters of run_list.
-- row: count_row
-- param result_code: nullable
-- param worker: nullable
-- param publish_status: nullable
-- param failure_stage: nullable
SELECT count(*) AS total
  FROM run AS r
 WHERE (:result_code::text IS NULL OR r.result_code = :result_code)
   AND (:worker::text IS NULL OR r.worker = :worker)
   AND (:publish_status::publish_status IS NULL OR r.publish_status = :publish_status)
   AND (:failure_stage::text IS NULL OR r.failure_stage = :failure_stage)
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/
   /*? change_set */ AND r.change_set = :change_set /*?*/;

-- name: count_queue :one
-- doc: Items that wait, of one campaign or of all.
-- row: count_row
SELECT count(*) AS total FROM queue /*? campaign */ WHERE suite = :campaign /*?*/;

-- name: count_change_sets :one
-- doc: Change sets that pass the filters of changeset_list.
-- row: count_row
-- param state: nullable
SELECT count(*) AS total
  FROM change_set AS c
 WHERE (:state::change_set_state IS NULL OR c.state = :state) /*? campaign */ AND c.campaign = :campaign /*?*/;

-- name: count_proposals :one
-- doc: Merge proposals that pass the filters of proposal_list.
-- row: count_row
-- param codebase: nullable
-- param bucket: nullable
-- param can_be_merged: nullable
SELECT count(*) AS total
  FROM merge_proposal AS m
 WHERE (:codebase::text IS NULL OR m.codebase = :codebase)
   AND (:bucket::text IS NULL OR m.rate_limit_bucket = :bucket)
   AND (:can_be_merged::boolean IS NULL OR m.can_be_merged = :can_be_merged)
   /*? status */ AND m.status = :status /*?*/
   /*? revision */ AND m.revision = :revision /*?*/
   /*? campaign */ AND EXISTS (SELECT FROM run AS r
                                WHERE r.suite = :campaign AND r.revision = m.revision AND r.result_code = 'success') /*?*/
   /*? scanned_before */ AND (m.last_scanned IS NULL OR m.last_scanned < :scanned_before) /*?*/;

-- name: count_reviews :one
-- doc: Reviews that pass the filters of review_list.
-- row: count_row
-- param reviewer: nullable
-- param verdict: nullable
SELECT count(*) AS total
  FROM review AS v
  JOIN run AS r ON r.id = v.run_id
 WHERE (:reviewer::text IS NULL OR v.reviewer = :reviewer)
   AND (:verdict::verdict IS NULL OR v.verdict = :verdict)
   /*? run_id */ AND v.run_id = :run_id /*?*/
   /*? campaign */ AND r.suite = :campaign /*?*/;

-- name: count_workers :one
-- doc: All workers.
-- row: count_row
SELECT count(*) AS total FROM worker;

-- name: count_policies :one
-- doc: Publish policies, of one rate limit bucket or of all.
-- row: count_row
-- param bucket: nullable
SELECT count(*) AS total FROM named_publish_policy WHERE :bucket::text IS NULL OR rate_limit_bucket = :bucket;

-- name: count_branches :one
-- doc: Branches of runs that pass the filters of branch_list.
-- row: count_row
SELECT count(*) AS total
  FROM new_result_branch AS b
  JOIN run AS r ON r.id = b.run_id
 WHERE true
   /*? run_id */ AND b.run_id = :run_id /*?*/
   /*? revision */ AND b.revision = :revision /*?*/
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? absorbed */ AND coalesce(b.absorbed, false) = :absorbed /*?*/;

-- name: count_followups :one
-- doc: Followups that pass the filters of branch_followups.
-- row: count_row
SELECT count(*) AS total
  FROM followup AS f
 WHERE true /*? run_id */ AND f.origin = :run_id /*?*/ /*? candidate */ AND f.candidate = :candidate /*?*/;

-- name: count_builds :one
-- doc: Debian builds that pass the filters of build_list.
-- row: count_row
SELECT count(*) AS total
  FROM debian_build AS d
  JOIN run AS r ON r.id = d.run_id
 WHERE true
   /*? run_id */ AND d.run_id = :run_id /*?*/
   /*? distribution */ AND d.distribution = :distribution /*?*/
   /*? source */ AND d.source = :source /*?*/
   /*? codebase */ AND r.codebase = :codebase /*?*/;
