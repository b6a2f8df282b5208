// renderchain.js as it is served, outside of a browser: submitting, following, connections that are
// lost, and what is refused.
import { createServer, request as ask } from 'node:http';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { claim, complete, is, like, ok, run, sql, stages, timeout, until } from './lib/tap.mjs';

const { URL: url, TOKEN: token, PHOTO: photo, TMPDIR: scratch } = process.env;

/* Load the module from the server. */
async function load() {
    const path = join(scratch, 'renderchain.mjs');
    writeFileSync(path, await (await fetch(`${url}/renderchain.js`)).text());
    return import(path);
}

/* A proxy that cuts connections, refuses requests, or loses answers when it is told to; it keeps what
 * was asked. */
async function unreliable() {
    const seen = [], open = new Set();
    const proxy = { seen, refuse: 0, lose: 0, cut: () => open.forEach((socket) => socket.destroy()) };
    const server = createServer((incoming, outgoing) => {
        seen.push({ path: incoming.url, last: incoming.headers['last-event-id'] });
        if (proxy.refuse > 0) {
            proxy.refuse--;
            outgoing.writeHead(503, { 'Content-Type': 'application/problem+json' });
            outgoing.end('{"title": "busy", "status": 503}');
            return;
        }
        const { hostname, port } = new globalThis.URL(url);
        const onward = ask({ hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers }, (answer) => {
            if (proxy.lose > 0) {
                proxy.lose--;
                answer.resume();
                outgoing.destroy();
                return;
            }
            outgoing.writeHead(answer.statusCode, answer.headers);
            answer.pipe(outgoing);
        });
        onward.on('error', () => outgoing.destroy());
        incoming.pipe(onward);
    });
    server.on('connection', (socket) => {
        open.add(socket);
        socket.on('close', () => open.delete(socket));
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    proxy.url = `http://127.0.0.1:${server.address().port}`;
    return proxy;
}

/* What an error that must come says. */
async function refusal(promise) {
    return promise.then(() => ({ status: 'none' }), (error) => error);
}

async function submits({ Renderchain, RenderchainError }) {
    const client = new Renderchain({ url, token });
    const queued = await client.submit({ prompt: 'a white house', chainName: 'client' });
    ok(queued.created && queued.chainPosition === 1, 'a render is submitted');
    const file = new File([readFileSync(photo)], 'photo.png', { type: 'image/png' });
    const withFiles = await client.submit({ prompt: 'like this', chainId: queued.chainId, references: [file, file], style: file, quick: true });
    is(sql(`SELECT jsonb_array_length(settings -> 'references') || ' ' || (settings ? 'style') || ' ' || (settings ->> 'quick') FROM renders WHERE id = '${withFiles.renderId}'`),
        '2 true true', 'with files');
    const again = { prompt: 'once', chainName: 'client', idempotencyKey: 'k1' };
    const first = await client.submit(again), second = await client.submit(again);
    is([second.renderId, second.created], [first.renderId, false], 'the same key is the same render');
    const proxy = await unreliable();
    proxy.refuse = 2;
    const patient = await new Renderchain({ url: proxy.url, token }).submit({ prompt: 'patience' });
    ok(patient.created && proxy.seen.length === 3, 'what is refused for now is tried again');

    proxy.lose = 1;
    const lost = await new Renderchain({ url: proxy.url, token }).submit({ prompt: 'lost' });
    is([lost.created, sql(`SELECT count(*) FROM renders WHERE prompt = 'lost'`)], [false, '1'], 'and nothing is submitted twice when an answer is lost');

    const error = await refusal(client.submit({ prompt: '' }));
    ok(error instanceof RenderchainError && error.status === 400 && error.title && !error.temporary, 'a refusal has the words of the server', error.title);
    is((await refusal(new Renderchain({ url, token: 'rct_no' }).chains())).status, 401, 'a wrong token is refused');
    is((await refusal(client.render('00000000-0000-0000-0000-000000000001'))).status, 404, 'what is not there is not');
    const away = await refusal(new Renderchain({ url: 'http://127.0.0.1:1', token }).cancel(queued.renderId));
    ok(away.status === 0 && away.temporary, 'nor is a server that is away', away.title);
    is((await refusal(client.output('/elsewhere'))).name, 'TypeError', 'an output is of this server');

    is((await client.cancel(queued.renderId)).status, 'cancelled', 'a render is cancelled');
    is((await client.retry(queued.renderId)).status, 'pending', 'and started again');
    for (const id of [queued, withFiles, first, patient, lost])
        await client.cancel(id.renderId);
    is((await client.chains()).map(({ name }) => name), ['client'], 'chains are listed');
    is((await client.chain(queued.chainId)).renders.length, 3, 'and read');
    return client;
}

/* Events go on behind the last one when the connection is lost. */
async function loses({ Renderchain }) {
    const proxy = await unreliable();
    const client = new Renderchain({ url: proxy.url, token });
    const { renderId } = await client.submit({ prompt: 'a lost\u2028connection\u2029', chainName: 'lost' });
    claim();
    const events = [];
    const all = (async () => {
        for await (const event of client.events(renderId))
            events.push(event);
    })();
    stages(renderId, ['semantic_parsing', 'running']);
    await until(() => events.some(({ data }) => data.status === 'running'), 'a stage is seen');
    const last = events.at(-1).id;
    proxy.refuse = 1;
    proxy.cut();
    stages(renderId, ['semantic_parsing', 'success']);
    await until(() => events.some(({ data }) => data.status === 'success'), 'what came while it was lost is seen');
    complete(renderId, 'aa/picture-1.png', { palette: ['navy'], materials: ['oak'] });
    await all;
    is(proxy.seen.filter(({ path, last: said }) => path.endsWith('/events') && said === last).length, 2, 'it says what it has seen, until it is let in');
    const ids = events.map(({ id }) => id).filter(Boolean);
    is(new Set(ids).size, ids.length, 'nothing is told twice');
    is(events.at(-1).event, 'end', 'the end is the last that is told');
    const patience = AbortSignal.timeout(timeout);
    for await (const event of client.events(renderId, { lastEventId: events.at(-1).id, signal: patience }))
        ok(false, 'an event after the end', event);
    ok(!patience.aborted, 'who has seen the end is sent away');
    const stop = new AbortController();
    const waits = await client.submit({ prompt: 'left alone' });
    const left = (async () => {
        for await (const { event } of client.events(waits.renderId, { signal: stop.signal }))
            if (event === 'render')
                stop.abort();
    })();
    await left;
    ok(true, 'a signal ends it');
    is((await refusal(client.events('00000000-0000-0000-0000-000000000001').next())).status, 404, 'what is not there has no events');
    await client.cancel(waits.renderId);
}

/* The events of a chain: of all its renders, also across a connection that is lost. */
async function ofChains({ Renderchain }) {
    const proxy = await unreliable();
    const client = new Renderchain({ url, token });
    const { renderId, chainId } = await client.submit({ prompt: 'one', chainName: 'events' });
    const stop = new AbortController(), events = [];
    const told = (what, id) => until(() => events.some(({ event, data }) => event === what && data.renderId === id), `${what} is told`);
    const all = (async () => {
        for await (const event of new Renderchain({ url: proxy.url, token }).chainEvents(chainId, { signal: stop.signal }))
            events.push(event);
    })();
    await until(() => events.some(({ event }) => event === 'chain'), 'all is told that there is');
    is(events.map(({ event, data }) => [event, data.status]), [['render', 'pending'], ['chain', undefined]], 'a render that waits');
    proxy.refuse = 1;
    proxy.cut();
    await client.cancel(renderId);
    const other = await client.submit({ prompt: 'another', chainId });
    await told('end', renderId);
    await told('render', other.renderId);
    await until(() => events.filter(({ event }) => event === 'chain').length > 1, 'all is told again');
    claim();
    stages(other.renderId, ['semantic_parsing', 'running']);
    await told('stage', other.renderId);
    stop.abort();
    await all;
    ok(true, 'all its renders are told of, until a signal');
    is((await refusal(client.chainEvents('00000000-0000-0000-0000-000000000001').next())).status, 404, 'what is no chain has no events');
    await client.cancel(other.renderId);
}

/* The state as a store: what hooks of a page are made of. */
async function follows({ Renderchain, renderPipeline, videoPipeline, waveOf }) {
    const client = new Renderchain({ url, token });
    const pipeline = renderPipeline(client), states = [];
    is(pipeline.getState().status, 'idle', 'a pipeline begins idle');
    const unsubscribe = pipeline.subscribe((state) => states.push(state));
    const result = pipeline.run({ prompt: 'a barn', chainName: 'store', quality: 'high' });
    const id = await until(() => pipeline.getState().renderId, 'it is submitted');
    is(pipeline.getState().stages.map(({ stage }) => stage), ['semantic_parsing', 'prompt_optimization', 'model_routing', 'image_generation', 'validation',
        'memory_extraction', 'storage'], 'the stages to come are known');
    claim();
    stages(id, ['image_generation', 'running']);
    const statusOf = (state, name) => state.stages.find(({ stage }) => stage === name)?.status;
    await until(() => statusOf(pipeline.getState(), 'image_generation') === 'running', 'a stage runs');
    ok(pipeline.getState().active && pipeline.getState().getState === undefined, 'it is active');
    stages(id, ['image_generation', 'success'], ['storage', 'success']);
    complete(id, 'aa/picture-2.png', { palette: ['red', 'sand'], materials: ['brick'] });
    const { data, success } = await result;
    ok(success && data.imageUrl === '/outputs/aa/picture-2.png', 'the result has the shape of get_render', data);
    is([pipeline.getState().status, pipeline.getState().progress, pipeline.getState().active], ['completed', 1, false], 'and it is over');
    ok(new Set(states).size === states.length && Object.isFrozen(states[0]), 'each state is another object');
    is(states.at(0).status, 'submitting', 'which listeners were given');
    const blob = await client.output(data.imageUrl);
    is([blob.type, blob.size > 100], ['image/png', true], 'the picture is had as a Blob');
    ok(waveOf({ stage: 'storage' }) === 3 && waveOf({ stage: 'validation', part: 'correction' }) === 5, 'stages are in waves');

    is(await client.pin(data.chainId, { palette: ['red'] }), { palette: ['red'] }, 'memory is pinned');
    is((await client.memory(data.chainId)).palette, ['red'], 'at once');
    is(await client.unpin(data.chainId, ['palette']), {}, 'and released');
    is((await client.mergeMemory(id, { materials: ['oak'] })).materials, ['oak'], 'and merged into');
    is((await client.renderMemory(id)).materials, ['oak'], 'and read');
    is(await client.credits(), null, 'who is not metered has no balance');

    await pipeline.submit({ prompt: 'another', chainName: 'store' });
    await until(() => pipeline.getState().render, 'it is followed');
    await pipeline.cancel();
    await until(() => pipeline.getState().status === 'cancelled' && pipeline.getState().result, 'it was cancelled');
    is(pipeline.getState().result.success, false, 'a cancelled render is no success');
    await pipeline.retry();
    await until(() => pipeline.getState().active && pipeline.getState().render?.status === 'pending', 'it runs again');
    claim();
    stages(pipeline.getState().renderId, ['image_generation', 'failed', { error: { message: 'no' } }]);
    await until(() => statusOf(pipeline.getState(), 'image_generation') === 'failed', 'a stage fails');
    sql(`SELECT renderchain.fail_render('${pipeline.getState().renderId}', attempt, '{"message": "refused"}', false) FROM render_jobs WHERE render_id = '${pipeline.getState().renderId}'`);
    await until(() => pipeline.getState().status === 'failed' && !pipeline.getState().active, 'it has failed');
    like(pipeline.getState().error.title, /refused/, 'and says why');
    await pipeline.retry();
    await until(() => pipeline.getState().render?.status === 'pending' && statusOf(pipeline.getState(), 'image_generation'), 'it runs once more');
    is(statusOf(pipeline.getState(), 'image_generation'), 'waiting', 'what failed is to come again');
    await client.cancel(pipeline.getState().renderId);
    await until(() => !pipeline.getState().active, 'it is over');
    unsubscribe();
    const count = states.length;
    pipeline.reset();
    is([pipeline.getState().status, states.length], ['idle', count], 'who has unsubscribed is told no more');
    const video = videoPipeline(client);
    await video.submit({ prompt: 'a film', durationSeconds: 4 });
    is(sql(`SELECT type FROM renders WHERE id = '${video.getState().renderId}'`), 'video', 'videos have a pipeline of their own');
    await video.cancel();
    video.close();
    is((await refusal(video.submit({ prompt: '' }))).status, 400, 'what is refused is thrown');
    is(video.getState().error.status, 400, 'and in the state');
}

await run(async () => {
    const module = await load();
    await submits(module);
    await loses(module);
    await ofChains(module);
    await follows(module);
});
