-- schemas of any name that PostgreSQL takes: made, made again, attached, and worked in
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE names (name text);
INSERT INTO names VALUES ('Mixed'), ('with "double" and ''single'' quotes'), ('dotted.name, and comma'), ('back\slash %I @'),
    ('select'), (E'line\nbreak $ddl$ größe 🏠'), (repeat('é', 31) || 'x');

-- the life of a render in the schema of a name
CREATE FUNCTION lived(name text, OUT made_again text, OUT checked bigint, OUT memory jsonb, OUT status text,
    OUT left_over bigint) LANGUAGE plpgsql AS $$
DECLARE
    v_render uuid;
    v_chain uuid;
BEGIN
    PERFORM renderchain.create_tables(name);
    made_again := regexp_replace(renderchain.create_tables(name), '^.*: (created .*); found.*$', '\1');
    checked := (SELECT count(*) FROM renderchain.check_tables(name));
    PERFORM set_config('renderchain.schema', name, true);
    SELECT n.render_id, n.chain_id INTO v_render, v_chain
    FROM renderchain.submit_render('{"prompt": "a villa", "chainName": "c", "userId": "00000000-0000-0000-0000-0000000000aa"}') n;
    PERFORM renderchain.grant_credits('00000000-0000-0000-0000-0000000000aa', 100, 'x');
    PERFORM renderchain.claim_renders('w', 1, '1 minute');
    PERFORM renderchain.complete_render(v_render, 1, '{"outputUrl": "u", "memory": {"palette": ["navy"]}}');
    PERFORM renderchain.pin_memory(v_chain, '{"palette": ["teal"]}');
    memory := renderchain.save_memory(v_render, '{"materials": ["oak"]}') || renderchain.get_memory_from_chain(v_chain);
    status := renderchain.get_render(v_render) #>> '{data,status}';
    PERFORM renderchain.grant_access(current_user::regrole, 'admin');
    EXECUTE format('DELETE FROM %I.renders', name);
    EXECUTE format('SELECT count(*) FROM %I.render_jobs', name) INTO left_over;
END $$;
SELECT n.name, octet_length(n.name) AS bytes, l.made_again, l.checked, l.memory, l.status, l.left_over FROM names n, lived(n.name) l;

-- attached: an application's tables with the indexes under names of its own
CREATE FUNCTION attached(name text, OUT problems text, OUT said text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP SCHEMA %1$I CASCADE; CREATE SCHEMA %1$I;'
        'CREATE TABLE %1$I.render_chains (LIKE renderchain_names.render_chains INCLUDING ALL);'
        'CREATE TABLE %1$I.renders (LIKE renderchain_names.renders INCLUDING DEFAULTS);'
        'ALTER TABLE %1$I.renders ALTER status TYPE varchar(9), ALTER output_key SET NOT NULL', name);
    SELECT string_agg(c.problem, '; ') INTO problems FROM renderchain.check_tables(name) c;
    EXECUTE (SELECT string_agg(c.remedy, ' ') FROM renderchain.check_tables(name) c WHERE c.remedy NOT LIKE '% CONCURRENTLY %');
    said := regexp_replace(renderchain.create_tables(name), '^.*; built', 'built');
END $$;
SELECT renderchain.create_tables('renderchain_names') IS NOT NULL AS made;
SELECT DISTINCT a.problems, a.said FROM names n, attached(n.name) a;
SELECT count(*) FROM names n, lived(n.name) l WHERE l.status = 'completed' AND l.left_over = 0 AND l.checked = 0;

-- the statement of the hint runs as it stands
SELECT c.remedy FROM renderchain.check_tables('back\slash %I @') c;
DROP INDEX "back\slash %I @".renders_chain_memory_idx, "back\slash %I @".renders_parent_render_id_idx;
SELECT c.remedy FROM renderchain.check_tables('back\slash %I @') c \gexec
SELECT renderchain.create_tables('back\slash %I @') LIKE '%; built %' AS built;

SELECT format('DROP SCHEMA %I CASCADE', n.name) FROM names n \gexec
DROP SCHEMA renderchain_names CASCADE;
DROP TABLE names;
DROP FUNCTION lived(text), attached(text);
