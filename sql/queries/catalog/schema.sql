-- The objects of a database, for holdfast/schema.h: one statement per kind of catalog, all rows of one shape.
--
-- properties: name, value, name, value ...; a NULL value means that the object does not have that property.
-- Left out everywhere: the server's own schemas, the ledger of migrations (schema holdfast), members of extensions.
-- Definitions depend on settings of the session: schema_path comes first, in the same transaction.
-- Columns that came with server 14 are read through to_jsonb(), so that 13 has them as NULL.

-- name: schema_path :one
-- doc: Everything is qualified in what the other statements answer, and constants are written in one way, until the
--   transaction ends.
SELECT set_config('search_path', '', true) AS path, set_config('TimeZone', 'UTC', true) AS time_zone,
    set_config('DateStyle', 'ISO, YMD', true) AS date_style,
    set_config('IntervalStyle', 'postgres', true) AS interval_style,
    set_config('extra_float_digits', '1', true) AS float_digits, set_config('bytea_output', 'hex', true) AS bytea_output,
    set_config('quote_all_identifiers', 'off', true) AS quoting;

-- name: schema_schemas :each
-- row: schema_row
-- idempotent: yes
-- doc: Schemas and extensions.
SELECT 'schema' AS kind, '' AS schema, '' AS parent, n.nspname::text AS name, 0 AS position,
    ARRAY['comment', obj_description(n.oid, 'pg_namespace'),
        'owner', CASE WHEN (:privileges)::bool THEN pg_get_userbyid(n.nspowner)::text END,
        'privileges', CASE WHEN (:privileges) THEN n.nspacl::text END] AS properties
FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
UNION ALL
SELECT 'extension', '', '', e.extname::text, 0,
    ARRAY['schema', n.nspname::text, 'version', e.extversion, 'comment', obj_description(e.oid, 'pg_extension')]
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql';

-- name: schema_types :each
-- row: schema_row
-- idempotent: yes
-- doc: Enums, domains, composite types, ranges and base types; the columns of composites come with those of tables.
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range'
        ELSE 'type' END AS kind,
    n.nspname::text AS schema, '' AS parent, t.typname::text AS name, 0 AS position,
    ARRAY['labels', (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
            FROM pg_enum e WHERE e.enumtypid = t.oid),
        'type', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
        'not_null', CASE WHEN t.typnotnull THEN 'yes' END,
        'default', CASE WHEN t.typtype = 'd' THEN t.typdefault END,
        'collation', (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co
            JOIN pg_namespace cn ON cn.oid = co.collnamespace JOIN pg_type b ON b.oid = t.typbasetype
            WHERE t.typtype = 'd' AND co.oid = t.typcollation AND t.typcollation <> b.typcollation),
        'subtype', format_type(r.rngsubtype, NULL),
        'canonical', nullif(r.rngcanonical::oid, 0)::regproc::text,
        'subtype_diff', nullif(r.rngsubdiff::oid, 0)::regproc::text,
        'input', CASE WHEN t.typtype = 'b' THEN t.typinput::regproc::text END,
        'output', CASE WHEN t.typtype = 'b' THEN t.typoutput::regproc::text END,
        'comment', obj_description(t.oid, 'pg_type'),
        'owner', CASE WHEN (:privileges)::bool THEN pg_get_userbyid(t.typowner)::text END,
        'privileges', CASE WHEN (:privileges) THEN t.typacl::text END] AS properties
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_range r ON r.rngtypid = t.oid
    LEFT JOIN pg_class k ON k.oid = t.typrelid
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND t.typtype <> 'm' AND t.typisdefined AND (k.oid IS NULL OR k.relkind = 'c')
    AND NOT EXISTS (SELECT FROM pg_type element WHERE element.oid = t.typelem AND element.typarray = t.oid)
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e');

