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

-- The types whose C form is not that of another: the rest of what the server brings along, ranges, extensions, depth.
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION ltree SCHEMA public;
CREATE TYPE public.span AS RANGE (subtype = float8, multirange_type_name = public.spans);
CREATE TYPE app.wordrange AS RANGE (subtype = text, collation = "C", multirange_type_name = app.wordranges);
CREATE DOMAIN public.short_span AS public.span CHECK (upper(VALUE) - lower(VALUE) < 100);
CREATE DOMAIN public.triangle AS point[] CHECK (array_length(VALUE, 1) = 3);
CREATE TYPE public.shallow AS (spans public.span[], home inet, moods public.mood[]);
CREATE TYPE public.deep AS (inner_one public.shallow, inner_many public.shallow[], corners public.triangle);
CREATE TABLE public.kinds (
    id bigint PRIMARY KEY,
    a_money money NOT NULL, a_refcursor refcursor NOT NULL, a_jsonpath jsonpath NOT NULL,
    a_tsvector tsvector NOT NULL, a_tsquery tsquery NOT NULL, a_snapshot pg_snapshot NOT NULL,
    a_txid_snapshot txid_snapshot NOT NULL, a_bit bit(3) NOT NULL, a_varbit varbit NOT NULL, a_inet inet NOT NULL,
    a_cidr cidr NOT NULL, a_macaddr macaddr NOT NULL, a_macaddr8 macaddr8 NOT NULL, a_point point NOT NULL,
    a_line line NOT NULL, a_lseg lseg NOT NULL, a_box box NOT NULL, a_path path NOT NULL,
    a_polygon polygon NOT NULL, a_circle circle NOT NULL, a_lsn pg_lsn NOT NULL, a_xid8 xid8 NOT NULL,
    a_xid xid NOT NULL, a_cid cid NOT NULL, a_tid tid NOT NULL, a_regclass regclass NOT NULL,
    a_regcollation regcollation NOT NULL, a_regconfig regconfig NOT NULL, a_regdictionary regdictionary NOT NULL,
    a_regnamespace regnamespace NOT NULL, a_regoper regoper NOT NULL, a_regoperator regoperator NOT NULL,
    a_regproc regproc NOT NULL, a_regprocedure regprocedure NOT NULL, a_regrole regrole NOT NULL,
    a_regtype regtype NOT NULL, a_int2vector int2vector NOT NULL, a_oidvector oidvector NOT NULL,
    a_int4range int4range NOT NULL, a_int8range int8range NOT NULL, a_numrange numrange NOT NULL,
    a_daterange daterange NOT NULL, a_tsrange tsrange NOT NULL, a_tstzrange tstzrange NOT NULL,
    a_int4multirange int4multirange NOT NULL, a_int8multirange int8multirange NOT NULL,
    a_nummultirange nummultirange NOT NULL, a_datemultirange datemultirange NOT NULL,
    a_tsmultirange tsmultirange NOT NULL, a_tstzmultirange tstzmultirange NOT NULL, a_span public.span NOT NULL,
    a_spans public.spans NOT NULL, a_wordrange app.wordrange NOT NULL, a_citext public.citext NOT NULL,
    a_ltree public.ltree NOT NULL, a_lquery public.lquery NOT NULL, a_span_domain public.short_span NOT NULL,
    a_points_domain public.triangle NOT NULL, a_deep public.deep NOT NULL, some_inets inet[] NOT NULL,
    some_bits varbit[] NOT NULL, some_boxes box[] NOT NULL, some_paths path[] NOT NULL,
    some_numerics numeric[] NOT NULL, some_moneys money[] NOT NULL, some_lsns pg_lsn[] NOT NULL,
    some_tids tid[] NOT NULL, some_oidvectors oidvector[] NOT NULL, some_ranges int4range[] NOT NULL,
    some_multiranges tstzmultirange[] NOT NULL, some_spans public.span[] NOT NULL,
    some_citexts public.citext[] NOT NULL, some_triangles public.triangle[] NOT NULL,
    some_deeps public.deep[] NOT NULL, some_mood_domains public.mood_or_none[] NOT NULL,
    some_regtypes regtype[] NOT NULL, some_chars "char"[] NOT NULL, some_timetzs timetz[] NOT NULL,
    n_inet inet, n_varbit varbit, n_box box, n_path path, n_range int4range, n_multirange int4multirange,
    n_span public.span, n_citext public.citext, n_deep public.deep, n_vector int2vector
);

CREATE TABLE public.item (
    id serial PRIMARY KEY, name text NOT NULL, note text, mood public.mood NOT NULL DEFAULT 'happy',
    added timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE public.part (item integer NOT NULL REFERENCES public.item, number integer NOT NULL, weight integer,
                          PRIMARY KEY (item, number));
CREATE VIEW public.item_part AS
    SELECT item.id, item.name, part.number FROM public.item LEFT JOIN public.part ON part.item = item.id;

CREATE TABLE public.late_part (item integer NOT NULL REFERENCES public.item DEFERRABLE INITIALLY DEFERRED,
                               number integer NOT NULL, data bytea);

CREATE TABLE public.parent (id integer NOT NULL, v integer NOT NULL);
CREATE TABLE public.child () INHERITS (public.parent);
ALTER TABLE ONLY public.child ALTER v DROP NOT NULL;
CREATE FUNCTION public.strict_null(integer) RETURNS integer LANGUAGE sql STRICT IMMUTABLE AS 'SELECT NULL::integer';
-- down
DROP FUNCTION public.strict_null(integer);
DROP TABLE public.child, public.parent;
DROP VIEW public.item_part;
DROP TABLE public.late_part, public.part, public.item, public.kinds, public.everything;
DROP TYPE public.deep, public.shallow;
DROP DOMAIN public.triangle, public.short_span;
DROP TYPE app.wordrange, public.span;
DROP EXTENSION ltree, citext;
DROP TYPE app.pair, public.point3;
DROP DOMAIN public.mood_or_none, public.word;
DROP TYPE app.size, public.mood;
DROP SCHEMA app;
