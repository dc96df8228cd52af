-- Who does the work. What stands in `password` is a hash of pgcrypto's crypt(); no statement gives it away.

-- name: worker_list :each
-- doc: Workers by name, from behind `after` on (keyset).
-- param row_limit: nullable
SELECT name, link
  FROM worker
 WHERE true
   /*? after */ AND name > :after /*?*/
 ORDER BY name
 LIMIT :row_limit::bigint;

-- name: worker_by_name :opt
-- doc: One worker, and what it did.
SELECT w.name, w.link, r.runs, r.successes, r.newest
  FROM worker AS w,
       LATERAL (SELECT count(*) AS runs, count(*) FILTER (WHERE result_code = 'success') AS successes,
                       max(start_time) AS newest
                  FROM run
                 WHERE worker = w.name) AS r
 WHERE w.name = :name;

-- name: worker_put :each
-- doc: Store workers, whose names differ. One of a name that is there is replaced if `replace` says so (its link stays
-- doc: without another), else there is no row of it.
INSERT INTO worker AS w (name, password, link)
SELECT n.name, crypt(n.password, gen_salt('bf', 8)), n.link
  FROM unnest(:names::text[], :passwords::text[], :links::text[]) AS n (name, password, link)
ON CONFLICT (name) DO UPDATE SET password = excluded.password, link = coalesce(excluded.link, w.link) WHERE :replace
RETURNING name, xmax = 0 AS inserted;

-- name: worker_delete :execrows
-- doc: Forget a worker; one that runs name is refused by their foreign key.
DELETE FROM worker WHERE name = :name;

-- name: worker_authenticate :one
-- doc: Is it the password of that worker? An unknown name costs the hash of another worker's salt, or of ours where
-- doc: there is none. What is no hash of crypt() matches nothing.
WITH stored AS MATERIALIZED (
    SELECT password
      FROM worker
     WHERE password ~ '^(\$2[ax]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}|\$1\$[^$]{1,8}\$[./A-Za-z0-9]{22}|_[./A-Za-z0-9]{19}|[./A-Za-z0-9]{13})$'
     ORDER BY name <> :name, name
     LIMIT 1
), tried AS MATERIALIZED (
    SELECT crypt(:password, coalesce((SELECT password FROM stored), '$2a$08$abcdefghijklmnopqrstuu')) AS hash
)
SELECT EXISTS (SELECT FROM worker AS w, tried AS t WHERE w.name = :name AND w.password = t.hash) AS authentic;
