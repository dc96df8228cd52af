-- migrate: tx=yes
-- up
-- The type debversion (Debian version numbers and their order) must be a base type in schema public: the
-- Python drivers register a codec for it there and refuse one on a domain.
--
-- Four ways, in this order, each of which either ends here or says what to do:
--   1. the type is there, from its extension or loaded by hand: nothing to do;
--   2. the package is not on the server: 0A000, naming the package;
--   3. CREATE EXTENSION works: done; refused for lack of privilege: 42501 with the administrator's statements;
--   4. CREATE EXTENSION stops at the operator > of debversion 1.1, which names >= as its negator where <= is
--      meant; older servers (15.18) take that and plan NOT (a > b) as a >= b, so we refuse it for them. Then, and for
--      no other error, the statements of the script that is installed on the server are run directly with that
--      one negator corrected.
DO $up$
DECLARE
    type_kind       "char";
    ext_schema      text;
    version         text;
    path            text;
    script          text;
    -- Up to the negator of operator > and that negator; the one fault that we know how to correct.
    fault           constant text := '(CREATE\s+OPERATOR\s+>\s*\([^)]*NEGATOR\s*=\s*)>=';
    server_major    constant int := current_setting('server_version_num')::int / 10000;
    known_error     constant text := 'negator operator >= is already the negator of operator <';
    -- Below 512 bytes with the longest database name: clients of ours keep no more.
    administrator   constant text :=
$hint$once, as a superuser in that database: CREATE EXTENSION debversion SCHEMA public;
or, where the server refuses that with a word about negators, on its machine:
sed '/^[\]/d; s|MODULE_PATHNAME|$libdir/debversion|; /^CREATE OPERATOR > /,/;/s/NEGATOR = >=/NEGATOR = <=/' \
/usr/share/postgresql/%s/extension/debversion--%s.sql |
PGDATABASE='%s' PGOPTIONS=-csearch_path=public psql -X1qv ON_ERROR_STOP=1 -f -$hint$;
    old_messages    constant text := current_setting('client_min_messages');
    old_language    constant text := current_setting('lc_messages');
    old_path        constant text := current_setting('search_path');
    failed_state    text;
    failed_message  text;
BEGIN
    -- 1. Already there?
    SELECT typtype INTO type_kind
    FROM pg_type WHERE typname = 'debversion' AND typnamespace = 'public'::regnamespace;
    IF type_kind = 'b' THEN
        RETURN;
    ELSIF type_kind IS NOT NULL THEN
        RAISE wrong_object_type USING
            MESSAGE = 'type public.debversion exists and is not a base type',
            HINT = 'the Janitor needs the type of the extension debversion; drop or rename the other one first';
    END IF;
    SELECT extnamespace::regnamespace::text INTO ext_schema FROM pg_extension WHERE extname = 'debversion';
    IF ext_schema IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING
            MESSAGE = format('extension debversion is installed in schema %s, and the Janitor looks for it in public', ext_schema),
            HINT = 'as a superuser, connected to this database: ALTER EXTENSION debversion SET SCHEMA public;';
    END IF;

    -- 2. On the server at all?
    SELECT default_version INTO version FROM pg_available_extensions WHERE name = 'debversion';
    IF version IS NULL THEN
        RAISE feature_not_supported USING
            MESSAGE = 'extension debversion is not installed on the database server',
            HINT = format('on the server''s machine: apt install postgresql-%s-debversion', server_major);
    END IF;

    -- 3. As an extension. Messages in English, so that the known error can be told from any other.
    IF current_setting('is_superuser')::boolean THEN
        PERFORM set_config('lc_messages', 'C', true);
    END IF;
    BEGIN
        CREATE EXTENSION debversion SCHEMA public;
        IF EXISTS (SELECT FROM pg_operator AS o JOIN pg_operator AS n ON n.oid = o.oprnegate
                   WHERE o.oprleft = 'public.debversion'::regtype AND n.oprnegate <> o.oid) THEN
            RAISE invalid_function_definition USING MESSAGE = known_error;
        END IF;
        COMMENT ON EXTENSION debversion IS 'Debian version numbers; created by migration janitor 0002';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS failed_state = RETURNED_SQLSTATE, failed_message = MESSAGE_TEXT;
        -- Only a superuser may read the installed script below.
        IF failed_state = '42501' OR failed_message = known_error AND NOT current_setting('is_superuser')::boolean THEN
            RAISE insufficient_privilege USING
                MESSAGE = format('could not create extension debversion: role %I may not create it in database %I',
                                 current_user, current_database()),
                HINT = format(administrator, server_major, version,
                              replace(current_database(), $$'$$, $$'\''$$));
        ELSIF failed_state <> '42P13' OR failed_message <> known_error THEN
            RAISE;
        END IF;
    END;
    PERFORM set_config('lc_messages', old_language, true)
    WHERE current_setting('lc_messages') <> old_language;
    IF failed_state IS NULL THEN
        RETURN;
    END IF;

    -- 4. From the installed script. Only a superuser gets here: anyone else was refused above.
    IF EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^debversion') THEN
        RAISE duplicate_function USING
            MESSAGE = 'functions named debversion* exist in schema public without their type',
            HINT = 'they are left from another attempt; drop them first';
    END IF;
    SELECT setting || '/extension/debversion--' || version || '.sql' INTO path
    FROM pg_config WHERE name = 'SHAREDIR';
    script := pg_read_file(path);
    IF (SELECT count(*) FROM regexp_matches(script, fault, 'g')) <> 1 THEN
        RAISE feature_not_supported USING
            MESSAGE = format('could not load debversion %s: %s does not have the one known fault', version, path),
            DETAIL = format('CREATE EXTENSION answered: %s', failed_message),
            HINT = 'install a newer postgresql-debversion package on the server';
    END IF;
    script := regexp_replace(script, '^\\[^\n]*$', '', 'gn');
    script := replace(script, 'MODULE_PATHNAME', '$libdir/debversion');
    script := regexp_replace(script, fault, '\1<=');
    -- The script names no schema, and announces each shell type.
    PERFORM set_config('search_path', 'public, pg_temp', true), set_config('client_min_messages', 'warning', true);
    EXECUTE script;
    PERFORM set_config('search_path', old_path, true), set_config('client_min_messages', old_messages, true);
    EXECUTE format('COMMENT ON TYPE public.debversion IS %L',
                   format('Debian version number; loaded from the installed script of debversion %s by migration janitor 0002', version));
    RAISE NOTICE 'debversion % cannot be created as an extension on this server; loaded its types with the corrected operators', version;
