-- name: everything_put :exec
INSERT INTO everything VALUES (
    :id, :a_bool, :a_int2, :a_int4, :a_int8, :a_oid, :a_float4, :a_float8, :a_numeric, :a_text, :a_varchar, :a_bpchar,
    :a_name, :a_xml, :a_json, :a_jsonb, :a_bytea, :a_char, :a_uuid, :a_date, :a_time, :a_timetz, :a_timestamp,
    :a_timestamptz, :a_interval, :a_mood, :a_size, :a_word, :a_mood_domain, :a_point, :a_pair, :some_bools,
    :some_int4s, :some_texts, :some_dates, :some_varchars, :some_moods, :some_words, :some_points, :some_uuids,
    :some_timestamps, :some_json, :n_bool, :n_int8, :n_text, :n_bytea, :n_uuid, :n_timestamp, :n_interval, :n_numeric,
    :n_mood, :n_word, :n_point, :n_texts, :n_points);

-- name: everything_get :opt
SELECT * FROM everything WHERE id = :id;

-- name: everything_copy :copy
-- copy: everything(id, a_bool, a_int2, a_int4, a_int8, a_oid, a_float4, a_float8, a_numeric, a_text, a_varchar, a_bpchar, a_name, a_xml, a_json, a_jsonb, a_bytea, a_char, a_uuid, a_date, a_time, a_timetz, a_timestamp, a_timestamptz, a_interval, a_mood, a_size, a_word, a_mood_domain, a_point, a_pair, some_bools, some_int4s, some_texts, some_dates, some_varchars, some_moods, some_words, some_points, some_uuids, some_timestamps, some_json, n_bool, n_int8, n_text, n_bytea, n_uuid, n_timestamp, n_interval, n_numeric, n_mood, n_word, n_point, n_texts, n_points)
