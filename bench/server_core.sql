-- What bench/server_core measures on: about 1.1 million renders in the tables that
-- create_tables() makes, so that every index has the depth of real use, and in schema
-- bench the lists of what is asked for and the rival functions.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
SET synchronous_commit = off;
CREATE EXTENSION renderchain;
SELECT renderchain.create_tables('public') \g /dev/null
-- The rows below are consistent; checking a million foreign keys one by one would only take time.
SET session_replication_role = replica;
CREATE SCHEMA bench;

-- make an id that is as scattered as a random one, and the same in every run
CREATE FUNCTION bench.id(kind text, n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$ SELECT md5(kind || ' ' || n)::uuid $$;

-- Prose ------------------------------------------------------------------------

-- sentences as models write them; prose that repeats itself would compress too well
CREATE TABLE bench.sentences AS
SELECT s AS n, initcap(string_agg(w.words[1 + abs(hashint8(s * 1000 + i)) % 60], ' ' ORDER BY i)) || '.' AS sentence
FROM (SELECT string_to_array('house concrete oak facade window terrace dusk warm grey light shadow glass steel '
    'garden roof modern brick slate render street evening low soft deep navy white timber frame pool stone '
    'reflection sky cloud horizon perspective camera level wide lens corner balcony stair entrance lawn tree '
    'gravel path lamp interior sofa curtain plaster copper zinc larch cedar render bright muted calm view', ' ')) AS w (words),
    generate_series(1, 2000) AS s, generate_series(1, 16) AS i
GROUP BY s;
CREATE UNIQUE INDEX ON bench.sentences (n);

-- return a number of sentences, which ones depending on a seed
CREATE FUNCTION bench.prose(seed bigint, sentences integer) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT string_agg(s.sentence, ' ' ORDER BY i)
    FROM generate_series(1, sentences) AS i
    JOIN bench.sentences s ON s.n = 1 + abs(hashint8(seed * 10000 + i)) % 2000
$$;

-- Documents --------------------------------------------------------------------

-- return a memory of the usual shape and size
CREATE FUNCTION bench.memory(seed bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
        'styleCodes', jsonb_build_object(
            'colorPalette', jsonb_build_array('deep navy #' || left(md5(seed || 'a'), 6), 'warm white #f4f1ea'),
            'lightingStyle', (ARRAY['natural', 'golden hour', 'overcast'])[1 + seed % 3],
            'materialStyle', (ARRAY['timber', 'exposed concrete', 'brick'])[1 + seed % 3],
            'architecturalStyle', 'modern'),
        'palette', jsonb_build_array('deep navy #' || left(md5(seed || 'a'), 6), 'warm white #f4f1ea',
                                     'oak #' || left(md5(seed || 'b'), 6), 'slate #' || left(md5(seed || 'c'), 6)),
        'geometry', '{"perspective": "perspective", "focalLength": "normal", "cameraAngle": "eye-level"}'::jsonb,
        'materials', '["board-marked concrete", "oak cladding", "clear glass"]'::jsonb,
        'extractedAt', to_char(timestamp '2026-01-01' + seed * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
$$;

-- return a context of about 2 kB: what the stages of a render leave, and its memory
CREATE FUNCTION bench.context(seed bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'prompt', bench.prose(seed, 1),
        'quality', 'high', 'aspectRatio', '16:9', 'successful', true,
        'designIntent', jsonb_build_object('complexity', 'medium', 'summary', bench.prose(seed + 1, 2)),
        'imageAnalysis', jsonb_build_object('width', 1600, 'height', 900, 'description', bench.prose(seed + 2, 3)),
        'optimizedPrompt', bench.prose(seed + 3, 5),
        'selectedModel', jsonb_build_object('id', 'local-image-pro', 'reason', 'quality'),
        'validation', jsonb_build_object('isValid', true, 'score', 92, 'issues', '[]'::jsonb),
        'pipelineMemory', bench.memory(seed))
$$;

-- return a context of about 1 MB: 200 members whose names sort before pipelineMemory, behind it, or half of each
-- (jsonb keeps the members of an object in the order of the names' lengths)
CREATE FUNCTION bench.large_context(place text, seed bigint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_object_agg(CASE WHEN place = 'last' OR place = 'middle' AND i % 2 = 0 THEN 'stage' || i
                                 ELSE 'outputOfTheStage' || i END, bench.prose(seed * 1000 + i, 50))
           || jsonb_build_object('pipelineMemory', bench.memory(seed))
    FROM generate_series(1, 200) AS i
$$;

-- make completed renders of one chain
CREATE PROCEDURE bench.fill(chain uuid, kind text, renders integer, context text)
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO render_chains (id, name) VALUES (chain, kind);
    EXECUTE format('INSERT INTO renders (id, prompt, status, chain_id, chain_position, context_data) '
                   'SELECT bench.id(%L, n), ''modern concrete house'', ''completed'', %L, n, %s '
                   'FROM generate_series(1, %s) AS n', kind, chain, context, renders);
END
$$;

-- Renders ----------------------------------------------------------------------

-- 24,000 chains of three renders, the last of them still pending; the last 4,000 are for saving: of those,
-- the first half for us and the second, with the same contents, for the rival
CREATE TABLE bench.chains AS
SELECT n, bench.id('chain', n) AS id, bench.id('render', n) AS render_id, n > 20000 AS save, n > 22000 AS rival
FROM generate_series(1, 24000) AS n;
INSERT INTO render_chains (id, name) SELECT id, 'chain ' || n FROM bench.chains;
CREATE TABLE bench.contexts AS SELECT s AS seed, bench.context(s) AS context FROM generate_series(0, 1999) AS s;
INSERT INTO renders (id, prompt, status, chain_id, chain_position, context_data)
SELECT CASE p WHEN 2 THEN c.render_id ELSE bench.id('render ' || p, c.n) END, 'modern concrete house at dusk',
       CASE p WHEN 3 THEN 'pending' ELSE 'completed' END, c.id, p, CASE WHEN p < 3 THEN x.context END
FROM generate_series(1, 3) AS p, bench.chains c JOIN bench.contexts x ON x.seed = c.n % 2000
ORDER BY p, c.n;

CALL bench.fill(bench.id('long', 1), 'long', 1000000,
    $$'{"pipelineMemory": {"palette": ["warm white #f4f1ea", "oak #b08d57"], "extractedAt": "2026-01-01T00:00:00Z"}}'$$);
CALL bench.fill(bench.id('short', 1), 'short', 100,
    $$'{"pipelineMemory": {"palette": ["warm white #f4f1ea", "oak #b08d57"], "extractedAt": "2026-01-01T00:00:00Z"}}'$$);
CALL bench.fill(bench.id('thousand', 1), 'thousand', 1000, 'bench.context(n)');

-- contexts of 1 MB, each in a chain of its own; a stored value keeps the way in which it was stored
CREATE TABLE bench.large AS
SELECT s || ' ' || p AS kind, s AS storage, p AS place, bench.id(s || ' ' || p, 1) AS id,
       bench.id('chain ' || s || ' ' || p, 1) AS chain_id
FROM unnest(ARRAY['external', 'pglz']) AS s, unnest(ARRAY['first', 'middle', 'last']) AS p;
ALTER TABLE renders ALTER context_data SET STORAGE EXTERNAL;
SELECT format('CALL bench.fill(%L, %L, 1, %L)', chain_id, kind, format('bench.large_context(%L, 1)', place))
FROM bench.large WHERE storage = 'external' \gexec
ALTER TABLE renders ALTER context_data SET STORAGE EXTENDED;
ALTER TABLE renders ALTER context_data SET COMPRESSION pglz;
SELECT format('CALL bench.fill(%L, %L, 1, %L)', chain_id, kind, format('bench.large_context(%L, 1)', place))
FROM bench.large WHERE storage = 'pglz' \gexec

-- Merging ----------------------------------------------------------------------

-- documents of 2 kB, 100 kB and 1 MB with members of every type, three levels deep, and a patch of five keys at depth three
CREATE TABLE bench.documents AS
SELECT v.name, d.document,
       '{"key_3": {"b": {"c": 7, "z": "new"}}, "key_8": {"b": {"d": null}},
         "key_13": {"b": {"e": false, "d": "other text"}}}'::jsonb AS patch
FROM (VALUES ('2 kB', 44), ('100 kB', 2150), ('1 MB', 21000)) AS v (name, members),
     LATERAL (SELECT jsonb_object_agg('key_' || i, CASE i % 5
         WHEN 0 THEN to_jsonb(i * 1.5)
         WHEN 1 THEN to_jsonb('some string value ' || i)
         WHEN 2 THEN '["oak", "concrete grey #b4b2ac", 1]'
         WHEN 3 THEN jsonb_build_object('a', i, 'b', jsonb_build_object('c', i, 'd', 'text', 'e', true))
         ELSE 'true' END) AS document
     FROM generate_series(1, v.members) AS i) AS d;

-- merge in PL/pgSQL, going through the members of the patch
CREATE FUNCTION bench.merge_by_key(target jsonb, patch jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    v_key text;
    v_value jsonb;
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    IF target IS NULL OR jsonb_typeof(target) <> 'object' THEN
        target := '{}';
    END IF;
    FOR v_key, v_value IN SELECT e.key, e.value FROM jsonb_each(patch) e LOOP
        IF v_value = 'null' THEN
            target := target - v_key;
        ELSE
            target := target || jsonb_build_object(v_key, bench.merge_by_key(target -> v_key, v_value));
        END IF;
    END LOOP;
    RETURN target;
END
$$;

-- merge in PL/pgSQL, joining the members of both
CREATE FUNCTION bench.merge_by_join(target jsonb, patch jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN
        RETURN patch;
    END IF;
    IF target IS NULL OR jsonb_typeof(target) <> 'object' THEN
        target := '{}';
    END IF;
    RETURN (SELECT COALESCE(jsonb_object_agg(key, CASE WHEN p.value IS NULL THEN t.value
                                                       ELSE bench.merge_by_join(t.value, p.value) END), '{}')
            FROM jsonb_each(target) t FULL JOIN jsonb_each(patch) p USING (key)
            WHERE p.value IS DISTINCT FROM 'null');
END
$$;

-- return the processor time of this server process so far, 0 where the system does not tell
CREATE FUNCTION bench.processor_seconds() RETURNS double precision
LANGUAGE sql VOLATILE AS $$
    SELECT COALESCE(split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::double precision / 1e9, 0)
$$;

-- return how many seconds it takes to compute an expression of "document" and "patch" a number of times, and how many of
-- them on a processor. Both are in memory and uncompressed before the clock starts, and the expression is computed for
-- every row: OFFSET keeps the planner from folding it into a constant.
CREATE FUNCTION bench.seconds(expression text, document_name text, times integer,
                              OUT seconds double precision, OUT processor_seconds double precision)
LANGUAGE plpgsql AS $$
DECLARE
    v_document jsonb;
    v_patch jsonb;
    v_begin timestamptz;
    v_count bigint;
BEGIN
    SELECT d.document::text::jsonb, d.patch::text::jsonb INTO v_document, v_patch
    FROM bench.documents d WHERE d.name = document_name;
    processor_seconds := bench.processor_seconds();
    v_begin := clock_timestamp();
    EXECUTE format('SELECT count(%s) FROM (SELECT $1 AS document, $2 AS patch FROM generate_series(1, $3) OFFSET 0) s',
                   expression) INTO v_count USING v_document, v_patch, times;
    ASSERT v_count = times;
    seconds := extract(epoch FROM clock_timestamp() - v_begin);
    processor_seconds := bench.processor_seconds() - processor_seconds;
END
$$;

SET session_replication_role = origin;
VACUUM (ANALYZE, FREEZE) renders, render_chains, bench.chains, bench.sentences;
CHECKPOINT;

-- The first change of a page after a checkpoint writes all of it to the log. That is over, for the pages that saves will
-- change, before they are measured; a new position makes entries in every index.
UPDATE renders r SET chain_position = r.chain_position + 10 FROM bench.chains c WHERE c.save AND r.id = c.render_id;
VACUUM (ANALYZE) renders;

-- The rows must be what their names say.
DO $$
BEGIN
    ASSERT (SELECT bool_and(length(context::text) BETWEEN 1800 AND 2400) FROM bench.contexts), 'contexts are not of 2 kB';
    ASSERT (SELECT bool_and(length(context_data::text) BETWEEN 900000 AND 1150000)
            FROM renders WHERE id IN (SELECT id FROM bench.large)), 'large contexts are not of 1 MB';
    ASSERT (SELECT bool_and(pg_column_compression(r.context_data) IS NOT DISTINCT FROM
                            CASE l.storage WHEN 'pglz' THEN 'pglz' END)
            FROM renders r JOIN bench.large l USING (id)), 'large contexts are not stored as they should be';
END
$$;
