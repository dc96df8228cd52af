"""Wrong queries: each must be reported at the exact word, with the exact message, all in one run.

In a case's text the word that the caret must stand under is between ⟦ and ⟧.
"""

import re

import pytest

import compiler

MIGRATION = """
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE TYPE clash AS ENUM ('a-b', 'a_b');
CREATE TYPE unheard AS ENUM ('UNRECOGNIZED');
CREATE TYPE twice AS ("a b" int, a_b int);
CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL, email text, mood mood NOT NULL, born date,
                     acl aclitem, tags text[], clash clash, twice twice, acls aclitem[]);
CREATE TYPE holder AS (id int, acl aclitem);
CREATE TABLE "Upper" (id integer);
CREATE VIEW people AS SELECT id, name FROM person;
"""

# name: (text, message, hint or None)
CASES = {
    # names and cardinalities
    "no_name": ("⟦SELECT⟧ 1 AS a;\n", "statement without a name", "write before it: -- name: some_name :many"),
    "bad_name": ("-- name: ⟦Person⟧ :one\nSELECT 1 AS a;\n", '"Person" cannot be the name of a query', None),
    "keyword_name": ("-- name: ⟦delete⟧ :one\nSELECT 1 AS a;\n", '"delete" cannot be the name of a query', None),
    "underscore_name": ("-- name: ⟦_x⟧ :one\nSELECT 1 AS a;\n", '"_x" cannot be the name of a query', None),
    "library_name": ("-- name: ⟦hf_query⟧ :one\nSELECT 1 AS a;\n", '"hf_query" cannot be the name of a query', None),
    "libc_name": ("-- name: ⟦printf⟧ :one\nSELECT 1 AS a;\n", '"printf" is a name of the C library',
                  "a query becomes a function: say what it is about, like printf_item"),
    "posix_name": ("-- name: ⟦write⟧ :one\nSELECT 1 AS a;\n", '"write" is a name of the C library', None),
    "last_libc_name": ("-- name: ⟦yn⟧ :one\nSELECT 1 AS a;\n", '"yn" is a name of the C library', None),
    "first_libc_name": ("-- name: ⟦abort⟧ :one\nSELECT 1 AS a;\n", '"abort" is a name of the C library', None),
    "reserved_name": ("-- name: ⟦manifest⟧ :one\nSELECT 1 AS a;\n", 'the name "manifest" is taken by the metadata', None),
    "no_cardinality": ("-- name: ⟦no_card⟧\nSELECT 1 AS a;\n", 'query "no_card" has no cardinality',
                       "write one behind the name: :one, :opt, :many, :each, :exec, :execrows, :batch, :bulk, :copy"),
    "unknown_cardinality": ("-- name: unknown_card ⟦:few⟧\nSELECT 1 AS a;\n", 'unknown cardinality ":few"',
                            "one of :one, :opt, :many, :each, :exec, :execrows, :batch, :bulk, :copy"),
    "words_behind": ("-- name: words_behind :one ⟦please now⟧\nSELECT 1 AS a;\n",
                     "unexpected words behind the cardinality", None),
    "no_statement": ("-- name: ⟦empty⟧ :one\n-- just a comment\n", 'no statement under the name "empty"', None),
    "two_statements": ("-- name: two :one\nSELECT 1 AS a;\n⟦SELECT⟧ 2 AS b;\n", 'second statement under the name "two"',
                       "give it a name of its own: -- name: other_name :exec"),
    "duplicate_name": ("-- name: same :one\nSELECT 1 AS a;\n-- name: ⟦same⟧ :one\nSELECT 2 AS a;\n",
                       'second query with the name "same"', "the first one stands at {path}:1"),
    "fn_clash": ("-- name: scan_it :each\nSELECT id FROM person;\n-- name: ⟦scan_it_row_fn⟧ :one\nSELECT 1 AS a;\n",
                 'query "scan_it_row_fn" and query "scan_it" have one name in C: scan_it_row_fn', None),
    "copy_clash": ("-- name: items_copy :one\nSELECT 1 AS a;\n-- name: ⟦all_of_them⟧ :many\n-- row: items\nSELECT 1 AS a;\n",
                   'row "items" and query "items_copy" have one name in C: items_copy',
                   "give the query (or the row) another name"),
    "type_clash": ("-- name: ⟦mood_of⟧ :many\nSELECT mood FROM person;\n",
                   'query "mood_of" and type public.mood have one name in C: mood_of', None),
    # annotations
    "unknown_annotation": ("-- name: unknown_ann :one\n-- ⟦timout⟧: 2s\nSELECT 1 AS a;\n", 'unknown annotation "timout"',
                           "one of name, doc, timeout, idempotent, atomic, row, copy, stream, allow, col NAME, param NAME, rows max, bytes max"),
    "stream_word": ("-- name: stream_word :each\n-- stream: ⟦fast⟧\nSELECT id FROM person;\n",
                    'stream is "copy", not "fast"', None),
    "stream_many": ("-- name: stream_many :many\n-- stream: ⟦copy⟧\nSELECT id FROM person;\n",
                    '"stream" belongs to :each, this query is :many', None),
    "stream_param": ("-- name: stream_param :each\n-- stream: ⟦copy⟧\nSELECT id FROM person WHERE id = :id;\n",
                     "a COPY has neither parameters nor bounds", "current_setting() reads what set_config() of another query said"),
    "rows_key": ("-- name: rows_key :many\n-- ⟦rows⟧: 100\nSELECT id FROM person;\n", 'unknown annotation "rows"', None),
    "rows_zero": ("-- name: rows_zero :many\n-- rows max: ⟦0⟧\nSELECT id FROM person;\n", '"0" is not a bound of rows',
                  "a number from 1 to 1000000000"),
    "rows_minus": ("-- name: rows_minus :many\n-- rows max: ⟦-5⟧\nSELECT id FROM person;\n",
                   '"-5" is not a bound of rows', None),
    "rows_word": ("-- name: rows_word :each\n-- rows max: ⟦many of them⟧\nSELECT id FROM person;\n",
                  '"many of them" is not a bound of rows', None),
    "rows_unit": ("-- name: rows_unit :many\n-- rows max: ⟦1kB⟧\nSELECT id FROM person;\n",
                  '"1kB" is not a bound of rows', None),
    "rows_much": ("-- name: rows_much :many\n-- rows max: ⟦1000000001⟧\nSELECT id FROM person;\n",
                  '"1000000001" is not a bound of rows', None),
    "rows_huge": ("-- name: rows_huge :many\n-- rows max: ⟦99999999999999999999⟧\nSELECT id FROM person;\n",
                  '"99999999999999999999" is not a bound of rows', None),
    "rows_colon": ("-- name: rows_colon :many\n-- rows max ⟦100⟧\nSELECT id FROM person;\n",
                   'a "rows max" annotation needs a colon behind "max"', None),
    "rows_one": ("-- name: rows_one :one\n-- rows max: ⟦1⟧\nSELECT count(*) AS n FROM person;\n",
                 '"rows max" belongs to :many and :each, this query is :one', None),
    "bytes_exec": ("-- name: bytes_exec :execrows\n-- timeout: 1s  -- bytes max: ⟦1MB⟧\nDELETE FROM person WHERE id = 1;\n",
                   '"bytes max" belongs to :many and :each, this query is :execrows', None),
    "bytes_unit": ("-- name: bytes_unit :many\n-- bytes max: ⟦1MiB⟧\nSELECT id FROM person;\n",
                   '"1MiB" is not a bound of bytes',
                   "a number from 1 on, alone or with kB, MB or GB (1024 each), at most 1024GB"),
    "bytes_blank": ("-- name: bytes_blank :many\n-- bytes max: ⟦1 MB⟧\nSELECT id FROM person;\n",
                    '"1 MB" is not a bound of bytes', None),
    "bytes_much": ("-- name: bytes_much :many\n-- bytes max: ⟦1025GB⟧\nSELECT id FROM person;\n",
                   '"1025GB" is not a bound of bytes', None),
    "bytes_huge": ("-- name: bytes_huge :many\n-- bytes max: ⟦9223372036854775807GB⟧\nSELECT id FROM person;\n",
                   '"9223372036854775807GB" is not a bound of bytes', None),
    "bytes_none": ("-- name: bytes_none :many\n-- bytes max:⟦⟧\nSELECT id FROM person;\n",
                   '"" is not a bound of bytes', None),
    "bad_timeout": ("-- name: bad_timeout :one\n-- timeout: ⟦2h⟧\nSELECT 1 AS a;\n", '"2h" is not a timeout',
                    "a number with ms, s or min, at most a day: 500ms, 2s, 5min"),
    "zero_timeout": ("-- name: zero_timeout :one\n-- timeout: ⟦0s⟧\nSELECT 1 AS a;\n", '"0s" is not a timeout', None),
    "long_timeout": ("-- name: long_timeout :one\n-- timeout: ⟦1441min⟧\nSELECT 1 AS a;\n", '"1441min" is not a timeout',
                     None),
    "bad_idempotent": ("-- name: bad_idem :one\n-- idempotent: ⟦maybe⟧\nSELECT 1 AS a;\n",
                       'idempotent is "yes" or "no", not "maybe"', None),
    "second_on_line": ("-- name: second_on_line :one\n-- timeout: 1s  -- idempotent: ⟦perhaps⟧\nSELECT 1 AS a;\n",
                       'idempotent is "yes" or "no", not "perhaps"', None),
    "bad_row": ("-- name: bad_row :one\n-- row: ⟦My-Row⟧\nSELECT 1 AS a;\n",
                '"My-Row" cannot be the name of a row struct', None),
    "row_without_rows": ("-- name: row_exec :exec\n-- row: ⟦x⟧\nDELETE FROM person WHERE id = :id;\n",
                         "a :exec query has no rows to give a struct to", None),
    "rows_differ": ("-- name: row_a :many\n-- row: both\nSELECT id FROM person;\n"
                    "-- name: row_b :many\n-- row: ⟦both⟧\nSELECT email AS id FROM person;\n",
                    'the rows of "row_b" and "row_a" differ', None),
    "override_unknown_col": ("-- name: no_col :one\n-- col ⟦nope⟧: nullable\nSELECT id FROM person;\n",
                             'the query has no column "nope"', None),
    "override_unknown_param": ("-- name: no_param :one\n-- param ⟦nope⟧: nullable\nSELECT id FROM person;\n",
                               'the query has no parameter "nope"', None),
    "override_word": ("-- name: col_word :one\n-- col id: ⟦perhaps⟧\nSELECT id FROM person;\n",
                      'a column is "nullable", "notnull!" or "open", not "perhaps"', None),
    "open_param": ("-- name: open_param :one\n-- param mood: ⟦open⟧\nSELECT id FROM person WHERE mood = :mood;\n",
                   'a parameter is "nullable" or "notnull", not "open"', None),
    "open_unknown_col": ("-- name: open_none :one\n-- col ⟦nope⟧: open\nSELECT mood FROM person WHERE id = :id;\n",
                         'the query has no column "nope"', None),
    "open_no_enum": ("-- name: open_text :many\n-- col mood: open\n-- col ⟦name⟧: open\nSELECT mood, name FROM person;\n",
                     'column "name" is text: there is no enum in it to be open', None),
    "open_no_enums": ("-- name: open_texts :many\n-- timeout: 1s  -- col ⟦tags⟧: open why not\n"
                      "SELECT id, tags FROM person;\n",
                      'column "tags" is text[]: there is no enum in it to be open', None),
    "open_variants": ("-- name: open_variants :many\n-- col ⟦id⟧: open\n"
                      "SELECT id FROM person WHERE true /*? x */ AND id = :x /*?*/;\n",
                      'column "id" is int4: there is no enum in it to be open', None),
    "param_word": ("-- name: param_word :one\n-- param id: ⟦notnull!⟧\nSELECT id FROM person WHERE id = :id;\n",
                   'a parameter is "nullable" or "notnull", not "notnull!"', None),
    "override_colon": ("-- name: col_colon :one\n-- col ⟦id nullable⟧\nSELECT id FROM person;\n",
                       'a "col" annotation needs a colon behind the name', None),
    "override_reason": ("-- name: col_reason :one\n-- col id: ⟦notnull!⟧\nSELECT id FROM person;\n",
                        "notnull! needs a reason behind it",
                        "say why no row can have a NULL here; a NULL is an error at run time"),
    "bad_import": ("-- ⟦import type: public.x text⟧\n-- name: import_a :one\nSELECT 1 AS a;\n",
                   "an import is: -- import type: schema.name as text", None),
    "import_as": ("-- import type: public.x as ⟦elephant⟧\n-- name: import_b :one\nSELECT 1 AS a;\n",
                  'no builtin type "elephant" to import as', None),
    # the lexer and the parser
    "unterminated": ("-- name: unterminated :one\nSELECT ⟦'⟧abc AS a;\n", "unterminated quoted string", None),
    "unterminated_goes_on": ("-- name: broken_one :one\nSELECT $x$ AS a;\n-- name: behind_it :one\nSELECT ⟦nope⟧ FROM person;\n",
                             'column "nope" does not exist (SQLSTATE 42703)', None),
    "unterminated_comment": ("-- name: open_comment :one\nSELECT 1 AS a ⟦/⟧* no end\n", "unterminated /* comment", None),
    "syntax": ("-- name: syntax :one\nSELECT id FORM ⟦person⟧ WHERE id = 1;\n",
               'syntax error at or near "person" (SQLSTATE 42601)', None),
    "syntax_at_end": ("-- name: syntax_end :one\nSELECT id FROM person WHERE⟦⟧;\n",
                      "syntax error at end of input (SQLSTATE 42601)", None),
    "multibyte": ("-- name: multibyte :one\nSELECT 'äöü€' AS a, '漢字' AS b, ⟦emial⟧ FROM person;\n",
                  'column "emial" does not exist (SQLSTATE 42703)',
                  'Perhaps you meant to reference the column "person.email".'),
    "tab": ("-- name: tab :one\nSELECT\n\t\tid,\t⟦emial⟧\n\tFROM person;\n",
            'column "emial" does not exist (SQLSTATE 42703)', None),
    "crlf": ("-- name: crlf :one\r\nSELECT id,\r\n  ⟦emial⟧\r\nFROM person;\r\n",
             'column "emial" does not exist (SQLSTATE 42703)', None),
    # parameters
    "slice": ("-- name: slice :one\nSELECT tags[1⟦:n⟧] AS t FROM person;\n", '":n" is ambiguous inside [ ]',
              "a parameter is written (:n); a slice has a blank behind its colon"),
    "slice_subscript": ("-- name: slice_sub :one\nSELECT tags[⟦:n⟧] AS t FROM person;\n", '":n" is ambiguous inside [ ]',
                        None),
    "positional": ("-- name: positional :one\nSELECT CASE WHEN ⟦$1⟧ THEN 1 END AS a;\n",
                   "parameter $1 meets nothing that has a name", "write :name instead"),
    "positional_zero": ("-- name: positional_zero :one\nSELECT id FROM person WHERE id = ⟦$0⟧;\n",
                        "there is no parameter $0", "they are numbered from $1 to $65535"),
    "positional_gap": ("-- name: positional_gap :one\n⟦SELECT⟧ id FROM person WHERE id = $2;\n",
                       "could not determine data type of parameter $1 (SQLSTATE 42P18)",
                       "$1 stands nowhere: number them from $1, without a gap"),
    "param_bare": ("-- name: param_bare :one\nSELECT ⟦:x⟧ AS a;\n",
                   'nothing tells the type of parameter "x": the server takes text',
                   "write the type behind it, like :x::text"),
    "param_bare_values": ("-- name: param_bare_values :one\nVALUES (1, ⟦:x⟧);\n",
                          'nothing tells the type of parameter "x": the server takes text', None),
    "psql_quote": ("-- name: psql_quote :one\nSELECT id FROM person WHERE name = ⟦:'x'⟧;\n",
                   "text pasted in by a client (:'...') is refused", "write :name, it is sent as a value"),
    # names chosen at run time
    "run_time_name": ('-- name: run_time_name :one\nSELECT 1 AS a FROM ⟦:"entries"⟧;\n',
                      'no identifier "entries" is declared',
                      "at the head of the file: -- identifier: entries = state_entries"),
    "other_name": ('-- identifier: people = person\n-- name: other_name :many\n'
                   'SELECT id FROM :"people" JOIN ⟦:"peoples"⟧ USING (id);\n',
                   'no identifier "peoples" is declared', None),
    "no_such_table": ('-- identifier: people = person\n-- name: no_such_table :many\nSELECT 1 AS a FROM ⟦:"people_x"⟧;\n',
                      'relation "person_x" does not exist (SQLSTATE 42P01)', None),
    "no_such_class": ('-- identifier: people = person\n-- name: no_such_class :one\n'
                      "SELECT ⟦:'people_x'⟧::regclass AS a;\n", 'relation "person_x" does not exist (SQLSTATE 42P01)', None),
    "constant_name": ("-- identifier: people = person\n-- name: constant_name :one\n"
                      "SELECT ⟦:'people.x'⟧::text AS a;\n", 'no identifier "x" is declared', None),
    "constant_upper": ("-- identifier: people = person\n-- name: constant_upper :one\n"
                       "SELECT ⟦:'people_X'⟧::text AS a;\n", '"people_X" cannot stand for a name of the server',
                       "at most 63 of a-z, 0-9 and _, by default too"),
    "constant_form": ("-- identifier: people = person\n-- name: constant_form :many\n"
                      "SELECT ⟦:E'people'⟧ AS a FROM :\"people\";\n", "text pasted in by a client (:'...') is refused", None),
    "long_default": ('-- identifier: people = person\n-- name: long_default :many\n'
                     'SELECT 1 AS a FROM ⟦:"people_' + 57 * "x" + '"⟧;\n',
                     '"people_' + 57 * "x" + '" cannot stand for a name of the server', None),
    "name_in_array": ('-- identifier: people = person\n-- name: name_in_array :many\n'
                      'SELECT ARRAY[⟦:"people"⟧.id] AS a FROM :"people";\n', ':"people" is ambiguous inside [ ]',
                      "write it in parentheses; a slice has a blank behind its colon"),
    "identifier_form": ('⟦-- identifier: people person⟧\n-- name: identifier_form :one\nSELECT 1 AS a;\n',
                        "an identifier is: -- identifier: entries = state_entries", None),
    "identifier_more": ('⟦-- identifier: people = person or so⟧\n-- name: identifier_more :one\nSELECT 1 AS a;\n',
                        "an identifier is: -- identifier: entries = state_entries", None),
    "identifier_name": ('-- identifier: ⟦People⟧ = person\n-- name: identifier_name :one\nSELECT 1 AS a;\n',
                        '"People" cannot be the name of an identifier',
                        "at most 63 of a-z, 0-9 and _, beginning with a letter, no word of C or C++"),
    "identifier_word": ('-- identifier: ⟦int⟧ = person\n-- name: identifier_word :one\nSELECT 1 AS a;\n',
                        '"int" cannot be the name of an identifier', None),
    "identifier_default": ('-- identifier: people = ⟦"Person"⟧\n-- name: identifier_default :one\nSELECT 1 AS a;\n',
                           '""Person"" cannot be the default of an identifier', None),
    "identifier_twice": ('-- identifier: people = person\n-- identifier: ⟦people⟧ = person\n'
                         '-- name: identifier_twice :many\nSELECT id FROM :"people";\n',
                         'second identifier with the name "people"', None),
    "identifier_idle": ('-- identifier: ⟦people⟧ = person\n-- name: identifier_idle :one\nSELECT 1 AS a;\n',
                        'the identifier "people" stands nowhere', "take the line out"),
    "copy_alias": ('-- identifier: people = person\n-- name: copy_alias ⟦:copy⟧\n'
                   'INSERT INTO :"people" AS p (id, name, mood) VALUES (:id, :name, :mood);\n',
                   ":copy needs INSERT INTO table (columns) VALUES (:a, :b)", None),
    "bound_clash": ('-- identifier: people = person\n-- name: ⟦bound_clash_bind⟧ :many\nSELECT id FROM :"people";\n',
                    'query "bound_clash_bind" and the names of bound_clash.sql have one name in C: bound_clash_bind',
                    "give the query (or the row) another name"),
    "param_name": ("-- name: param_name :one\nSELECT id FROM person WHERE id = ⟦:Id⟧;\n",
                   '"Id" cannot be the name of a parameter', None),
    "param_has": ("-- name: param_has :one\nSELECT id FROM person WHERE id = ⟦:has_x⟧ AND name = :x;\n",
                  'parameters "x" and "has_x" are the same in C', None),
    "param_two_types": ("-- name: two_types :one\nSELECT id FROM person WHERE id = :x AND name = ⟦:x⟧;\n",
                        "parameter :x is text here, and int4 at 2:34",
                        "cast one of them, like :x::text, or use two parameters"),
    "param_stored_twice": ("-- name: stored_twice :exec\nINSERT INTO person (id, name) VALUES (:x, ⟦:x⟧);\n",
                           "parameter :x is text here, and int4 at 2:39", None),
    "param_three_times": ("-- name: three_times :one\nSELECT id FROM person WHERE name = :x AND ':x' <> email\n"
                          "  AND email = :x AND id = :y AND born = ⟦:x⟧;\n",
                          "parameter :x is date here, and text at 2:36", None),
    "param_no_type": ("-- name: no_type :one\nSELECT id FROM person WHERE ⟦:x⟧ IS NULL;\n",
                      "could not determine data type of parameter :x (SQLSTATE 42P18)",
                      "write its type behind it, like :x::text"),
    "param_utility": ("-- name: param_utility :exec\nSET statement_timeout = ⟦:x⟧;\n", None, None),
    # statements against cardinalities
    "many_without_rows": ("-- name: no_rows ⟦:many⟧\nUPDATE person SET name = :name WHERE id = :id;\n",
                          ":many needs rows, and this statement returns none",
                          "add RETURNING, or use :exec or :execrows"),
    "utility_rows": ("-- name: utility_rows ⟦:one⟧\nANALYZE person;\n",
                     ":one needs rows, and this statement returns none", "use :exec"),
    "exec_rows": ("-- name: exec_rows ⟦:exec⟧\nSELECT id FROM person;\n", ":exec would drop the rows of this statement",
                  "use :one, :opt, :many or :each"),
    "exec_returning": ("-- name: exec_returning ⟦:exec⟧\nDELETE FROM person WHERE true RETURNING id;\n",
                       ":exec would drop the rows of RETURNING", None),
    "execrows_select": ("-- name: execrows_select ⟦:execrows⟧\nSELECT id FROM person;\n",
                        ":execrows counts changed rows, and SELECT changes none", None),
    "one_void": ("-- name: one_void ⟦:one⟧\nSELECT pg_sleep(0);\n",
                 ":one needs columns, and this statement has none", None),
    "no_where": ("-- name: no_where :exec\n⟦DELETE⟧ FROM person;\n", "DELETE without WHERE changes every row [no-where]",
                 "write WHERE true if that is meant, or: -- allow: no-where WHY"),
    "no_where_update": ("-- name: no_where_update :exec\n⟦UPDATE⟧ person SET name = 'x';\n",
                        "UPDATE without WHERE changes every row [no-where]", None),
    "select_into": ("-- name: select_into :exec\n⟦SELECT⟧ id INTO other FROM person;\n",
                    "SELECT INTO makes a table: write CREATE TABLE AS", None),
    "transaction": ("-- name: transaction :exec\n⟦BEGIN⟧;\n",
                    "transactions are made by hf_transaction(), not by queries", None),
    "copy_statement": ("-- name: copy_statement :exec\n⟦COPY⟧ person FROM STDIN;\n", "COPY is written as an annotation",
                       "-- copy: schema.table(column, ...) under a :copy name"),
    "prepare_statement": ("-- name: prepare_statement :exec\n⟦DEALLOCATE⟧ ALL;\n",
                          "prepared statements are the library's own business", None),
    "copy_of_select": ("-- name: copy_select ⟦:copy⟧\nSELECT id FROM person;\n",
                       ":copy needs INSERT INTO table (columns) VALUES (:a, :b)", None),
    "copy_expression": ("-- name: copy_expression ⟦:copy⟧\nINSERT INTO person (id) VALUES (:a + 1);\n",
                        ":copy needs INSERT INTO table (columns) VALUES (:a, :b)", None),
    "copy_conflict": ("-- name: copy_conflict ⟦:copy⟧\nINSERT INTO person (id) VALUES (:a) ON CONFLICT DO NOTHING;\n",
                      ":copy needs INSERT INTO table (columns) VALUES (:a, :b)", None),
    "copy_and_statement": ("-- name: copy_both :copy\n-- copy: person(id)\n⟦SELECT⟧ 1;\n",
                           "statement beside a copy annotation", None),
    "copy_not_copy": ("-- name: copy_exec :exec\n-- copy: ⟦person(id)⟧\nDELETE FROM person WHERE true;\n",
                      '"copy" belongs to :copy, this query is :exec', None),
    "copy_form": ("-- name: copy_form :copy\n-- copy: ⟦person⟧\n", "copy names a table and its columns",
                  "-- copy: schema.table(column, ...)"),
    "copy_column": ("-- name: copy_column :copy\n-- copy: person(id, ⟦nope⟧)\n",
                    'column "nope" of relation "person" does not exist (SQLSTATE 42703)', None),
    "copy_table": ("-- name: copy_table :copy\n-- copy: ⟦nobody⟧(id)\n",
                   'relation "nobody" does not exist (SQLSTATE 42P01)', None),
    "copy_twice": ("-- name: copy_twice :copy\n-- copy: person(id, ⟦id⟧)\n", 'column "id" stands twice', None),
    "copy_quoted": ('-- name: copy_quoted :copy\n-- copy: person(⟦"id"⟧)\n', '""id"" cannot be a column of a copy', None),
    # the server's judgement
    "missing_table": ("-- name: missing_table :many\nSELECT id FROM ⟦persons⟧;\n",
                      'relation "persons" does not exist (SQLSTATE 42P01)', None),
    "missing_function": ("-- name: missing_function :one\nSELECT ⟦frobnicate⟧(id) AS a FROM person;\n",
                         "function frobnicate(integer) does not exist (SQLSTATE 42883)", None),
    "misspelled_in_comment": ("-- name: after_comment :one\nSELECT id, /* é */ -- more\n  ⟦nam⟧ FROM person;\n",
                              'column "nam" does not exist (SQLSTATE 42703)', None),
    "wrong_enum_label": ("-- name: wrong_label :many\nSELECT id FROM person WHERE mood = ⟦'angry'⟧;\n",
                         'invalid input value for enum mood: "angry" (SQLSTATE 22P02)', None),
    "insert_count": ("-- name: insert_count :exec\nINSERT INTO person (id, name) VALUES (:id, 'x', ⟦1⟧);\n",
                     "INSERT has more expressions than target columns (SQLSTATE 42601)", None),
    "group_by": ("-- name: group_by :many\nSELECT ⟦name⟧, count(*) AS n FROM person;\n",
                 'column "person.name" must appear in the GROUP BY clause or be used in an aggregate function'
                 " (SQLSTATE 42803)", None),
    # types and columns
    # batches and arrays
    "bad_atomic": ("-- name: bad_atomic :batch\n-- atomic: ⟦maybe⟧\nDELETE FROM person WHERE id = :id;\n",
                   'atomic is "yes" or "no", not "maybe"', None),
    "atomic_exec": ("-- name: atomic_exec :exec\n-- atomic: ⟦no⟧\nDELETE FROM person WHERE id = :id;\n",
                    '"atomic" belongs to :batch, this query is :exec', None),
    "empty_batch": ("-- name: empty_batch ⟦:batch⟧\nDELETE FROM person WHERE id = 1;\n",
                    ":batch runs once for each input, and this query has no parameter", None),
    "row_batch": ("-- name: row_batch :batch\n-- row: ⟦line⟧\nDELETE FROM person WHERE id = :id;\n",
                  "this statement has no rows to give a struct to", None),
    "bulk_rows": ("-- name: bulk_rows ⟦:bulk⟧\nINSERT INTO person (id) SELECT unnest(:id::int[]) RETURNING id;\n",
                  ":bulk counts changed rows, this statement returns some", "use :many with array parameters, or :batch"),
    "bulk_whole": ("-- name: bulk_whole :bulk\nDELETE FROM person WHERE id = ANY(⟦:ids⟧::int[]);\n",
                   'parameter "ids" of :bulk is not unnested',
                   "it is the array of one member of all inputs: ... FROM unnest(:ids)"),
    "bulk_scalar": ("-- name: bulk_scalar :bulk\nINSERT INTO person (id, name) SELECT i, ⟦:name⟧ FROM unnest(:i::int[]) i;\n",
                    'parameter "name" of :bulk is not unnested', None),
    "bulk_type": ("-- name: bulk_type :bulk\nINSERT INTO person (name) SELECT t.lexeme FROM unnest(⟦:v⟧::tsvector) t;\n",
                  'parameter "v" of :bulk is tsvector, not an array', "write the array's type behind it: :v::tsvector[]"),
    # optional parts and orders
    "part_open": ("-- name: part_open :many\nSELECT id FROM person ⟦/*? x */⟧ WHERE id = :id;\n",
                  'fragment "x" has no end', "write /*?*/ behind it"),
    "part_within": ("-- name: part_within :many\nSELECT id FROM person WHERE /*? x */ id > 1 AND ⟦/*? y */⟧ id < 3 /*?*/;\n",
                    'fragment "y" within fragment "x"', None),
    "part_end": ("-- name: part_end :many\nSELECT id FROM person ⟦/*?*/⟧;\n", "no fragment to end here",
                 "one begins with its name: /*? name */"),
    "part_empty": ("-- name: part_empty :many\nSELECT id FROM person ⟦/*? x */⟧ /* é */ /*?*/;\n", 'fragment "x" is empty',
                   None),
    "part_name": ("-- name: part_name :many\nSELECT id FROM person ⟦/*? My part */⟧ WHERE true /*?*/;\n",
                  '"My part" cannot be the name of a fragment', "a-z, 0-9 and _, beginning with a letter"),
    "part_column": ("-- name: part_column :many\nSELECT id FROM person /*? x */ WHERE ⟦emial⟧ = :x /*?*/;\n",
                    'column "emial" does not exist (SQLSTATE 42703)', None),
    "part_missed": ("-- name: part_missed :many\nSELECT ⟦p⟧.id FROM person /*? x */ AS p /*?*/;\n",
                    'missing FROM-clause entry for table "p" (SQLSTATE 42P01)', None),
    "part_syntax": ("-- name: part_syntax :many\nSELECT id FROM person WHERE /*? x */ id = :id /*?*/ ⟦ORDER⟧ BY id;\n",
                    'syntax error at or near "ORDER" (SQLSTATE 42601)', None),
    "part_columns": ("-- name: ⟦part_columns⟧ :many\nSELECT id /*? x */, name /*?*/ FROM person;\n",
                     "a variant returns 1 columns, the one with everything 2", None),
    "part_type": ("-- name: part_type :many\nSELECT ⟦id⟧ /*? x */ ::text /*?*/ AS a FROM person;\n",
                  'column 1 is "a" of int4 in a variant, and "a" of text with everything', None),
    "part_switch": ("-- name: part_switch :many\nSELECT id FROM person /*? x */ WHERE id = ⟦:with_x⟧ /*?*/;\n",
                    'parameter "with_x" and the switch "with_x" are the same in C', None),
    "part_number": ("-- name: part_number :many\nSELECT id FROM person /*? x */ WHERE id = ⟦$1⟧ /*?*/;\n",
                    "a statement with variants names its parameters", None),
    "part_copy": ("-- name: part_copy ⟦:batch⟧\nUPDATE person SET name = :name /*? x */ WHERE id = :id /*?*/;\n",
                  ":batch runs one statement for all inputs, it has no variants", None),
    "part_many": ("-- name: ⟦part_many⟧ :many\nSELECT id FROM person WHERE true\n"
                  + "".join(f"/*? x{i} */ AND id > {i} /*?*/\n" for i in range(6)) + "/*order: a = id | b = name */;\n",
                  "6 fragments and 2 orders make more than 64 variants of the statement", None),
    "order_none": ("-- name: order_none :many\nSELECT id FROM person /*⟦order:⟧ */;\n", "the list of orders is empty", None),
    "order_no_name": ("-- name: order_no_name :many\nSELECT id FROM person /*order: ⟦id⟧ | name = name */;\n",
                      'a choice of orders is a name, "=" and what to order by',
                      "/*order: newest = added DESC | name = name ASC */"),
    "order_nothing": ("-- name: order_nothing :many\nSELECT id FROM person /*order: ⟦a⟧ = | b = name */;\n",
                      'order "a" has nothing to order by', None),
    "order_bar": ("-- name: order_bar :many\nSELECT id FROM person /*⟦order:⟧ a = id | */;\n",
                  'a choice of orders is a name, "=" and what to order by', None),
    "order_twice": ("-- name: order_twice :many\nSELECT id FROM person /*order: a = id | ⟦a⟧ = name */;\n",
                    'order "a" stands twice', None),
    "order_second": ("-- name: order_second :many\nSELECT id FROM person /*order: a = id */ /*⟦order:⟧ b = id */;\n",
                     "second list of orders", "a query has one"),
    "order_string": ("-- name: order_string :many\nSELECT id FROM person /*order: a = id | b = ⟦'⟧x */;\n",
                     "unterminated quoted string", None),
    "order_column": ("-- name: order_column :many\nSELECT id FROM person\n/*order: a = id\n | b = length(⟦nome⟧) DESC */;\n",
                     'column "nome" does not exist (SQLSTATE 42703)', None),
    "order_types": ("-- name: order_types :many\nSELECT id FROM person /*order: a = id + :x | b = name || ⟦:x⟧ */;\n",
                    'parameter "x" is text here and int4 in another variant', "cast it the same way at each place"),
    "no_binary_form": ("-- name: no_binary_form :many\nSELECT id, ⟦acl⟧ FROM person;\n",
                       'column "acl": type aclitem has no binary form', "cast it: ::text"),
    "no_binary_form_param": ("-- name: no_binary_param :many\nSELECT id FROM person WHERE acl = ⟦:acl⟧;\n",
                             'parameter "acl": type aclitem has no binary form', "cast it: ::text"),
    "no_binary_element": ("-- name: no_element :many\nSELECT ⟦acls⟧ FROM person;\n",
                          'column "acls": type aclitem has no binary form', "cast it: ::text"),
    "no_binary_field": ("-- name: no_field :one\nSELECT ⟦NULL⟧::holder AS h;\n",
                        'column "h": field "acl" of public.holder: type aclitem has no binary form',
                        "list the columns that are needed, and cast that one: ::text"),
    "no_binary_gtsvector": ("-- name: no_gtsvector :one\nSELECT ⟦NULL⟧::gtsvector AS g;\n",
                            'column "g": type gtsvector has no binary form', "cast it: ::text"),
    "node_tree": ("-- name: node_tree :many\nSELECT ⟦adbin⟧ FROM pg_attrdef;\n",
                  'column "adbin": type pg_node_tree has no C form', "cast it: ::text"),
    "star_type": ("-- name: ⟦star_type⟧ :many\nSELECT *, 1 AS one FROM (SELECT acl FROM person) AS x;\n",
                  'column "acl": type aclitem has no binary form', None),
    "pseudo_array": ("-- name: pseudo_array :many\nSELECT ⟦most_common_vals⟧ FROM pg_stats;\n",
                     'column "most_common_vals": type anyarray has no C form', "cast it: ::text"),
    "cstring": ("-- name: a_cstring :one\nSELECT ⟦int4out⟧(1) AS c;\n",
                'column "c": type cstring has no C form', "cast it: ::text"),
    "record": ("-- name: record :many\nSELECT ⟦ROW⟧(1, 2) AS r;\n",
               'column "r": an anonymous record has no columns that C could name',
               "list the columns, or cast to a composite type"),
    "records": ("-- name: records :one\nSELECT ⟦ARRAY⟧[ROW(1, 2)] AS r;\n",
                'column "r": an anonymous record has no columns that C could name',
                "list the columns, or cast to a composite type"),
    "no_column_name": ("-- name: no_column_name :one\nSELECT id, ⟦id⟧ + 1 FROM person;\n", "column 2 has no name",
                       "write AS and a name behind it"),
    "same_columns": ("-- name: same_columns :one\nSELECT id, name AS a, ⟦email⟧ AS a FROM person;\n",
                     'columns "a" and "a" are the same in C', "write AS and another name behind one of them"),
    "same_in_c": ('-- name: same_in_c :one\nSELECT id AS "a-b", ⟦id⟧ AS "a b" FROM person;\n',
                  'columns "a-b" and "a b" are the same in C', None),
    "has_column": ('-- name: has_column :one\nSELECT id AS x, ⟦email⟧ AS has_x FROM person;\n',
                   'columns "x" and "has_x" are the same in C', None),
    "enum_clash": ("-- name: enum_clash :one\nSELECT ⟦clash⟧ FROM person;\n",
                   'column "clash": labels "a-b" and "a_b" of enum public.clash are the same in C: CLASH_A_B', "cast it: ::text"),
    "enum_unrecognized": ("-- name: enum_unrecognized :one\nSELECT ⟦NULL⟧::unheard AS u;\n",
                          'column "u": label "UNRECOGNIZED" of enum public.unheard is in C what stands for unknown'
                          ' labels: UNHEARD_UNRECOGNIZED', "cast it: ::text"),
    "field_clash": ("-- name: field_clash :one\nSELECT ⟦twice⟧ FROM person;\n",
                    'column "twice": fields "a b" and "a_b" of public.twice are the same in C', None),
}


