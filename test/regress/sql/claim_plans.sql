-- The order of claims is the same whatever plans the planner makes
\set SHOW_CONTEXT never
SET renderchain.schema = 't_claim_plans';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SELECT renderchain.create_tables() LIKE 'schema t_claim_plans: created %' AS made;
SET search_path = t_claim_plans, public;
CREATE SEQUENCE seconds;
CREATE FUNCTION submit(name text, priority integer DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('renderchain.clock', ('2026-11-23 12:00:00+00'::timestamptz + nextval('seconds') * interval '1 second')::text, false);
    SELECT renderchain.submit_render(jsonb_build_object('prompt', name, 'priority', priority,
        'userId', '00000000-0000-0000-0000-00000000000' || left(name, 1)));
$$;
CREATE FUNCTION claim(n integer) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(x.request ->> 'prompt', ' ') FROM renderchain.claim_renders('w', n, '1 hour') x;
$$;
-- with some of the planner's ways taken from it: users who were never served, in the order of their renders; then in the
-- order in which they were served, in one claim and in many; urgent ones first; of one user the oldest first
CREATE FUNCTION claims_without(ways text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_way text;
BEGIN
    DELETE FROM renders;
    DELETE FROM render_queues;
    FOREACH v_way IN ARRAY string_to_array(ways, ' ') LOOP
        PERFORM set_config('enable_' || v_way, 'off', false);
    END LOOP;
    EXECUTE 'DISCARD PLANS';
    PERFORM submit(n) FROM unnest(ARRAY['f1', 'b1', 'e1', 'a1', 'd1', 'c1']) n;
    RETURN NEXT claim(100);
    PERFORM submit(n) FROM unnest(ARRAY['a2', 'b2', 'c2', 'd2', 'e2', 'f2', 'a3', 'b3', 'c3', 'd3', 'e3', 'f3']) n;
    RETURN NEXT claim(4);
    RETURN NEXT concat_ws(' ', claim(1), claim(1), claim(1));
    PERFORM submit('a9', 5), submit('f9', 5), submit('c9', 7);
    RETURN NEXT claim(100);
    FOREACH v_way IN ARRAY string_to_array(ways, ' ') LOOP
        PERFORM set_config('enable_' || v_way, 'on', false);
    END LOOP;
END
$$;
SELECT w.ways, string_agg(c.claimed, ' | ' ORDER BY c.place) AS claimed
FROM unnest(ARRAY['', 'seqscan', 'hashjoin mergejoin', 'hashjoin nestloop', 'mergejoin nestloop', 'seqscan hashjoin', 'seqscan nestloop mergejoin',
                  'sort', 'sort hashjoin', 'indexscan indexonlyscan', 'bitmapscan seqscan', 'material memoize', 'hashagg', 'incremental_sort']) WITH ORDINALITY AS w (ways, nth),
     LATERAL (SELECT * FROM claims_without(w.ways) WITH ORDINALITY AS x (claimed, place)) c
GROUP BY w.nth, w.ways ORDER BY w.nth;
