-- Source trees: imported in bulk, listed by name.

-- name: codebase_release_locations :execrows
-- doc: Forget the sub-path of each named codebase whose location is about to change, so that two codebases may swap
-- doc: places within one import (unknown sub-paths never collide). First half of an import, before codebase_upsert.
UPDATE codebase AS c
   SET subpath = NULL
  FROM unnest(:names::text[], :branch_urls::text[], :subpaths::text[]) AS n (name, branch_url, subpath)
 WHERE c.name = n.name
   AND c.subpath IS NOT NULL
   AND (c.branch_url, c.subpath) IS DISTINCT FROM (n.branch_url, n.subpath);

-- name: codebase_upsert :one
-- doc: Insert or update codebases by name; rows that say the same already are not written. A location that a codebase
-- doc: outside the import holds is stored with an unknown sub-path.
WITH incoming AS (
    SELECT n.name, n.branch_url, n.url, n.branch, n.vcs_type::vcs_type AS vcs_type, n.web_url, n.value,
           CASE WHEN NOT EXISTS (SELECT FROM codebase AS other
                                  WHERE other.branch_url = n.branch_url
                                    AND other.subpath = n.subpath
                                    AND other.name IS DISTINCT FROM n.name)
                THEN n.subpath END AS subpath
      FROM unnest(:names::text[], :branch_urls::text[], :urls::text[], :branches::text[], :subpaths::text[],
                  :vcs_types::text[], :web_urls::text[], :vals::integer[])
           AS n (name, branch_url, url, branch, subpath, vcs_type, web_url, value)
), written AS (
    INSERT INTO codebase AS c (name, branch_url, url, branch, subpath, vcs_type, web_url, value)
    SELECT name, branch_url, url, branch, subpath, vcs_type, web_url, value FROM incoming
    ON CONFLICT (name) DO UPDATE
       SET branch_url = excluded.branch_url, url = excluded.url, branch = excluded.branch, subpath = excluded.subpath,
           vcs_type = excluded.vcs_type, web_url = excluded.web_url, value = excluded.value
     WHERE (c.branch_url, c.url, c.branch, c.subpath, c.vcs_type, c.web_url, c.value)
           IS DISTINCT FROM (excluded.branch_url, excluded.url, excluded.branch, excluded.subpath, excluded.vcs_type,
                             excluded.web_url, excluded.value)
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM written;

-- name: codebase_list :each
-- doc: Codebases by name, from behind `after` on (keyset).
-- row: codebase_row
-- param row_limit: nullable
-- col vcs_type: open
SELECT name::text AS name, branch_url, url, branch, subpath, vcs_type, vcs_last_revision, web_url, value, inactive,
       hostname
  FROM codebase
 WHERE name IS NOT NULL
   /*? after */ AND name::text > :after /*?*/
   /*? host */ AND hostname = :host /*?*/
   /*? vcs_type */ AND vcs_type = :vcs_type /*?*/
   /*? inactive */ AND inactive = :inactive /*?*/
 ORDER BY name::text
 LIMIT :row_limit::bigint;

-- name: codebase_count :one
-- doc: How many codebases with a name there are.
-- param host: nullable
-- param vcs_type: nullable
-- param inactive: nullable
SELECT count(*) AS codebases
  FROM codebase
 WHERE name IS NOT NULL
   AND (:host::text IS NULL OR hostname = :host)
   AND (:vcs_type::vcs_type IS NULL OR vcs_type = :vcs_type)
   AND (:inactive::boolean IS NULL OR inactive = :inactive);

-- name: codebase_by_name :opt
-- doc: One codebase.
-- row: codebase_row
-- col vcs_type: open
SELECT name::text AS name, branch_url, url, branch, subpath, vcs_type, vcs_last_revision, web_url, value, inactive,
       hostname
  FROM codebase
 WHERE name = :name;

-- name: codebase_put :one
-- doc: Insert or replace codebases by name, all but `inactive`; rows that say the same already are not written.
WITH written AS (
    INSERT INTO codebase AS c (name, branch_url, url, branch, subpath, vcs_type, vcs_last_revision, web_url, value)
    SELECT n.name, n.branch_url, n.url, n.branch, n.subpath, n.vcs_type::vcs_type, n.revision, n.web_url, n.value
      FROM unnest(:names::text[], :branch_urls::text[], :urls::text[], :branches::text[], :subpaths::text[],
                  :vcs_types::text[], :revisions::text[], :web_urls::text[], :vals::integer[])
           AS n (name, branch_url, url, branch, subpath, vcs_type, revision, web_url, value)
    ON CONFLICT (name) DO UPDATE
       SET branch_url = excluded.branch_url, url = excluded.url, branch = excluded.branch, subpath = excluded.subpath,
           vcs_type = excluded.vcs_type, vcs_last_revision = excluded.vcs_last_revision, web_url = excluded.web_url,
           value = excluded.value
     WHERE (c.branch_url, c.url, c.branch, c.subpath, c.vcs_type, c.vcs_last_revision, c.web_url, c.value)
           IS DISTINCT FROM (excluded.branch_url, excluded.url, excluded.branch, excluded.subpath, excluded.vcs_type,
                             excluded.vcs_last_revision, excluded.web_url, excluded.value)
    RETURNING xmax = 0 AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM written;

-- name: codebase_set :one
-- doc: Insert one codebase, or change the parts of it that are to change.
-- param name: notnull
-- param branch_url: nullable
-- param url: nullable
-- param branch: nullable
-- param subpath: nullable
-- param vcs_type: nullable
-- param vcs_last_revision: nullable
-- param web_url: nullable
-- param value: nullable
INSERT INTO codebase AS c (name, branch_url, url, branch, subpath, vcs_type, vcs_last_revision, web_url, value, inactive)
VALUES (:name, :branch_url, :url, :branch, :subpath, :vcs_type, :vcs_last_revision, :web_url, :value, :inactive)
ON CONFLICT (name) DO UPDATE
   SET branch_url = CASE WHEN :set_place::boolean THEN excluded.branch_url ELSE c.branch_url END,
       url = CASE WHEN :set_place THEN excluded.url ELSE c.url END,
       branch = CASE WHEN :set_place THEN excluded.branch ELSE c.branch END,
       subpath = CASE WHEN :set_subpath::boolean THEN excluded.subpath ELSE c.subpath END,
       vcs_type = CASE WHEN :set_vcs_type::boolean THEN excluded.vcs_type ELSE c.vcs_type END,
       vcs_last_revision = CASE WHEN :set_vcs_last_revision::boolean THEN excluded.vcs_last_revision
                                ELSE c.vcs_last_revision END,
       web_url = CASE WHEN :set_web_url::boolean THEN excluded.web_url ELSE c.web_url END,
       value = CASE WHEN :set_value::boolean THEN excluded.value ELSE c.value END,
       inactive = CASE WHEN :set_inactive::boolean THEN excluded.inactive ELSE c.inactive END
RETURNING xmax = 0 AS created;

-- name: codebase_names_new :opt
-- doc: Which is the first of these names (1 is the first) that no codebase has, or that no candidate names as campaign.
SELECT n.place
  FROM unnest(:names::text[]) WITH ORDINALITY AS n (name, place)
 WHERE NOT CASE WHEN :campaigns::boolean THEN EXISTS (SELECT FROM candidate AS c WHERE c.suite = n.name)
                ELSE EXISTS (SELECT FROM codebase AS c WHERE c.name = n.name) END
 ORDER BY n.place
 LIMIT 1;

-- name: codebase_delete :execrows
-- doc: Remove one codebase; its candidates and queue entries go with it, and what followed up on those candidates.
WITH followups AS (
    DELETE FROM followup WHERE candidate IN (SELECT id FROM candidate WHERE codebase = :name)
)
DELETE FROM codebase WHERE name = :name;

-- name: codebase_greatest_value :one
-- doc: How many codebases have a name, and the greatest value among them, unknown values counting as 0.
SELECT count(*) AS named, max(coalesce(value, 0)) AS greatest
  FROM codebase
 WHERE name IS NOT NULL;

-- name: codebase_values :each
-- doc: What codebases are worth: all that have a name, or some.
SELECT name::text AS name, value
  FROM codebase
 WHERE name IS NOT NULL
   /*? names */ AND name = ANY (:names::text[]) /*?*/;

-- name: codebase_worth :opt
-- doc: The value of one codebase and the greatest of all.
SELECT value, (SELECT max(o.value) FROM codebase AS o WHERE o.name IS NOT NULL) AS greatest
  FROM codebase
 WHERE name = :name;

-- name: codebase_normalized_value :opt
-- doc: The value of one codebase as a share of the greatest of all, at most 1: 1 where either is unknown (D-24), and
-- doc: where the greatest is 0, unless that is to fail (D-20).
SELECT least(value / (SELECT CASE WHEN :zero_fails::boolean THEN max(value) ELSE nullif(max(value), 0) END
                        FROM codebase)::numeric, 1.0)::float8 AS share
  FROM codebase
 WHERE name = :name;

-- name: codebase_at :one
-- doc: How many codebases say that they are at this place, inactive ones included, and how many of them are that one.
SELECT count(*) AS there, count(*) FILTER (WHERE name = :codebase) AS own
  FROM codebase
 WHERE branch_url = :url OR url = :url;