def expected_place(text):
    """Line, column and width of the marked word, and the text without the marks."""
    before, rest = text.split("⟦")
    word, after = rest.split("⟧")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1, word, before + word + after


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One run over all cases."""
    top = tmp_path_factory.mktemp("wrong")
    files = {name: expected_place(text)[3] for name, (text, _, _) in CASES.items()}
    compiler.tree(top, "wrong", files, MIGRATION)
    code, stderr = compiler.run("--sql", top)
    assert code == 1, stderr
    by_file = {}
    for finding in compiler.findings(stderr):
        by_file.setdefault(re.search(r"(\w+)\.sql$", finding.path)[1], []).append(finding)
    assert not (top / "meta").exists(), "metadata written although queries are wrong"
    return by_file


@pytest.mark.parametrize("name", CASES)
def test_wrong_query(report, name):
    text, message, hint = CASES[name]
    line, column, word, plain = expected_place(text)
    found = report.get(name, [])
    if message is None:  # whatever the words are, the place counts
        message = found[0].message if found else None
    places = [(f.line, f.column, f.message) for f in found]
    assert (line, column, message) in places, places
    finding = found[places.index((line, column, message))]
    source = plain.splitlines()[line - 1]
    assert finding.excerpt[0] == f"{line:5} | {source}"
    if hint:
        assert finding.hint == hint.format(path=finding.path)
    caret = finding.excerpt[1]
    assert caret.startswith("      | ") and caret.endswith("^" * max(1, display_width(word)))
    assert display_width(caret[8:].rstrip("^")) == display_width(source[: column - 1])


def display_width(text):
    """Places in a terminal with tab stops of eight."""
    width = 0
    for c in text:
        width = width // 8 * 8 + 8 if c == "\t" else width + (2 if "\u1100" <= c <= "\u115f" or "\u2e80" <= c <= "\uffff" else 1)
    return width


def test_nothing_else_is_reported(report):
    extra = {name: [f.message for f in found] for name, found in report.items() if len(found) != 1}
    # The lexer's fault and the query behind it; a type that clashes with two queries' names.
    assert extra.keys() <= {"unterminated_goes_on"}, extra
