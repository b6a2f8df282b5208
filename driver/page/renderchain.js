/* renderchain in a browser, or wherever fetch is: submit renders and videos, watch their stages,
 * read and pin what a chain remembers. No dependencies; see docs/web.md. */

const FILES = ['style', 'mask', 'firstFrame', 'lastFrame'];
const SILENCE_MS = 40000; // the server says something every 15 s
const ATTEMPTS = 4; // of a request that may be repeated

/* What a server refused, in its own words: title, detail and hint are for people, status and
 * retryAfter (seconds) for programs. status is 0 where no answer came. */
export class RenderchainError extends Error {
    constructor({ status = 0, title, detail, hint, retryAfter, cause }) {
        super(detail ? `${title}: ${detail}` : title, { cause });
        Object.assign(this, { name: 'RenderchainError', status, title, detail, hint, retryAfter });
    }

    /* Might the same go well later? */
    get temporary() {
        return this.status === 0 || this.status === 429 || this.status >= 502;
    }
}

/* Make a key that nobody else makes; crypto.randomUUID is not there for pages without TLS. */
function randomKey() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
        byte.toString(16).padStart(2, '0')).join('');
}

/* Wait, or until a signal. */
function pause(milliseconds, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(done, milliseconds);
        function done() {
            clearTimeout(timer);
            signal?.removeEventListener('abort', done);
            resolve();
        }
        if (signal?.aborted) done();
        else signal?.addEventListener('abort', done);
    });
}

/* How long to wait after so many failures: longer each time, and not all clients at once. */
function backoff(failures, least, most) {
    const longest = Math.min(most, least * 2 ** failures);
    return longest / 2 + Math.random() * (longest / 2);
}

/* Read an answer that is a refusal. */
async function refusalOf(response) {
    const problem = await response.json().catch(() => ({}));
    const after = Number(response.headers.get('Retry-After'));
    return new RenderchainError({
        status: response.status,
        title: problem.title ?? `the server answered ${response.status}`,
        detail: problem.detail,
        hint: problem.hint,
        retryAfter: after > 0 ? after : undefined,
    });
}

/* Write a request as a form where it has files, else as JSON. */
function bodyOf(request) {
    const isFile = (value) => value instanceof Blob;
    const references = request.references ?? [];
    const files = [
        ...references.filter(isFile).map((file) => ['reference', file]),
        ...FILES.filter((name) => isFile(request[name])).map((name) => [name, request[name]]),
    ];
    if (!files.length)
        return JSON.stringify(request);
    const rest = { ...request, references: references.filter((image) => !isFile(image)) };
    for (const [name] of files)
        delete rest[name];
    if (!rest.references.length)
        delete rest.references;
    const form = new FormData();
    form.append('request', JSON.stringify(rest));
    files.forEach(([name, file], index) => form.append(name, file, file.name ?? `${name}-${index + 1}`));
    return form;
}

/* Read the events of a stream: {id, event, data}; beat is called for every piece that comes. */
async function* readEvents(stream, beat) {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done)
                return;
            beat();
            text += value;
            const blocks = text.split('\n\n');
            text = blocks.pop();
            for (const block of blocks) {
                const event = { id: '', event: 'message', data: '' };
                for (const line of block.split('\n')) {
                    const [, name, said] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
                    if (name === 'data') event.data += said;
                    else if (name in event) event[name] = said;
                }
                if (event.data)
                    yield { ...event, data: JSON.parse(event.data) };
            }
        }
    } finally {
        reader.cancel().catch(() => {});
    }
}

/* A server, as the user of a token. */
export class Renderchain {
    #url;
    #token;
    #fetch;

    /* url is the server's, '' for the one that the page is from. */
    constructor({ url = '', token, fetch = (...words) => globalThis.fetch(...words) }) {
        this.#url = url.replace(/\/$/, '');
        this.#token = token;
        this.#fetch = fetch;
    }