END
$up$;

-- verify
SELECT EXISTS (SELECT FROM pg_type
               WHERE typname = 'debversion' AND typnamespace = 'public'::regnamespace AND typtype = 'b')
   AND (SELECT count(*) = 2 FROM pg_opclass JOIN pg_am ON pg_am.oid = opcmethod
        WHERE opcdefault AND amname IN ('btree', 'hash')
          AND opcintype = (SELECT oid FROM pg_type
                           WHERE typname = 'debversion' AND typnamespace = 'public'::regnamespace));

-- down
-- Gives back exactly what the way up made: an extension or types that were there before stay.
DO $down$
DECLARE
    old_messages constant text := current_setting('client_min_messages');
    loaded oid;
    user_of text;
    item record;
BEGIN
    IF EXISTS (SELECT FROM pg_extension
               WHERE extname = 'debversion'
                 AND obj_description(oid, 'pg_extension') LIKE '%created by migration janitor 0002') THEN
        DROP EXTENSION debversion;
        RETURN;
    END IF;
    SELECT oid INTO loaded FROM pg_type
    WHERE typname = 'debversion' AND typnamespace = 'public'::regnamespace
      AND obj_description(oid, 'pg_type') LIKE '%loaded from the installed script%by migration janitor 0002';
    IF loaded IS NULL THEN
        RETURN;
    END IF;
    -- DROP TYPE needs CASCADE for the type's own functions, which must not reach what others built on it.
    SELECT pg_describe_object(d.classid, d.objid, d.objsubid) INTO user_of
    FROM pg_depend AS d
    WHERE d.refclassid = 'pg_type'::regclass
      AND d.refobjid IN (loaded, (SELECT typarray FROM pg_type WHERE oid = loaded))
      AND d.deptype = 'n'
      -- Everything but the type's own functions, class and casts; what the operators stand on is among the functions.
      AND CASE d.classid
          WHEN 'pg_proc'::regclass THEN NOT EXISTS (
              SELECT FROM pg_proc
              WHERE oid = d.objid AND pronamespace = 'public'::regnamespace
                AND (proname ~ '^debversion' OR proname IN ('min', 'max')))
          WHEN 'pg_opclass'::regclass THEN NOT EXISTS (
              SELECT FROM pg_opclass
              WHERE oid = d.objid AND opcnamespace = 'public'::regnamespace AND opcname = 'debversion_ops')
          WHEN 'pg_cast'::regclass THEN NOT EXISTS (
              SELECT FROM pg_cast
              WHERE oid = d.objid
                AND ARRAY[castsource, casttarget] && ARRAY['text', 'varchar', 'bpchar']::regtype[]::oid[])
          ELSE d.classid NOT IN ('pg_operator'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass)
          END
    LIMIT 1;
    IF user_of IS NOT NULL THEN
        RAISE dependent_objects_still_exist USING
            MESSAGE = format('could not drop type debversion: %s uses it', user_of);
    END IF;
    FOR item IN SELECT f.opfname, a.amname
                FROM pg_opfamily AS f JOIN pg_am AS a ON a.oid = f.opfmethod
                WHERE f.opfname = 'debversion_ops' AND f.opfnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('DROP OPERATOR FAMILY public.%I USING %I', item.opfname, item.amname);
    END LOOP;
    PERFORM set_config('client_min_messages', 'warning', true);
    DROP TYPE public.debversion CASCADE;
    PERFORM set_config('client_min_messages', old_messages, true);
END
$down$;
