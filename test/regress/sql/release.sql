-- release_renders: a worker gives back what it holds, and no attempt is used up by that
\set SHOW_CONTEXT never
SET renderchain.schema = 't_release';
SET renderchain.clock = '2026-11-23 12:00:00+00';
SET renderchain.deadline = '10min';
SET renderchain.max_attempts = 1;
SELECT renderchain.create_tables() LIKE 'schema t_release: created %' AS made;
SET search_path = t_release, public;
\set user '00000000-0000-0000-0000-00000000000a'
SELECT renderchain.grant_credits(:'user', 100, 'test');
CREATE VIEW jobs AS SELECT r.prompt, r.status, j.state, j.attempt, j.max_attempts, j.lease_owner, r.error_message
FROM renders r JOIN render_jobs j ON j.render_id = r.id ORDER BY r.prompt;
CREATE VIEW released AS SELECT r.prompt, x.status FROM renderchain.release_renders('w') x JOIN renders r ON r.id = x.render_id;

-- nothing held, nothing given back
SELECT * FROM renderchain.release_renders('w');

-- all that this worker holds but those excepted, and nobody else's; claimed again at once, although
-- there was only one attempt to be used up
SELECT count(*) FROM (VALUES ('a', 4), ('b', 3), ('d', 2), ('c', 1)) v (p, n),
    LATERAL renderchain.submit_render(jsonb_build_object('prompt', p, 'priority', n, 'userId', :'user')) s;
SELECT count(*) FROM renderchain.claim_renders('w', 3, '1 minute');
SELECT count(*) FROM renderchain.claim_renders('other', 1, '1 minute');
SELECT array_agg(render_id) AS kept FROM render_jobs WHERE lease_owner = 'w' AND request ->> 'prompt' = 'a' \gset
SELECT array_agg(status) FROM renderchain.release_renders('w', :'kept'::uuid[] || NULL::uuid);
TABLE jobs;
SELECT request ->> 'prompt' AS prompt, attempt FROM renderchain.claim_renders('w', 9, '1 minute') ORDER BY 1;
-- the attempt is the fence: writes of the one that was given back are refused
\set VERBOSITY sqlstate
SELECT renderchain.record_stages(id, 1, '[]') FROM renders WHERE prompt = 'b';
\set VERBOSITY default
SELECT status, count(*) FROM renderchain.release_renders('w', NULL) GROUP BY 1;
SELECT count(*) FROM renderchain.claim_renders('w', 9, '1 minute');
SELECT status, count(*) FROM renderchain.release_renders('w') GROUP BY 1;
SELECT * FROM renderchain.credit_balance(:'user');

-- one whose generation was sent and not answered fails with a refund, a stage that cost nothing is
-- closed, and a video whose operation is known goes on
SELECT count(*) FROM renderchain.claim_renders('w', 9, '1 minute');
SELECT renderchain.record_stages(id, attempt, jsonb_build_array(CASE prompt
        WHEN 'a' THEN '{"stage": "image_generation", "status": "running"}'::jsonb
        WHEN 'b' THEN '{"stage": "video_generation", "status": "running", "output": {"operation": "o"}}'
        ELSE '{"stage": "semantic_parsing", "status": "running"}' END)) > 0 AS recorded
FROM renders JOIN render_jobs ON render_id = id WHERE lease_owner = 'w';
SELECT * FROM released ORDER BY 1;
TABLE jobs;
SELECT r.prompt, s.stage, s.status, s.outcome FROM render_stages s JOIN renders r ON r.id = s.render_id ORDER BY 1;
SELECT * FROM renderchain.credit_balance(:'user');

-- past its deadline there is nothing to be queued for
SELECT count(*) FROM renderchain.claim_renders('w', 9, '1 minute');
SET renderchain.clock = '2026-11-23 12:10:00+00';
SELECT * FROM released ORDER BY 1;
TABLE jobs;

-- one that cannot be written does not keep the others
SELECT count(*) FROM unnest('{e,f}'::text[]) p,
    LATERAL renderchain.run_render(jsonb_build_object('prompt', p, 'userId', :'user'), 'w', '1 minute') s;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON renders FOR EACH ROW WHEN (OLD.prompt = 'e') EXECUTE FUNCTION refuse();
SET client_min_messages = error;
SELECT * FROM released;
RESET client_min_messages;
DROP TRIGGER refuse ON renders;
SELECT * FROM released;

-- the name of a worker at its limit and past it
SELECT * FROM renderchain.release_renders(repeat('w', 200));
SELECT * FROM renderchain.release_renders(repeat('w', 201));
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM renderchain.release_renders(NULL);
SELECT * FROM renderchain.check_ledger();