    /* Ask once; what is not an answer or a refusal is a RenderchainError. */
    async #askOnce(method, path, { body, headers = {}, signal } = {}) {
        const json = typeof body === 'string' ? { 'Content-Type': 'application/json' } : {};
        let response;
        try {
            response = await this.#fetch(this.#url + path, {
                method, body, signal, credentials: 'omit', redirect: 'error',
                headers: { Authorization: `Bearer ${this.#token}`, ...json, ...headers },
            });
        } catch (cause) {
            if (signal?.aborted)
                throw cause;
            throw new RenderchainError({ title: 'the server cannot be reached', cause });
        }
        if (!response.ok)
            throw await refusalOf(response);
        return response;
    }

    /* Ask, again where it can do no harm. */
    async #ask(method, path, options = {}) {
        for (let failures = 0; ; failures++) {
            try {
                return await this.#askOnce(method, path, options);
            } catch (error) {
                const again = (method === 'GET' || options.repeatable) && error.temporary &&
                    failures + 1 < ATTEMPTS && !options.signal?.aborted;
                if (!again)
                    throw error;
                await pause((error.retryAfter ?? 0) * 1000 || backoff(failures, 300, 5000), options.signal);
            }
        }
    }

    async #json(method, path, body, options) {
        const text = body === undefined ? undefined : JSON.stringify(body);
        return (await this.#ask(method, path, { body: text, ...options })).json();
    }

    /* Submit a render, or with type "video" a video: the request as submit_render() takes it, in
     * which references, style, mask, firstFrame and lastFrame may also be Files. Gives {renderId,
     * chainId, chainPosition, created}. It is never submitted twice. */
    async submit(request, { signal } = {}) {
        const { type, ...rest } = { idempotencyKey: randomKey(), ...request };
        const path = type === 'video' ? '/api/video' : '/api/renders';
        return (await this.#ask('POST', path, { body: bodyOf(rest), repeatable: true, signal })).json();
    }

    /* What became of a render, in the shape of get_render(). */
    render(id, options) { return this.#json('GET', `/api/renders/${id}`, undefined, options); }
    cancel(id) { return this.#json('POST', `/api/renders/${id}/cancel`); }
    retry(id) { return this.#json('POST', `/api/renders/${id}/retry`); }
    renderMemory(id) { return this.#json('GET', `/api/renders/${id}/memory`); }
    mergeMemory(id, patch) { return this.#json('PATCH', `/api/renders/${id}/memory`, patch); }

    chains(options) { return this.#json('GET', '/api/chains', undefined, options); }
    chain(id, options) { return this.#json('GET', `/api/chains/${id}`, undefined, options); }
    memory(chainId) { return this.#json('GET', `/api/chains/${chainId}/memory`); }
    pin(chainId, patch) { return this.#json('PATCH', `/api/chains/${chainId}/pins`, patch); }
    unpin(chainId, keys) { return this.#json('POST', `/api/chains/${chainId}/unpin`, { keys }); }

    /* {balance, reserved}, or null for a user who is not metered. */
    credits() { return this.#json('GET', '/api/credits'); }

    /* A picture or video, by its imageUrl, videoUrl or outputUrl, as a Blob. */
    async output(path, options) {
        if (!/^\/outputs\//.test(path))
            throw new TypeError(`"${path}" is no output of this server`);
        return (await this.#ask('GET', path.split('/').map(encodeURIComponent).join('/'), options)).blob();
    }

    /* What happens to a render, as it happens, to its end: {id, event, data}, event being "render",
     * "stage" or "end". A connection that is lost is made again and goes on behind the last event;
     * the iteration ends early by the signal, and with an error that will not pass. */
    async *events(renderId, options) {
        for await (const event of this.#stream(`/api/renders/${renderId}/events`, options)) {
            yield event;
            if (event.event === 'end')
                return;
        }
    }

    /* What happens to the renders of a chain, until the signal: "render", "stage" and "end", each
     * with its renderId in data, of those that are unfinished or new. After "chain" all is known
     * that had happened before, also after a connection was lost; some may be told twice. */
    chainEvents(chainId, options) { return this.#stream(`/api/chains/${chainId}/events`, options); }

    async *#stream(path, { lastEventId = '', signal } = {}) {
        for (let failures = 0; !signal?.aborted; failures++) {
            const connection = new AbortController();
            const stop = () => connection.abort();
            let timer = setTimeout(stop, SILENCE_MS), wait = 0;
            signal?.addEventListener('abort', stop);
            try {
                const response = await this.#askOnce('GET', path, {
                    signal: connection.signal,
                    headers: lastEventId ? { 'Last-Event-ID': lastEventId } : {},
                });
                if (response.status === 204)
                    return;
                const beat = () => {
                    failures = 0;
                    clearTimeout(timer);
                    timer = setTimeout(stop, SILENCE_MS);
                };
                for await (const event of readEvents(response.body, beat)) {
                    lastEventId = event.id || lastEventId;
                    yield event;
                }
            } catch (error) {
                if (error instanceof RenderchainError && !error.temporary)
                    throw error;
                wait = (error.retryAfter ?? 0) * 1000;
            } finally {
                clearTimeout(timer);
                signal?.removeEventListener('abort', stop);
                connection.abort();
            }
            await pause(wait || backoff(failures, 250, 10000), signal);
        }
    }
}

/* ---- the state of a render, as its events tell it ---- */

const WAVES = [
    ['semantic_parsing', 'image_understanding'],
    ['prompt_optimization', 'prompt_optimization_simple', 'model_routing'],
    ['image_generation', 'video_generation'],
    ['validation', 'memory_extraction', 'storage'],
];

const ORDER = WAVES.flat();

/* In which wave a stage runs: those of one wave run at the same time. What corrects a picture comes
 * after all else. */
export function waveOf({ stage, part }) {
    const wave = WAVES.findIndex((stages) => stages.includes(stage));
    return part === 'correction' ? wave + 2 : wave;
}

/* Stages by their waves, in the order in which they are always shown. */
export function inOrder(stages) {
    return [...stages].sort((one, other) => waveOf(one) - waveOf(other) ||
        ORDER.indexOf(one.stage) - ORDER.indexOf(other.stage) || (one.part < other.part ? -1 : 1));
}

/* The stages that are to be expected of a render, before it has said anything. */
export function expectedStages({ type = 'image', quick = false, quality = 'standard' } = {}) {
    const video = type === 'video';
    return [
        !quick && 'semantic_parsing',
        quick ? 'prompt_optimization_simple' : 'prompt_optimization',
        'model_routing',
        video ? 'video_generation' : 'image_generation',
        !quick && !video && quality !== 'standard' && 'validation',
        !quick && 'memory_extraction',
        'storage',
    ].filter(Boolean).map((stage) => ({ stage, part: '', status: 'waiting' }));
}

const IDLE = Object.freeze({
    status: 'idle', renderId: null, chainId: null, chainPosition: null, render: null,
    stages: Object.freeze([]), progress: 0, active: false, result: null, error: null,
});

/* Put what an event says of a stage in its place. runningSince is by this machine's clock. */
function withStage(stages, data) {
    const stage = { part: '', ...data };
    if (data.status === 'running')
        stage.runningSince = Date.now() - (data.runningMs ?? 0);
    return inOrder([...stages.filter((other) => other.stage !== stage.stage || other.part !== stage.part), stage]);
}

/* What an earlier attempt has not done is to be done by this one. */
function ofThisAttempt(stages, { status, attempt = 1 } = {}) {
    return stages.map((stage) => (['failed', 'running'].includes(stage.status) &&
        (stage.attempt < attempt || status === 'pending') ? { ...stage, status: 'waiting' } : stage));
}

/* The state after an event. */
export function stateAfter(state, { event, data }) {
    const next = { ...state };
    if (event === 'stage') {
        next.stages = withStage(state.stages, data);
    } else {
        next.render = data;
        next.status = data.status;
        next.renderId = data.renderId;
        next.chainId = data.chainId;
        next.chainPosition = data.chainPosition;
        next.active = event !== 'end';
        next.error = data.error && event === 'end' ? new RenderchainError({ title: data.error }) : null;
        next.runningSince = data.runningMs == null ? state.runningSince : Date.now() - data.runningMs;
    }
    if (next.active)
        next.stages = ofThisAttempt(next.stages, next.render ?? undefined);
    const ended = next.stages.filter((stage) => !['waiting', 'running'].includes(stage.status)).length;
    next.progress = next.status === 'completed' ? 1 : ended / Math.max(1, next.stages.length);
    return next;
}

/* One render at a time and all about it, as a store: getState() gives an object that is another one
 * after each change, subscribe() says when. That is what React's useSyncExternalStore takes. */
export class Pipeline {
    #client;
    #type;
    #state = IDLE;
    #listeners = new Set();
    #stop = null;
    #ended = null;

    constructor(client, type = 'image') {
        this.#client = client;
        this.#type = type;
    }

    getState = () => this.#state;

    subscribe = (listener) => {
        this.#listeners.add(listener);
        return () => { this.#listeners.delete(listener); };
    };

    #set(state) {
        this.#state = Object.freeze(state);
        for (const listener of this.#listeners)
            listener(this.#state);
    }

    /* Let go of what is followed, which goes on by itself. */
    close = () => {
        this.#stop?.abort();
        this.#stop = null;
    };

    reset = () => {
        this.close();
        this.#set(IDLE);
    };

    /* Submit a render and follow it; done as soon as it is queued: {renderId, chainId, ...}. */
    submit = async (request) => {
        this.close();
        const type = request.type ?? this.#type;
        const stages = expectedStages({ ...request, type });
        this.#set({ ...IDLE, status: 'submitting', active: true, stages });
        try {
            const queued = await this.#client.submit({ ...request, type });
            this.#set({ ...this.#state, ...queued, status: 'pending' });
            this.follow(queued.renderId, { stages });
            return queued;
        } catch (error) {
            this.#set({ ...IDLE, status: 'failed', error });
            throw error;
        }
    };

    /* Submit a render and wait for its end; the result in the shape of get_render(). */
    run = async (request) => {
        await this.submit(request);
        return this.#ended;
    };

    /* Follow a render that was submitted before, also elsewhere; gives its result at the end, or null
     * when it was let go before. stages are those that are expected. */
    follow = (renderId, { stages = [] } = {}) => {
        this.close();
        const stop = this.#stop = new AbortController();
        if (this.#state.renderId !== renderId)
            this.#set({ ...IDLE, status: 'pending', renderId, active: true, stages });
        this.#ended = this.#follow(renderId, stop.signal);
        this.#ended.catch(() => {}); // who does not wait for the end finds the error in the state
        return this.#ended;
    };

    async #follow(renderId, signal) {
        try {
            for await (const event of this.#client.events(renderId, { signal })) {
                // Who is told of the end finds the result there.
                if (event.event === 'end')
                    return await this.#finish(event, renderId, signal);
                if (!signal.aborted)
                    this.#set(stateAfter(this.#state, event));
            }
            return null;
        } catch (error) {
            if (signal.aborted)
                return null;
            this.#set({ ...this.#state, active: false, error });
            throw error;
        }
    }

    async #finish(event, renderId, signal) {
        const result = await this.#client.render(renderId, { signal });
        if (signal.aborted)
            return null;
        this.#set({ ...stateAfter(this.#state, event), result });
        return result;
    }

    cancel = () => this.#client.cancel(this.#state.renderId);

    /* Start it again, after it failed or was cancelled, and follow it. */
    retry = async () => {
        const { renderId } = this.#state;
        const said = await this.#client.retry(renderId);
        this.#set({ ...this.#state, status: 'pending', active: true, error: null, result: null });
        this.follow(renderId);
        return said;
    };
}

/* What useRenderPipeline and useVideoPipeline were made of. */
export const renderPipeline = (client) => new Pipeline(client, 'image');
export const videoPipeline = (client) => new Pipeline(client, 'video');
