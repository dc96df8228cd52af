-- Tables whose names a program chooses, under the names that the compiler proves queries with.
-- up
CREATE SEQUENCE public.chosen_entries_rev;
CREATE TABLE public.chosen_entries (key bytea PRIMARY KEY, value bytea NOT NULL, rev bigint NOT NULL);
CREATE TABLE public.chosen_entries_history (key bytea NOT NULL, rev bigint NOT NULL, PRIMARY KEY (key, rev));
CREATE FUNCTION public.chosen_entries_epoch(ns integer) RETURNS integer LANGUAGE sql AS 'SELECT ns + 1';
