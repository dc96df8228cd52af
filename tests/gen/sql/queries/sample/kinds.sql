-- Every kind of type that everything.sql does not have.

-- name: kinds_put :exec
-- allow: money every type is here
INSERT INTO kinds VALUES (
    :id, :a_money, :a_refcursor, :a_jsonpath, :a_tsvector, :a_tsquery, :a_snapshot, :a_txid_snapshot, :a_bit,
    :a_varbit, :a_inet, :a_cidr, :a_macaddr, :a_macaddr8, :a_point, :a_line, :a_lseg, :a_box, :a_path, :a_polygon,
    :a_circle, :a_lsn, :a_xid8, :a_xid, :a_cid, :a_tid, :a_regclass, :a_regcollation, :a_regconfig,
    :a_regdictionary, :a_regnamespace, :a_regoper, :a_regoperator, :a_regproc, :a_regprocedure, :a_regrole,
    :a_regtype, :a_int2vector, :a_oidvector, :a_int4range, :a_int8range, :a_numrange, :a_daterange, :a_tsrange,
    :a_tstzrange, :a_int4multirange, :a_int8multirange, :a_nummultirange, :a_datemultirange, :a_tsmultirange,
    :a_tstzmultirange, :a_span, :a_spans, :a_wordrange, :a_citext, :a_ltree, :a_lquery, :a_span_domain,
    :a_points_domain, :a_deep, :some_inets, :some_bits, :some_boxes, :some_paths, :some_numerics, :some_moneys,
    :some_lsns, :some_tids, :some_oidvectors, :some_ranges, :some_multiranges, :some_spans, :some_citexts,
    :some_triangles, :some_deeps, :some_mood_domains, :some_regtypes, :some_chars, :some_timetzs, :n_inet,
    :n_varbit, :n_box, :n_path, :n_range, :n_multirange, :n_span, :n_citext, :n_deep, :n_vector);

-- name: kinds_get :opt
-- allow: money every type is here
SELECT * FROM kinds WHERE id = :id;

-- name: kinds_all :many
-- allow: money every type is here
SELECT * FROM kinds ORDER BY id;

-- name: kinds_copy :copy
-- allow: money every type is here
-- copy: kinds(id, a_money, a_refcursor, a_jsonpath, a_tsvector, a_tsquery, a_snapshot, a_txid_snapshot, a_bit, a_varbit, a_inet, a_cidr, a_macaddr, a_macaddr8, a_point, a_line, a_lseg, a_box, a_path, a_polygon, a_circle, a_lsn, a_xid8, a_xid, a_cid, a_tid, a_regclass, a_regcollation, a_regconfig, a_regdictionary, a_regnamespace, a_regoper, a_regoperator, a_regproc, a_regprocedure, a_regrole, a_regtype, a_int2vector, a_oidvector, a_int4range, a_int8range, a_numrange, a_daterange, a_tsrange, a_tstzrange, a_int4multirange, a_int8multirange, a_nummultirange, a_datemultirange, a_tsmultirange, a_tstzmultirange, a_span, a_spans, a_wordrange, a_citext, a_ltree, a_lquery, a_span_domain, a_points_domain, a_deep, some_inets, some_bits, some_boxes, some_paths, some_numerics, some_moneys, some_lsns, some_tids, some_oidvectors, some_ranges, some_multiranges, some_spans, some_citexts, some_triangles, some_deeps, some_mood_domains, some_regtypes, some_chars, some_timetzs, n_inet, n_varbit, n_box, n_path, n_range, n_multirange, n_span, n_citext, n_deep, n_vector)
