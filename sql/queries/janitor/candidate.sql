-- What is worth trying: a codebase in a campaign.

-- name: candidate_upsert :one
-- doc: Insert or update candidates by codebase, campaign and change set; rows that say the same already are not written.
WITH written AS (
    INSERT INTO candidate AS c (codebase, suite, command, context, value, success_chance, publish_policy, change_set)
    SELECT n.codebase, n.campaign, n.command, n.context, n.value, n.chance, n.policy, n.change_set
      FROM unnest(:codebases::text[], :campaigns::text[], :commands::text[], :contexts::text[], :vals::integer[],
                  :chances::float8[], :policies::text[], :change_sets::text[]) WITH ORDINALITY
           AS n (codebase, campaign, command, context, value, chance, policy, change_set, place)
     ORDER BY n.place
    ON CONFLICT (codebase, suite, coalesce(change_set, '')) DO UPDATE
       SET command = excluded.command, context = excluded.context, value = excluded.value,
           success_chance = excluded.success_chance, publish_policy = excluded.publish_policy
     WHERE (c.command, c.context, c.value, c.success_chance, c.publish_policy)
           IS DISTINCT FROM (excluded.command, excluded.context, excluded.value, excluded.success_chance,
                             excluded.publish_policy)
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM written;

-- name: candidate_upsert_all :one
-- doc: A candidate of one campaign for every active codebase of a version control system, in order of their names.
-- param context: nullable
-- param value: nullable
-- param policy: nullable
WITH wanted AS (
    SELECT name::text AS name FROM codebase WHERE name IS NOT NULL AND NOT inactive AND vcs_type = :vcs_type
), written AS (
    INSERT INTO candidate AS c (codebase, suite, command, context, value, publish_policy)
    SELECT name, :campaign, :command, :context, :value, :policy FROM wanted ORDER BY name
    ON CONFLICT (codebase, suite, coalesce(change_set, '')) DO UPDATE
       SET command = excluded.command, context = excluded.context, value = excluded.value,
           publish_policy = excluded.publish_policy
     WHERE (c.command, c.context, c.value, c.publish_policy)
           IS DISTINCT FROM (excluded.command, excluded.context, excluded.value, excluded.publish_policy)
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated,
       (SELECT count(*) FROM wanted) AS codebases
  FROM written;

-- name: candidate_list :each
-- doc: Candidates by id, from behind `after` on (keyset).
-- row: candidate_row
-- param row_limit: nullable
SELECT id, codebase, suite::text AS campaign, change_set, command, context, value, success_chance, publish_policy
  FROM candidate
 WHERE true
   /*? after */ AND id > :after /*?*/
   /*? campaign */ AND suite = :campaign /*?*/
   /*? codebase */ AND codebase = :codebase /*?*/
   /*? publish_policy */ AND publish_policy = :publish_policy /*?*/
   /*? change_set */ AND change_set = :change_set /*?*/
 ORDER BY id
 LIMIT :row_limit::bigint;

-- name: candidate_count :one
-- doc: How many candidates there are.
-- param campaign: nullable
-- param codebase: nullable
-- param publish_policy: nullable
-- param change_set: nullable
SELECT count(*) AS candidates
  FROM candidate
 WHERE (:campaign::text IS NULL OR suite = :campaign)
   AND (:codebase::text IS NULL OR codebase = :codebase)
   AND (:publish_policy::text IS NULL OR publish_policy = :publish_policy)
   AND (:change_set::text IS NULL OR change_set = :change_set);

-- name: candidate_by_id :opt
-- doc: One candidate.
-- row: candidate_row
SELECT id, codebase, suite::text AS campaign, change_set, command, context, value, success_chance, publish_policy
  FROM candidate
 WHERE id = :id;

-- name: candidate_put :one
-- doc: Insert or replace one candidate by codebase, campaign and change set; what its codebase is worth.
INSERT INTO candidate (codebase, suite, change_set, command, context, value, success_chance, publish_policy)
VALUES (:codebase, :campaign, :change_set, :command, :context, :value, :success_chance, :publish_policy)
ON CONFLICT (codebase, suite, coalesce(change_set, '')) DO UPDATE
   SET command = excluded.command, context = excluded.context, value = excluded.value,
       success_chance = excluded.success_chance, publish_policy = excluded.publish_policy
RETURNING id, (SELECT b.value FROM codebase AS b WHERE b.name = :codebase) AS codebase_value;

-- name: candidate_set :one
-- doc: Insert one candidate, or change the parts of it that are to change. A new one needs a command.
-- param change_set: nullable
-- param command: nullable
INSERT INTO candidate AS c (codebase, suite, change_set, command, context, value, success_chance, publish_policy)
VALUES (:codebase, :campaign, :change_set,
        coalesce(:command::text, (SELECT o.command FROM candidate AS o
                                   WHERE o.codebase = :codebase AND o.suite = :campaign::suite_name
                                     AND coalesce(o.change_set, '') = coalesce(:change_set, ''))),
        :context, :value, :success_chance, :publish_policy)
ON CONFLICT (codebase, suite, coalesce(change_set, '')) DO UPDATE
   SET command = CASE WHEN :set_command::boolean THEN excluded.command ELSE c.command END,
       context = CASE WHEN :set_context::boolean THEN excluded.context ELSE c.context END,
       value = CASE WHEN :set_value::boolean THEN excluded.value ELSE c.value END,
       success_chance = CASE WHEN :set_success_chance::boolean THEN excluded.success_chance ELSE c.success_chance END,
       publish_policy = CASE WHEN :set_publish_policy::boolean THEN excluded.publish_policy ELSE c.publish_policy END
RETURNING id, xmax = 0 AS created;

-- name: candidate_followups :execrows
-- doc: Remember of which runs a candidate is the consequence.
-- param candidate: notnull
INSERT INTO followup (origin, candidate)
SELECT origin, :candidate FROM unnest(:origins::text[]) AS n (origin)
ON CONFLICT DO NOTHING;

-- name: candidate_open_proposal :opt
-- doc: The command behind an open proposal of the last run that counts, where it is another one.
SELECT r.command::text AS command
  FROM last_run AS l
  JOIN run AS r ON r.id = l.last_effective_run_id
  JOIN merge_proposal AS m ON m.revision = r.revision
 WHERE l.codebase = :codebase AND l.campaign = :campaign AND m.status = 'open' AND r.command <> :command
 ORDER BY m.url
 LIMIT 1;

-- name: candidate_delete :opt
-- doc: Remove one candidate, what followed up on it, and its queue entry, or those of every change set.
WITH followups AS (
    DELETE FROM followup WHERE candidate = :id
), gone AS (
    DELETE FROM candidate WHERE id = :id RETURNING codebase, suite, change_set
), dequeued AS (
    DELETE FROM queue AS q
     USING gone
     WHERE q.codebase = gone.codebase AND q.suite = gone.suite
       AND (:every_change_set::boolean OR coalesce(q.change_set, '') = coalesce(gone.change_set, ''))
    RETURNING q.id
)
SELECT gone.codebase, (SELECT count(*) FROM dequeued) AS dequeued FROM gone;

-- name: candidate_never_processed :each
-- doc: Candidates whose codebase was never tried in their campaign, by id, from behind `after` on (keyset); of several
-- doc: change sets the oldest.
-- row: candidate_row
-- param row_limit: nullable
SELECT c.id, c.codebase, c.suite::text AS campaign, c.change_set, c.command, c.context, c.value, c.success_chance,
       c.publish_policy
  FROM candidate AS c
 WHERE NOT EXISTS (SELECT FROM run AS r WHERE r.codebase = c.codebase AND r.suite = c.suite)
   AND NOT EXISTS (SELECT FROM candidate AS o WHERE o.codebase = c.codebase AND o.suite = c.suite AND o.id < c.id)
   /*? after */ AND c.id > :after /*?*/
   /*? campaign */ AND c.suite = :campaign /*?*/
 ORDER BY c.id
 LIMIT :row_limit::bigint;

-- name: candidate_of :opt
-- doc: What is known of one candidate; no change set is a change set of its own.
-- param change_set: nullable
SELECT value, success_chance, command, context
  FROM candidate
 WHERE codebase = :codebase AND suite = :campaign AND coalesce(change_set, '') = coalesce(:change_set::text, '');

-- name: candidate_command :opt
-- doc: The command of the candidate of that change set, else of the one without; or (D-21) of the oldest, whatever its
-- doc: change set.
-- param change_set: nullable
SELECT command
  FROM candidate
 WHERE codebase = :codebase AND suite = :campaign
   AND (:any_change_set::boolean OR coalesce(change_set, '') IN (coalesce(:change_set::text, ''), ''))
 ORDER BY NOT :any_change_set AND coalesce(change_set, '') <> coalesce(:change_set, ''), id
 LIMIT 1;

-- name: candidate_to_schedule :each
-- doc: Candidates with a publish policy, the modes of its roles and the value of the codebase: what a scheduling run
-- doc: starts from. The caller puts them in order, which is cheaper than to sort whole rows here.
-- row: candidate_to_schedule_row
-- param campaign: nullable
-- param codebases: nullable
WITH policy AS MATERIALIZED (
    SELECT p.name, p.per_branch_policy IS NULL AS no_modes,
           ARRAY(SELECT m.mode::text
                   FROM unnest(p.per_branch_policy) WITH ORDINALITY AS m (role, mode, frequency_days, place)
                  ORDER BY m.place) AS modes
      FROM named_publish_policy AS p
)
SELECT c.id, c.codebase, c.suite::text AS campaign, c.change_set, c.context, c.value, c.success_chance, c.command,
       b.value AS codebase_value, p.no_modes, p.modes
  FROM candidate AS c
  JOIN codebase AS b ON b.name = c.codebase
  JOIN policy AS p ON p.name = c.publish_policy
 WHERE (:campaign::text IS NULL OR c.suite = :campaign)
   AND (:codebases::text[] IS NULL OR c.codebase = ANY (:codebases));

-- name: candidate_all_to_schedule :each
-- doc: candidate_to_schedule of all, as fast as they come.
-- row: candidate_to_schedule_row
-- stream: copy
WITH policy AS MATERIALIZED (
    SELECT p.name, p.per_branch_policy IS NULL AS no_modes,
           ARRAY(SELECT m.mode::text
                   FROM unnest(p.per_branch_policy) WITH ORDINALITY AS m (role, mode, frequency_days, place)
                  ORDER BY m.place) AS modes
      FROM named_publish_policy AS p
)
SELECT c.id, c.codebase, c.suite::text AS campaign, c.change_set, c.context, c.value, c.success_chance, c.command,
       b.value AS codebase_value, p.no_modes, p.modes
  FROM candidate AS c
  JOIN codebase AS b ON b.name = c.codebase
  JOIN policy AS p ON p.name = c.publish_policy;
