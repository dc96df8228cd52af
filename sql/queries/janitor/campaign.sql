-- Kinds of change. There is no table of them: a campaign is what runs, candidates and the queue name.

-- name: campaign_list :each
-- doc: Campaigns by name, with what is known of each: `codebases` is how many were ever tried.
-- row: campaign_row
WITH ran AS (
    SELECT suite::text AS name, count(*) AS runs, count(*) FILTER (WHERE result_code = 'success') AS successes,
           count(DISTINCT codebase) AS codebases, max(start_time) AS newest
      FROM run /*? campaign */ WHERE suite = :campaign /*?*/
     GROUP BY suite
), wanted AS (
    SELECT suite::text AS name, count(*) AS candidates
      FROM candidate /*? campaign */ WHERE suite = :campaign /*?*/
     GROUP BY suite
), waiting AS (
    SELECT suite::text AS name, count(*) AS queued
      FROM queue /*? campaign */ WHERE suite = :campaign /*?*/
     GROUP BY suite
), named AS (
    SELECT name FROM ran UNION SELECT name FROM wanted UNION SELECT name FROM waiting
)
SELECT coalesce(n.name, '') AS name, coalesce(ran.runs, 0) AS runs, coalesce(ran.successes, 0) AS successes,
       coalesce(ran.codebases, 0) AS codebases, ran.newest, coalesce(wanted.candidates, 0) AS candidates,
       coalesce(waiting.queued, 0) AS queued
  FROM named AS n
  LEFT JOIN ran ON ran.name = n.name
  LEFT JOIN wanted ON wanted.name = n.name
  LEFT JOIN waiting ON waiting.name = n.name
 ORDER BY n.name;

-- name: campaign_publishable :many
-- doc: Campaigns in which a codebase has something to publish, whatever its rules and its review say of it.
-- rows max: 10000
SELECT DISTINCT suite::text AS name
  FROM publish_ready
 WHERE codebase = :codebase
 ORDER BY name;
