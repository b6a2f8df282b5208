-- Runs the cases :first to :last with :seed on the server's fuzzer and prints TAP.
\set QUIET on
\set ON_ERROR_STOP on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS renderchain;
DROP SCHEMA IF EXISTS fuzz, fuzz_rows CASCADE;
CREATE SCHEMA fuzz;
CREATE FUNCTION fuzz.run(seed bigint, first bigint, last bigint) RETURNS void
LANGUAGE c VOLATILE STRICT AS 'renderchain_fuzz', 'fuzz_run';
CREATE FUNCTION fuzz.report(seed bigint) RETURNS text
LANGUAGE c VOLATILE STRICT AS 'renderchain_fuzz', 'fuzz_report';

-- the row that stored documents are tried in, see rows.c
SELECT renderchain.create_tables('fuzz_rows') \g /dev/null
SET renderchain.schema = fuzz_rows;
INSERT INTO fuzz_rows.render_chains (id, name) VALUES ('00000000-0000-0000-0000-00000000000c', 'fuzz');

-- many transactions, between which the bytes of rows that were undone are given back
\o /dev/null
SELECT format('SELECT fuzz.run(%s, %s, %s)', :seed, first, least(first + 9999, :last)),
       'TRUNCATE fuzz_rows.renders, fuzz_rows.memory_pins CASCADE'
FROM generate_series(:first, :last, 10000) AS first \gexec
\o

SELECT report, report ~ '(^|\n)not ok' AS failed FROM fuzz.report(:seed) AS report \gset
\echo :report
DROP SCHEMA fuzz, fuzz_rows CASCADE;
\if :failed
    DO $$ BEGIN RAISE EXCEPTION 'some property does not hold'; END $$;
\endif
