// Tests that print TAP, which the .t that runs them counts as its own; the database as they ask it;
// and waiting for what is to happen.
import { execFileSync } from 'node:child_process';

const TIMEOUT_MS = Number(process.env.PG_TEST_TIMEOUT_DEFAULT || 180) * 1000;
let count = 0;

/* Say how a test went. */
export function ok(good, name, ...more) {
    console.log(`${good ? 'ok' : 'not ok'} ${++count} - ${name}`);
    if (!good)
        for (const line of more.map((value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 1))).join('\n').split('\n'))
            console.log(`# ${line}`);
    return good;
}

/* Are two values the same, as JSON? */
export function is(got, wanted, name) {
    return ok(JSON.stringify(got) === JSON.stringify(wanted), name, 'got:', got ?? 'nothing', 'wanted:', wanted);
}

export function like(got, pattern, name) {
    return ok(pattern.test(got), name, `got: ${got}`, `wanted: ${pattern}`);
}

/* Run tests to their end, and say how many there were. */
export async function run(tests) {
    try {
        await tests();
    } catch (error) {
        ok(false, 'the tests come to their end', error.stack ?? String(error));
    }
    console.log(`1..${count}`);
    process.exit(0);
}

/* Ask the database. */
export function sql(query) {
    return execFileSync('psql', ['-XAtqc', query], { encoding: 'utf8' }).trim();
}

/* Try until a condition holds; what it gives. */
export async function until(condition, what) {
    const end = Date.now() + TIMEOUT_MS;
    for (;;) {
        const value = await condition();
        if (value)
            return value;
        if (Date.now() > end)
            throw new Error(`timed out waiting until: ${what}`);
        await new Promise((resolve) => { setTimeout(resolve, 25); });
    }
}

export const timeout = TIMEOUT_MS;

/* ---- playing the worker ---- */

/* Claim what waits; the ids, with the memory that each begins with. */
export function claim() {
    return JSON.parse(sql(`SELECT coalesce(jsonb_object_agg(render_id, memory), '{}') FROM renderchain.claim_renders('w', 10, '1 hour')`));
}

/* Record stages of a render's attempt: [stage, status, more]. */
export function stages(id, ...list) {
    const attempt = sql(`SELECT attempt FROM render_jobs WHERE render_id = '${id}'`);
    const events = list.map(([stage, status, more]) => ({ stage, status, ...(status === 'success' ? { durationMs: 40 } : {}), ...more }));
    sql(`SELECT renderchain.record_stages('${id}', ${attempt}, $x$${JSON.stringify(events)}$x$)`);
}

/* Complete a render, with the picture that the test has put into storage under a key. */
export function complete(id, key, memory) {
    const attempt = sql(`SELECT attempt FROM render_jobs WHERE render_id = '${id}'`);
    const result = { outputUrl: `file:///${key}`, outputKey: key, selectedModel: 'local-image-flash', memory, processingMs: 1200 };
    sql(`INSERT INTO stored_objects (key, backend, render_id, kind, mime, bytes, state, created_at, updated_at)
        VALUES ('${key}', 'file', '${id}', 'output', 'image/png', 1, 'live', now(), now()) ON CONFLICT DO NOTHING;
        SELECT renderchain.complete_render('${id}', ${attempt}, $x$${JSON.stringify(result)}$x$)`);
}