-- name: schema_relations :each
-- row: schema_row
-- idempotent: yes
-- doc: Tables, foreign tables, views and materialised views.
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
        ELSE 'table' END AS kind,
    n.nspname::text AS schema, '' AS parent, c.relname::text AS name, 0 AS position,
    ARRAY['persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
        'of_type', CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
        'partition_by', pg_get_partkeydef(c.oid),
        'partition_of', CASE WHEN c.relispartition THEN (SELECT format('%I.%I', pn.nspname, p.relname)
            FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
            WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1) END,
        'partition_bound', pg_get_expr(c.relpartbound, c.oid),
        'inherits', CASE WHEN NOT c.relispartition THEN (SELECT string_agg(format('%I.%I', pn.nspname, p.relname), ', '
                ORDER BY i.inhseqno)
            FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
            WHERE i.inhrelid = c.oid) END,
        'server', (SELECT s.srvname::text FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
            WHERE f.ftrelid = c.oid),
        'server_options', (SELECT f.ftoptions::text FROM pg_foreign_table f WHERE f.ftrelid = c.oid),
        'options', array_to_string(c.reloptions, ', '),
        'row_security', CASE WHEN c.relforcerowsecurity AND c.relrowsecurity THEN 'forced'
            WHEN c.relrowsecurity THEN 'enabled' END,
        'replica_identity', CASE c.relreplident WHEN 'f' THEN 'full'
            WHEN 'n' THEN CASE WHEN c.relkind IN ('r', 'p') THEN 'nothing' END WHEN 'i' THEN 'index' END,
        'definition', CASE WHEN c.relkind IN ('v', 'm') THEN btrim(pg_get_viewdef(c.oid, true), E' \n') END,
        'reads', (SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
            SELECT DISTINCT format('%I.%I', rn.nspname, rc.relname)
                || coalesce('.' || quote_ident(ra.attname), '') AS line
            FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                JOIN pg_class rc ON rc.oid = d.refobjid JOIN pg_namespace rn ON rn.oid = rc.relnamespace
                LEFT JOIN pg_attribute ra ON ra.attrelid = d.refobjid AND ra.attnum = d.refobjsubid AND ra.attnum > 0
            WHERE w.ev_class = c.oid AND w.rulename = '_RETURN' AND c.relkind IN ('v', 'm')) AS lines),
        'comment', obj_description(c.oid, 'pg_class'),
        'owner', CASE WHEN (:privileges)::bool THEN pg_get_userbyid(c.relowner)::text END,
        'privileges', CASE WHEN (:privileges) THEN c.relacl::text END] AS properties
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');

-- name: schema_columns :each
-- row: schema_row
-- idempotent: yes
-- doc: Columns of relations and of composite types, in their order.
SELECT 'column' AS kind, n.nspname::text AS schema, c.relname::text AS parent, a.attname::text AS name,
    (row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum))::int AS position,
    ARRAY['type', format_type(a.atttypid, a.atttypmod),
        'not_null', CASE WHEN a.attnotnull THEN 'yes' END,
        'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(f.adbin, f.adrelid) END,
        'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(f.adbin, f.adrelid) END,
        'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
        'collation', (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co
            JOIN pg_namespace cn ON cn.oid = co.collnamespace
            WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation),
        'storage', CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain'
            WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
        'compression', CASE to_jsonb(a) ->> 'attcompression' WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
        'statistics', CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,
        'options', (SELECT string_agg(o.text, ', ' ORDER BY o.place)
            FROM unnest(a.attoptions || a.attfdwoptions) WITH ORDINALITY o (text, place)
            WHERE o.text NOT LIKE 'pg\_attver=%'), -- the server's own bookkeeping, since 15.20
        'inherited', CASE WHEN a.attinhcount > 0 THEN CASE WHEN a.attislocal THEN 'and own' ELSE 'yes' END END,
        'comment', col_description(c.oid, a.attnum),
        'privileges', CASE WHEN (:privileges)::bool THEN a.attacl::text END] AS properties
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c') AND a.attnum > 0 AND NOT a.attisdropped
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');

-- name: schema_constraints :each
-- row: schema_row
-- idempotent: yes
-- doc: Constraints of tables and domains. columns, references and referenced_columns serve diagrams.
SELECT 'constraint' AS kind, n.nspname::text AS schema, coalesce(c.relname::text, t.typname::text, '') AS parent,
    k.conname::text AS name, 0 AS position,
    ARRAY['type', CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'u' THEN 'unique'
            WHEN 'x' THEN 'exclusion' WHEN 'n' THEN 'not null' ELSE 'check' END,
        'definition', pg_get_constraintdef(k.oid),
        'columns', (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
            FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number),
        'references', (SELECT format('%I.%I', rn.nspname, r.relname) FROM pg_class r
            JOIN pg_namespace rn ON rn.oid = r.relnamespace WHERE r.oid = k.confrelid),
        'referenced_columns', (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)
            FROM unnest(k.confkey) WITH ORDINALITY u (number, place)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number),
        'inherited', CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'and own' ELSE 'yes' END END,
        'comment', obj_description(k.oid, 'pg_constraint')] AS properties
FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
    LEFT JOIN pg_class c ON c.oid = k.conrelid
    LEFT JOIN pg_type t ON t.oid = k.contypid
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND k.contype <> 't' AND coalesce(c.relname, t.typname) IS NOT NULL
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e'
        AND d.classid = CASE WHEN k.conrelid <> 0 THEN 'pg_class'::regclass ELSE 'pg_type'::regclass END
        AND d.objid = CASE WHEN k.conrelid <> 0 THEN k.conrelid ELSE k.contypid END);

-- name: schema_indexes :each
-- row: schema_row
-- idempotent: yes
-- doc: Indexes; `constraint` names the one that it serves.
SELECT 'index' AS kind, n.nspname::text AS schema, c.relname::text AS parent, x.relname::text AS name, 0 AS position,
    ARRAY['definition', pg_get_indexdef(i.indexrelid),
        'unique', CASE WHEN i.indisunique THEN 'yes' END,
        'constraint', (SELECT k.conname::text FROM pg_constraint k
            WHERE k.conrelid = i.indrelid AND k.conindid = x.oid AND k.contype IN ('p', 'u', 'x')
            ORDER BY k.conname LIMIT 1),
        'partition_of', (SELECT format('%I.%I', pn.nspname, p.relname)
            FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
            WHERE h.inhrelid = x.oid ORDER BY h.inhseqno LIMIT 1),
        'valid', CASE WHEN NOT i.indisvalid THEN 'no' END,
        'clustered', CASE WHEN i.indisclustered THEN 'yes' END,
        'replica_identity', CASE WHEN i.indisreplident THEN 'yes' END,
        'statistics', (SELECT string_agg(format('%s: %s', s.attnum, s.attstattarget), ', ' ORDER BY s.attnum)
            FROM pg_attribute s WHERE s.attrelid = x.oid AND s.attstattarget >= 0),
        'comment', obj_description(x.oid, 'pg_class')] AS properties
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');

-- name: schema_triggers :each
-- row: schema_row
-- idempotent: yes
-- doc: Triggers, policies, rules and extended statistics: what else hangs on a relation.
SELECT 'trigger' AS kind, n.nspname::text AS schema, c.relname::text AS parent, g.tgname::text AS name, 0 AS position,
    ARRAY['definition', pg_get_triggerdef(g.oid),
        'function', g.tgfoid::regprocedure::text,
        'enabled', CASE g.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
        'inherited', CASE WHEN (to_jsonb(g) ->> 'tgparentid')::oid <> 0 THEN 'yes' END,
        'comment', obj_description(g.oid, 'pg_trigger')] AS properties
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast') AND NOT g.tgisinternal
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT 'policy', n.nspname::text, c.relname::text, p.polname::text, 0,
    ARRAY['command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
            WHEN 'd' THEN 'delete' ELSE 'all' END,
        'restrictive', CASE WHEN NOT p.polpermissive THEN 'yes' END,
        'roles', (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname COLLATE "C")
            FROM pg_roles r WHERE r.oid = ANY (p.polroles)),
        'using', pg_get_expr(p.polqual, p.polrelid),
        'check', pg_get_expr(p.polwithcheck, p.polrelid),
        'comment', obj_description(p.oid, 'pg_policy')]
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
UNION ALL
SELECT 'rule', n.nspname::text, c.relname::text, w.rulename::text, 0,
    ARRAY['definition', pg_get_ruledef(w.oid),
        'enabled', CASE w.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END,
        'comment', obj_description(w.oid, 'pg_rewrite')]
FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast') AND w.rulename <> '_RETURN'
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
UNION ALL
SELECT 'statistics', n.nspname::text, c.relname::text, s.stxname::text, 0,
    ARRAY['definition', pg_get_statisticsobjdef(s.oid),
        'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END,
        'comment', obj_description(s.oid, 'pg_statistic_ext')]
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');

