-- Tables -------------------------------------------------------------------
--
-- The tables are the user's: ordinary tables in a schema of the user's choice,
-- made by create_tables() (16) and not members of the extension. The statements
-- below are run with that schema as the place where new objects go. Where an
-- application has tables of these names they are attached (14): only what is
-- missing beside and on them is made.

-- the tables, in the order in which they are made: what refers to a table an application may have
-- comes right behind it, so that the locks on those are taken in the order in which everybody takes
-- them (00); IF NOT EXISTS for another session that makes them, unseen by an older snapshot. A
-- fillfactor leaves room for the next version of a row beside it: then only what changes is logged,
-- not the whole row. What is written for every render has lists of names as one constant: the server
-- reads the text of each CHECK anew for each statement; and a pattern that counts to 64 would take
-- ten times as long as one beside a length.
CREATE FUNCTION renderchain._tables_needed(OUT place integer, OUT tab text, OUT ddl text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_$ SELECT v.place, v.tab, v.ddl FROM (VALUES


(1, 'render_chains', $ddl$
CREATE TABLE IF NOT EXISTS render_chains (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid,
    name text NOT NULL CHECK (name <> ''),
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE render_chains IS 'renderchain: chains of renders that share memory';
$ddl$),

(2, 'memory_pins', $ddl$
CREATE TABLE IF NOT EXISTS memory_pins (
    chain_id uuid PRIMARY KEY REFERENCES render_chains (id) ON DELETE CASCADE,
    pins jsonb NOT NULL CHECK (jsonb_typeof(pins) = 'object')
);
COMMENT ON TABLE memory_pins IS 'renderchain: what the user has fixed in the memory of a chain';
$ddl$),

(3, 'renders', $ddl$
CREATE TABLE IF NOT EXISTS renders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid,
    user_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    type text NOT NULL DEFAULT 'image' CHECK (type = ANY ('{image,video}')),
    prompt text NOT NULL CHECK (char_length(prompt) <= 20000),
    settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    output_url text,
    output_key text,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status = ANY ('{pending,processing,completed,failed,cancelled}')),
    error_message text,
    processing_time integer CHECK (processing_time >= 0),
    credits_cost integer NOT NULL DEFAULT 0 CHECK (credits_cost >= 0),
    priority integer NOT NULL DEFAULT 0,
    parent_render_id uuid REFERENCES renders (id) ON DELETE SET NULL,
    chain_id uuid REFERENCES render_chains (id),
    chain_position integer CHECK (chain_position >= 0),
    reference_render_id uuid REFERENCES renders (id) ON DELETE SET NULL,
    context_data jsonb,
    metadata jsonb,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (chain_id IS NOT NULL OR chain_position IS NULL)
) WITH (fillfactor = 70);
COMMENT ON TABLE renders IS 'renderchain: one row a render; context_data.pipelineMemory is its memory';
$ddl$),
-- One row a render for as long as the render exists. state says where it stands
-- in the queue; it is here, beside the lease, so that the two indexes below hold
-- unfinished work only, however many finished renders there are.
-- run counts the starts by a person (submit, retry_render), attempt the claims;
-- attempt never goes down, so that it fences across runs too: attempts of the
-- present run are those after base_attempt. user_id is who submitted it, provider
-- whose models it asks for; of that user and that provider it is one that waits or
-- runs, whoever owns the render by now. ended_at is NULL until it has ended, and
-- again when its stages are purged: how old telemetry is found. chain_id and
-- chain_position are the render's when it was submitted; what waits, for whom, and what
-- unheard means: 38.
(4, 'render_jobs', $ddl$
CREATE TABLE IF NOT EXISTS render_jobs (
    render_id uuid PRIMARY KEY REFERENCES renders (id) ON DELETE CASCADE,
    request jsonb NOT NULL CHECK (jsonb_typeof(request) = 'object'),
    user_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    provider text NOT NULL DEFAULT 'any' CHECK (provider <> ''),
    state text NOT NULL DEFAULT 'queued' CHECK (state = ANY ('{queued,waiting,running,ended}')),
    priority integer NOT NULL DEFAULT 0,
    queue_id bigint,
    chain_id uuid,
    chain_position integer,
    waits_for uuid REFERENCES render_jobs (render_id) ON DELETE SET NULL,
    unheard boolean NOT NULL DEFAULT false,
    run integer NOT NULL DEFAULT 1 CHECK (run >= 1),
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    base_attempt integer NOT NULL DEFAULT 0 CHECK (base_attempt >= 0),
    max_attempts integer NOT NULL CHECK (max_attempts >= 1),
    run_after timestamptz NOT NULL,
    lease_owner text,
    lease_until timestamptz,
    deadline timestamptz NOT NULL,
    cancel_requested boolean NOT NULL DEFAULT false,
    idempotency_key text CHECK (char_length(idempotency_key) BETWEEN 1 AND 200),
    credits_reserved integer CHECK (credits_reserved >= 0),
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK (attempt >= base_attempt),
    CHECK ((state = 'running') = (lease_owner IS NOT NULL AND lease_until IS NOT NULL)),
    CHECK (lease_until <= deadline),
    CHECK (waits_for IS NULL OR state = 'waiting'),
    CHECK (state <> 'waiting' OR deadline = 'infinity')
) WITH (fillfactor = 70);
COMMENT ON TABLE render_jobs IS 'renderchain: queue, lease and fencing token (attempt) of every render';
$ddl$),

-- No index has seq: a render has few stages, and so the end of one takes the place
-- of its start without an entry in any index. What has a fixed width comes first,
-- which leaves no gaps.
(5, 'render_stages', $ddl$
CREATE TABLE IF NOT EXISTS render_stages (
    render_id uuid NOT NULL REFERENCES render_jobs (render_id) ON DELETE CASCADE,
    started_at timestamptz NOT NULL,
    seq bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
    duration_ms bigint CHECK (duration_ms >= 0),
    attempt integer NOT NULL CHECK (attempt >= 1),
    stage text NOT NULL CHECK (stage = ANY ('{semantic_parsing,image_understanding,'
        'prompt_optimization,prompt_optimization_simple,model_routing,image_generation,video_generation,'
        'validation,memory_extraction,storage}')),
    part text NOT NULL DEFAULT '' CHECK (char_length(part) <= 200),
    status text NOT NULL CHECK (status = ANY ('{running,success,failed,skipped}')),
    outcome text CHECK (outcome = ANY ('{ok,blocked,empty,malformed,rate_limited,overloaded,rejected,'
        'unreachable,unknown,skipped,cached}')),
    model text,
    output jsonb,
    usage jsonb,
    cost numeric CHECK (cost >= 0),
    error jsonb,
    PRIMARY KEY (render_id, stage, part, attempt)
) WITH (fillfactor = 80);
COMMENT ON TABLE render_stages IS 'renderchain: what every stage did; seq grows with every change';
$ddl$),

(6, 'credit_accounts', $ddl$
CREATE TABLE IF NOT EXISTS credit_accounts (
    user_id uuid PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);
COMMENT ON TABLE credit_accounts IS 'renderchain: credits of a user; always the sums of credit_entries';
$ddl$),
-- Append-only. A render may be deleted, what it cost may not: no foreign key on
-- render_id.
(7, 'credit_entries', $ddl$
CREATE TABLE IF NOT EXISTS credit_entries (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES credit_accounts (user_id),
    render_id uuid,
    run integer,
    kind text NOT NULL CHECK (kind IN ('grant', 'reserve', 'settle', 'refund')),
    balance_delta bigint NOT NULL,
    reserved_delta bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    reason text,
    created_at timestamptz NOT NULL,
    CHECK ((kind = 'grant') = (render_id IS NULL) AND (kind = 'grant') = (run IS NULL)),
    CHECK (CASE kind
        WHEN 'grant' THEN balance_delta = amount AND reserved_delta = 0
        WHEN 'reserve' THEN balance_delta = -amount AND reserved_delta = amount
        WHEN 'settle' THEN reserved_delta <= -amount AND balance_delta = -reserved_delta - amount
        WHEN 'refund' THEN balance_delta = amount AND reserved_delta = -amount
        END)
);
COMMENT ON TABLE credit_entries IS 'renderchain: append-only ledger; one reserve and one settle or refund a run';
$ddl$),

(8, 'models', $ddl$
CREATE TABLE IF NOT EXISTS models (
    id text PRIMARY KEY CHECK (id <> ''),
    provider text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('text', 'image', 'video')),
    tier text NOT NULL CHECK (tier IN ('flash', 'pro', 'standard', 'fast')),
    credits integer CHECK (credits >= 0),
    retired date,
    successor text,
    definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    shipped boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE models IS 'renderchain: the models that renders are routed to and priced by';
$ddl$),
-- The bytes outlive the render until they are removed, so again no foreign key.
-- due_at is when an unfinished object is looked at next: a pending one, whether
-- anybody is still writing it; a doomed one, to be removed (64).
(9, 'stored_objects', $ddl$
CREATE TABLE IF NOT EXISTS stored_objects (
    key text PRIMARY KEY CHECK (key <> ''),
    backend text NOT NULL CHECK (backend <> ''),
    render_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'output' CHECK (kind <> ''),
    mime text,
    bytes bigint CHECK (bytes >= 0),
    sha256 text CHECK (sha256 ~ '^[0-9a-f]*$' AND char_length(sha256) = 64),
    state text NOT NULL DEFAULT 'pending' CHECK (state = ANY ('{pending,live,doomed}')),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    due_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
COMMENT ON TABLE stored_objects IS 'renderchain: every object in storage, before it is uploaded until it is removed';
$ddl$),

(10, 'analysis_cache', $ddl$
CREATE TABLE IF NOT EXISTS analysis_cache (
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]*$' AND char_length(sha256) = 64),
    task text NOT NULL,
    model text NOT NULL,
    prompt_version text NOT NULL,
    result jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (sha256, task, model, prompt_version)
);
COMMENT ON TABLE analysis_cache IS 'renderchain: results of image analyses by content, task, model and prompt version';
$ddl$),
-- What waits, by whom and what for (36). turn grows with every claim, over all queues;
-- 0 is a user who was never served.
(11, 'render_queues', $ddl$
CREATE TABLE IF NOT EXISTS render_queues (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL,
    priority integer NOT NULL,
    type text NOT NULL,
    provider text NOT NULL,
    turn bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY,
    since timestamptz NOT NULL,
    due timestamptz,
    UNIQUE (user_id, priority, type, provider)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE render_queues IS 'renderchain: queues of renders that wait, one a user, priority, type and provider';
$ddl$),

-- only hashes: who reads this table can use none of the tokens
(12, 'api_tokens', $ddl$
CREATE TABLE IF NOT EXISTS api_tokens (
    hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]*$' AND char_length(hash) = 64),
    user_id uuid NOT NULL,
    level text NOT NULL CHECK (level IN ('read', 'write', 'admin')),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON TABLE api_tokens IS 'renderchain: bearer tokens of the HTTP server, by their hashes';
$ddl$)

) AS v (place, tab, ddl) $_$;

-- The indexes, as data: an application may have them under other names (14). One that is there
-- will do if its predicate is one of those named (the first is what is made) and, by fit,
--   exact    it has these keys, in these directions, and carries nothing else
--   unique   it is unique and has these keys, in either direction
--   leading  these are its first keys
-- The memory index stands here as the C code looks for it.
CREATE FUNCTION renderchain._indexes_needed(OUT place integer, OUT tab text, OUT name text, OUT fit text,
    OUT keys text[], OUT predicates text[])
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.place, v.tab, v.name, v.fit, v.keys, v.predicates
    FROM (VALUES
        (2, 'render_chains', 'render_chains_name_idx', 'leading', '{name}'::text[], '{""}'::text[]),
        (4, 'renders', 'renders_chain_memory_idx', 'exact', '{chain_id,chain_position DESC}',
            ARRAY['status::text = ''completed''::text AND pg_catalog.jsonb_typeof(context_data -> ''pipelineMemory''::text) = ''object''::text']),
        (4, 'renders', 'renders_chain_id_chain_position_key', 'unique', '{chain_id,chain_position}',
            '{"","chain_id IS NOT NULL"}'),
        (4, 'renders', 'renders_parent_render_id_idx', 'leading', '{parent_render_id}',
            '{"parent_render_id IS NOT NULL",""}'),
        (4, 'renders', 'renders_reference_render_id_idx', 'leading', '{reference_render_id}',
            '{"reference_render_id IS NOT NULL",""}'),
        (4, 'render_jobs', 'render_jobs_queue_idx', 'exact', '{queue_id,run_after,render_id}',
            '{"state = ''queued''::text"}'),
        (4, 'render_jobs', 'render_jobs_running_idx', 'exact', '{user_id,provider}',
            '{"state = ''running''::text"}'),
        (4, 'render_jobs', 'render_jobs_expiry_idx', 'exact', '{"(LEAST(lease_until, deadline))"}',
            '{"state <> ''ended''::text"}'),
        (4, 'render_jobs', 'render_jobs_chain_idx', 'exact', '{chain_id,chain_position}',
            '{"state <> ''ended''::text AND chain_id IS NOT NULL"}'),
        (4, 'render_jobs', 'render_jobs_waits_for_idx', 'exact', '{waits_for}', '{"waits_for IS NOT NULL"}'),
        (4, 'render_jobs', 'render_jobs_overlooked_idx', 'exact', '{render_id}',
            '{"unheard OR state = ''waiting''::text AND waits_for IS NULL"}'),
        -- most have no key: they need no entry
        (4, 'render_jobs', 'render_jobs_idempotency_key_key', 'unique', '{idempotency_key}',
            '{"idempotency_key IS NOT NULL",""}'),
        (4, 'render_jobs', 'render_jobs_ended_at_idx', 'exact', '{ended_at}', '{"ended_at IS NOT NULL"}'),
        (7, 'credit_entries', 'credit_entries_once_idx', 'unique', '{render_id,run,(kind = ''reserve''::text)}',
            '{"kind <> ''grant''::text"}'),
        (7, 'credit_entries', 'credit_entries_user_id_idx', 'leading', '{user_id,id}', '{""}'),
        (9, 'stored_objects', 'stored_objects_render_id_idx', 'leading', '{render_id}', '{""}'),
        (9, 'stored_objects', 'stored_objects_unfinished_idx', 'exact', '{state,due_at}',
            '{"state <> ''live''::text"}'),
        (10, 'analysis_cache', 'analysis_cache_created_at_idx', 'leading', '{created_at}', '{""}'),
        (11, 'render_queues', 'render_queues_turn_idx', 'exact', '{priority DESC,turn,since,id}',
            '{"due = ''-infinity''::timestamp with time zone"}'),
        (11, 'render_queues', 'render_queues_due_idx', 'exact', '{due}',
            '{"due > ''-infinity''::timestamp with time zone"}')
    ) AS v (place, tab, name, fit, keys, predicates)
$$;

-- A render deleted before its end must not leave credits reserved or objects behind.
-- The function lives with the tables and needs nothing of the extension, so that
-- dropping that leaves the tables whole and usable.
CREATE FUNCTION renderchain._trigger_ddl() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $_$ SELECT $ddl$
CREATE OR REPLACE FUNCTION render_job_deleted() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM set_config('search_path', format('pg_catalog, %I, pg_temp', TG_TABLE_SCHEMA), true);
    -- what was being written may still arrive
    UPDATE stored_objects o SET state = 'doomed', updated_at = pg_catalog.clock_timestamp(), tries = 0,
        due_at = pg_catalog.clock_timestamp()
            + CASE WHEN o.state = 'pending'::text THEN '10 minutes'::interval ELSE '0'::interval END
    WHERE o.render_id = OLD.render_id AND o.state <> 'doomed'::text;
    IF OLD.state <> 'ended'::text AND OLD.credits_reserved IS NOT NULL THEN
        UPDATE credit_accounts a SET balance = a.balance + e.amount, reserved = a.reserved - e.amount
        FROM credit_entries e
        WHERE e.render_id = OLD.render_id AND e.run = OLD.run AND e.kind = 'reserve' AND a.user_id = e.user_id;
        INSERT INTO credit_entries (user_id, render_id, run, kind, balance_delta, reserved_delta, amount, reason, created_at)
        SELECT e.user_id, e.render_id, e.run, 'refund', e.amount, -e.amount, e.amount, 'render deleted',
               pg_catalog.clock_timestamp()
        FROM credit_entries e WHERE e.render_id = OLD.render_id AND e.run = OLD.run AND e.kind = 'reserve';
    END IF;
    RETURN NULL;
END
$body$;
REVOKE ALL ON FUNCTION render_job_deleted() FROM PUBLIC;
COMMENT ON FUNCTION render_job_deleted() IS
'renderchain: refunds a render deleted before its end and dooms the objects of a deleted render';
CREATE OR REPLACE TRIGGER render_job_deleted AFTER DELETE ON render_jobs
    FOR EACH ROW EXECUTE FUNCTION render_job_deleted();
$ddl$ $_$;
