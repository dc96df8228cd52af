-- Debian packages that runs built.

-- name: build_put :batch
-- doc: What a run built.
INSERT INTO debian_build (run_id, version, distribution, source, binary_packages, lintian_result)
VALUES (:run_id, :version::text::debversion, :distribution, :source, :binary_packages, :lintian_result);

-- name: build_delete :execrows
-- doc: Forget what a run built.
DELETE FROM debian_build WHERE run_id = :run_id;

-- name: build_list :each
-- doc: Builds that pass the filters by distribution, source and version, from behind one on (keyset).
-- param row_limit: nullable
SELECT d.run_id, r.codebase, r.suite::text AS campaign, d.version::text AS version, d.distribution, d.source,
       d.binary_packages, d.lintian_result
  FROM debian_build AS d
  JOIN run AS r ON r.id = d.run_id
 WHERE true
   /*? run_id */ AND d.run_id = :run_id /*?*/
   /*? distribution */ AND d.distribution = :distribution /*?*/
   /*? source */ AND d.source = :source /*?*/
   /*? codebase */ AND r.codebase = :codebase /*?*/
   /*? after */ AND (d.distribution, d.source, d.version, d.run_id)
                  > (:after_distribution, :after_source, :after_version::text::debversion, :after_run) /*?*/
 ORDER BY d.distribution, d.source, d.version, d.run_id
 LIMIT :row_limit::bigint;

-- name: build_last_version :one
-- doc: The greatest version of a codebase that was built for a distribution, in Debian's order.
SELECT max(d.version)::text AS version
  FROM run AS r
  JOIN debian_build AS d ON d.run_id = r.id
 WHERE r.codebase = :codebase AND d.distribution = :distribution;