-- name: schema_sequences :each
-- row: schema_row
-- idempotent: yes
-- doc: Sequences, those of identity columns included.
SELECT 'sequence' AS kind, n.nspname::text AS schema, '' AS parent, c.relname::text AS name, 0 AS position,
    ARRAY['type', format_type(s.seqtypid, NULL), 'start', s.seqstart::text, 'increment', s.seqincrement::text,
        'minimum', s.seqmin::text, 'maximum', s.seqmax::text, 'cache', s.seqcache::text,
        'cycle', CASE WHEN s.seqcycle THEN 'yes' END,
        'persistence', CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
        'owned_by', (SELECT format('%I.%I.%I', tn.nspname, t.relname, a.attname)
            FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                AND d.deptype IN ('a', 'i') ORDER BY d.refobjid, d.refobjsubid LIMIT 1),
        'identity', (SELECT 'yes' FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.deptype = 'i' LIMIT 1),
        'comment', obj_description(c.oid, 'pg_class'),
        'owner', CASE WHEN (:privileges)::bool THEN pg_get_userbyid(c.relowner)::text END,
        'privileges', CASE WHEN (:privileges) THEN c.relacl::text END] AS properties
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');

-- name: schema_functions :each
-- row: schema_row
-- idempotent: yes
-- doc: Functions, procedures and aggregates; the name has the types of the arguments with it.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
    n.nspname::text AS schema, '' AS parent,
    coalesce(format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), '') AS name, 0 AS position,
    ARRAY['arguments', nullif(pg_get_function_arguments(p.oid), ''),
        'returns', pg_get_function_result(p.oid),
        'language', l.lanname::text,
        'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
        'strict', CASE WHEN p.proisstrict THEN 'yes' END,
        'security_definer', CASE WHEN p.prosecdef THEN 'yes' END,
        'definition', CASE WHEN p.prokind <> 'a' THEN btrim(pg_get_functiondef(p.oid), E'\n') END,
        'transition', (SELECT a.aggtransfn::regprocedure::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid),
        'state_type', (SELECT format_type(a.aggtranstype, NULL) FROM pg_aggregate a WHERE a.aggfnoid = p.oid),
        'final', (SELECT nullif(a.aggfinalfn::oid, 0)::regprocedure::text FROM pg_aggregate a
            WHERE a.aggfnoid = p.oid),
        'initial', (SELECT a.agginitval FROM pg_aggregate a WHERE a.aggfnoid = p.oid),
        'comment', obj_description(p.oid, 'pg_proc'),
        'owner', CASE WHEN (:privileges)::bool THEN pg_get_userbyid(p.proowner)::text END,
        'privileges', CASE WHEN (:privileges) THEN p.proacl::text END] AS properties
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'holdfast')
    AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    AND NOT EXISTS (SELECT FROM pg_depend d -- the constructors of a range
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i');

-- name: schema_others :each
-- row: schema_row
-- idempotent: yes
-- doc: What is rare: operators and their classes, casts, collations, conversions, text search, event triggers,
--   foreign servers, publications and languages. That it is there, and its comment; not how it is defined.
SELECT 'other' AS kind, coalesce(i.schema, '') AS schema, '' AS parent, coalesce(i.type || ' ' || i.identity, '') AS name,
    0 AS position, ARRAY['comment', obj_description(o.objid, o.catalog)] AS properties
FROM (
    SELECT 'pg_operator'::name AS catalog, 'pg_operator'::regclass::oid AS classid, oid AS objid FROM pg_operator
    UNION ALL SELECT 'pg_opclass', 'pg_opclass'::regclass, oid FROM pg_opclass
    UNION ALL SELECT 'pg_opfamily', 'pg_opfamily'::regclass, oid FROM pg_opfamily
    UNION ALL SELECT 'pg_cast', 'pg_cast'::regclass, oid FROM pg_cast
    UNION ALL SELECT 'pg_collation', 'pg_collation'::regclass, oid FROM pg_collation
    UNION ALL SELECT 'pg_conversion', 'pg_conversion'::regclass, oid FROM pg_conversion
    UNION ALL SELECT 'pg_ts_config', 'pg_ts_config'::regclass, oid FROM pg_ts_config
    UNION ALL SELECT 'pg_ts_dict', 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_parser', 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
    UNION ALL SELECT 'pg_ts_template', 'pg_ts_template'::regclass, oid FROM pg_ts_template
    UNION ALL SELECT 'pg_event_trigger', 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
    UNION ALL SELECT 'pg_foreign_server', 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
    UNION ALL SELECT 'pg_foreign_data_wrapper', 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_publication', 'pg_publication'::regclass, oid FROM pg_publication
    UNION ALL SELECT 'pg_language', 'pg_language'::regclass, oid FROM pg_language
    UNION ALL SELECT 'pg_transform', 'pg_transform'::regclass, oid FROM pg_transform
    UNION ALL SELECT 'pg_am', 'pg_am'::regclass, oid FROM pg_am
) AS o CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) AS i
WHERE o.objid >= 16384
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e');
