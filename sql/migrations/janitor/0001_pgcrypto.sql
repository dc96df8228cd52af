-- migrate: tx=yes
-- up
-- Workers log in with a password whose crypt() hash stands in worker.password; crypt() is pgcrypto's.
-- The extension is trusted: the database's owner may create it. Whoever may not gets 42501 with the
-- statement for an administrator. An extension that is already there is left as it is.
DO $up$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pgcrypto') THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pgcrypto') THEN
        RAISE feature_not_supported USING
            MESSAGE = 'extension pgcrypto is not installed on the database server',
            HINT = 'it is part of the PostgreSQL server package of Debian '
                || '(postgresql-' || current_setting('server_version_num')::int / 10000 || '); other systems call it contrib';
    END IF;
    CREATE EXTENSION pgcrypto SCHEMA public;
    -- The mark by which the way down knows that the extension is ours to drop.
    COMMENT ON EXTENSION pgcrypto IS 'crypt() for the passwords of workers; created by migration janitor 0001';
EXCEPTION WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING
        MESSAGE = format('could not create extension pgcrypto: role %I may not create it in database %I',
                         current_user, current_database()),
        HINT = format('as the owner of database %I or a superuser, connected to that database: '
                   || 'CREATE EXTENSION pgcrypto SCHEMA public;', current_database());
END
$up$;

-- verify
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pgcrypto');

-- down
DO $down$
BEGIN
    IF EXISTS (SELECT FROM pg_extension
               WHERE extname = 'pgcrypto'
                 AND obj_description(oid, 'pg_extension') LIKE '%created by migration janitor 0001') THEN
        DROP EXTENSION pgcrypto;
    END IF;
END
$down$;
