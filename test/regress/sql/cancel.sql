-- What works through large documents can be cancelled. The server looks for a cancellation between rows only: what
-- comes after one that was noticed too late, but before the next row, advances a sequence, which is not undone.
\set VERBOSITY terse
CREATE TEMPORARY TABLE large AS
SELECT jsonb_object_agg('key ' || i, i) AS document, jsonb_object_agg('key ' || i, i + i % 2) AS patch
FROM generate_series(1, 10000) i;
CREATE TEMPORARY SEQUENCE late;

SELECT renderchain.jsonb_merge_patch_agg(CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN patch END), max(nextval('late')) FROM large;
SELECT renderchain.jsonb_merge_patch(CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN document END, patch), nextval('late') FROM large;
SELECT renderchain.jsonb_make_patch(CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN document END, patch), nextval('late') FROM large;
SELECT last_value, is_called FROM late;

-- a function that does not look for it comes too late
SELECT length(CASE WHEN pg_cancel_backend(pg_backend_pid()) THEN 'text' END), nextval('late') FROM large;
SELECT last_value, is_called FROM late;
