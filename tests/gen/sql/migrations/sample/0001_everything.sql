-- migrate: tx=yes
-- up
-- One column of every type that has a C form, a plain table, inheritance with the NOT NULL dropped below, a view.
CREATE SCHEMA app;
CREATE TYPE public.mood AS ENUM ('happy', 'needs-work', 'unknown');
CREATE TYPE app.size AS ENUM ('S', 'M', 'L');
CREATE DOMAIN public.word AS text CHECK (VALUE ~ '^[a-z]+$');
CREATE DOMAIN public.mood_or_none AS public.mood;
CREATE TYPE public.point3 AS (x integer, y integer, label text, mood public.mood);
CREATE TYPE app.pair AS (first public.point3, words public.word[], "select" numeric);

CREATE TABLE public.everything (
    id bigint PRIMARY KEY,
    a_bool boolean NOT NULL, a_int2 smallint NOT NULL, a_int4 integer NOT NULL, a_int8 bigint NOT NULL,
    a_oid oid NOT NULL, a_float4 real NOT NULL, a_float8 double precision NOT NULL, a_numeric numeric NOT NULL,
    a_text text NOT NULL, a_varchar varchar(10) NOT NULL, a_bpchar char(4) NOT NULL, a_name name NOT NULL,
    a_xml xml NOT NULL, a_json json NOT NULL, a_jsonb jsonb NOT NULL, a_bytea bytea NOT NULL, a_char "char" NOT NULL,
    a_uuid uuid NOT NULL, a_date date NOT NULL, a_time time NOT NULL, a_timetz timetz NOT NULL,
    a_timestamp timestamp NOT NULL, a_timestamptz timestamptz NOT NULL, a_interval interval NOT NULL,
    a_mood public.mood NOT NULL, a_size app.size NOT NULL, a_word public.word NOT NULL,
    a_mood_domain public.mood_or_none NOT NULL, a_point public.point3 NOT NULL, a_pair app.pair NOT NULL,
    some_bools boolean[] NOT NULL, some_int4s integer[] NOT NULL, some_texts text[] NOT NULL,
    some_dates date[] NOT NULL, some_varchars varchar[] NOT NULL, some_moods public.mood[] NOT NULL,
    some_words public.word[] NOT NULL, some_points public.point3[] NOT NULL, some_uuids uuid[] NOT NULL,
    some_timestamps timestamptz[] NOT NULL, some_json jsonb[] NOT NULL,
    n_bool boolean, n_int8 bigint, n_text text, n_bytea bytea, n_uuid uuid, n_timestamp timestamp, n_interval interval,
    n_numeric numeric, n_mood public.mood, n_word public.word, n_point public.point3, n_texts text[], n_points public.point3[]
);

CREATE TABLE public.item (
    id serial PRIMARY KEY, name text NOT NULL, note text, mood public.mood NOT NULL DEFAULT 'happy',
    added timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE public.part (item integer NOT NULL REFERENCES public.item, number integer NOT NULL, weight integer,
                          PRIMARY KEY (item, number));
CREATE VIEW public.item_part AS
    SELECT item.id, item.name, part.number FROM public.item LEFT JOIN public.part ON part.item = item.id;

CREATE TABLE public.parent (id integer NOT NULL, v integer NOT NULL);
CREATE TABLE public.child () INHERITS (public.parent);
ALTER TABLE ONLY public.child ALTER v DROP NOT NULL;
CREATE FUNCTION public.strict_null(integer) RETURNS integer LANGUAGE sql STRICT IMMUTABLE AS 'SELECT NULL::integer';
-- down
DROP FUNCTION public.strict_null(integer);
DROP TABLE public.child, public.parent;
DROP VIEW public.item_part;
DROP TABLE public.part, public.item, public.everything;
DROP TYPE app.pair, public.point3;
DROP DOMAIN public.mood_or_none, public.word;
DROP TYPE app.size, public.mood;
DROP SCHEMA app;
