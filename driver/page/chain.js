/* A chain: its filmstrip, the render that is looked at, what it remembers, and the form for the next. */
import { icon, ICONS, make, replace } from '/page/elements.js';
import { Composer, problem } from '/page/composer.js';
import { MemoryPanel } from '/page/memory.js';
import { Runs } from '/page/runs.js';
import { pastDurations, StageBoard } from '/page/stages.js';
import { filmstrip, meanConsistency } from '/page/strip.js';
import { ago, count, duration, percent, sentence, STATUS } from '/page/words.js';

const LOOK_AGAIN_MS = 15000, TICK_MS = 250; // the first: for what no event tells of, such as pins
const isRunning = (render) => ['pending', 'processing'].includes(render.status);

export class ChainView {
    node = make('div', { class: 'chain' });
    title = 'Chain';
    #app;
    #chainId;
    #selected;
    #chain = null;
    #shown = ''; // of what the parts of the render were made, which are:
    #board = null;
    #status;
    #elapsed;
    #progress;
    #closed = false;
    #reading;
    #nextReading = null;
    #head = make('header', { class: 'chain-head' });
    #strip = make('div');
    #render = make('section', { class: 'render card', ariaLabel: 'Render' });
    #runs;
    #memory;
    #clock;
    #timer;

    constructor(app, chainId, renderId) {
        this.#app = app;
        this.#chainId = chainId;
        this.#selected = renderId;
        this.#runs = new Runs(app.client, chainId, {
            changed: (id, state) => this.#changed(id, state),
            ended: (id, data) => this.#ended(id, data),
            caughtUp: () => this.load(),
            failed: (error) => this.#chain && !app.refused(error) && app.complain(error),
        });
        this.#memory = new MemoryPanel((path, value) => this.#pin(path, value));
        this.#clock = setInterval(() => this.#tick(), TICK_MS);
        this.again = () => !document.hidden && this.load();
        document.addEventListener('visibilitychange', this.again);
        this.#timer = setInterval(this.again, LOOK_AGAIN_MS);
        replace(this.node, make('p', { class: 'soft loading' }, 'Loading the chain'));
        this.load();
    }

    /* Read the chain, and show it: once more where it is being read already, as what is read may be
     * older than what has happened. */
    load() {
        this.#nextReading ??= (async () => {
            await this.#reading?.catch(() => null);
            this.#nextReading = null;
            await (this.#reading = this.#read());
        })();
        return this.#nextReading;
    }

    async #read() {
        if (this.#closed)
            return;
        try {
            const chain = await this.#app.client.chain(this.#chainId);
            if (this.#closed)
                return;
            if (!this.#chain)
                this.#build(chain);
            this.#chain = chain;
            this.#show();
        } catch (error) {
            if (!this.#closed && !this.#app.refused(error) && !this.#chain)
                replace(this.node, problem(error), make('p', {}, make('a', { href: this.#app.href() }, 'All chains')));
        }
    }

    #build(chain) {
        this.title = chain.name ?? 'Unnamed';
        this.composer = new Composer(this.#app, { chain, submitted: (queued) => {
            this.#app.go(queued.chainId, queued.renderId);
            this.load();
        } });
        replace(this.node, this.#head, this.#strip, make('div', { class: 'work' }, this.#render,
            make('div', { class: 'side' }, this.composer.node, make('div', { class: 'card' }, this.#memory.node))));
        this.#app.titled(this);
    }

    /* Look at another render. */
    select(renderId) {
        this.#selected = renderId;
        if (this.#chain)
            this.#show();
    }

    /* The render that is looked at: the last one, where none was chosen. */
    #current() {
        const { renders } = this.#chain;
        return renders.find((render) => render.renderId === this.#selected) ?? renders.at(-1);
    }

    /* The render whose memory the next one begins with. */
    #lastWithMemory() {
        return this.#chain.renders.findLast((render) => render.status === 'completed' && render.memory);
    }

    /* Show everything that is not as it was shown last. */
    #show() {
        const { renders, pins } = this.#chain, current = this.#current();
        this.#runs.know(renders, isRunning);
        this.#showHead();
        this.#showStrip(current);
        if (current)
            this.#showRender(current);
        const last = this.#lastWithMemory();
        this.#memory.update(current?.memory ? current : last ?? {}, pins, !current?.memory || current === last);
    }

    #showHead() {
        const { name, renders, updatedAt } = this.#chain, mean = meanConsistency(renders);
        replace(this.#head,
            make('p', { class: 'crumbs small' }, make('a', { href: this.#app.href(), data: { key: 'all' } }, 'All chains')),
            make('h1', { tabIndex: -1, data: { key: 'title' } }, name ?? 'Unnamed'),
            make('p', { class: 'soft small' }, [count(renders.length, 'render'),
                mean === null ? null : `${percent(mean)} consistent`, `changed ${ago(renders.at(-1)?.createdAt ?? updatedAt)}`]
                .filter(Boolean).join(' · ')));
    }

    #showStrip(current) {
        const key = JSON.stringify([current?.renderId, this.#chain.renders.map(({ renderId, status, memory }) => [renderId, status, memory?.palette])]);
        if (this.#strip.dataset.shown === key)
            return;
        this.#strip.dataset.shown = key;
        const left = this.#strip.querySelector('.strip')?.scrollLeft;
        replace(this.#strip, filmstrip(this.#chain.renders, {
            pictures: this.#app.pictures, name: this.title, selected: current?.renderId, line: true,
            href: (render) => this.#app.href(this.#chainId, render.renderId),
        }));
        const strip = this.#strip.querySelector('.strip'), frame = strip.querySelector('[aria-current]')?.parentNode;
        strip.scrollLeft = left ?? strip.scrollWidth;
        if (frame && (frame.offsetLeft < strip.scrollLeft || frame.offsetLeft + frame.offsetWidth > strip.scrollLeft + strip.clientWidth))
            strip.scrollLeft = frame.offsetLeft - (strip.clientWidth - frame.offsetWidth) / 2;
    }

    /* ---- the render ---- */

    #showRender(render) {
        const key = JSON.stringify([render.renderId, render.status, render.outputUrl, render.error]);
        if (this.#shown !== key) {
            this.#shown = key;
            this.#board = new StageBoard(pastDurations(this.#chain.renders));
            this.#progress = make('progress', { max: 1, value: 0, ariaLabel: 'Progress' });
            this.#elapsed = make('span', { class: 'elapsed' });
            this.#status = make('span', { class: 'status', data: { status: render.status } }, STATUS[render.status] ?? render.status);
            replace(this.#render, this.#renderParts(render));
        }
        const live = this.#runs.state(render.renderId);
        this.#board.update(live?.stages.length ? live.stages : render.stages);
        if (isRunning(render) && live)
            this.#showLive(live);
        this.#tick();
    }

    #renderParts(render) {
        const title = `${render.type === 'video' ? 'Video' : 'Render'} ${render.chainPosition}`;
        return [
            make('div', { class: 'render-head' }, make('h2', {}, title), this.#status, this.#elapsed, this.#actions(render)),
            make('p', { class: 'prompt' }, render.prompt),
            this.#picture(render), this.#board.node,
            isRunning(render) ? null : this.#facts(render),
        ];
    }

    /* The picture, or what there is in its place. */
    #picture(render) {
        const { pictures } = this.#app;
        const figure = make('div', { class: 'picture', data: { status: render.status } });
        const [wide, high] = (render.aspectRatio ?? '16:9').split(':').map(Number);
        if (wide > 0 && high > 0)
            figure.style.setProperty('--ratio', `${wide} / ${high}`);
        if (render.status === 'completed' && render.outputUrl)
            figure.append(pictures.show(render.type === 'video'
                ? make('video', { controls: true, loop: true, playsInline: true, ariaLabel: render.prompt })
                : make('img', { alt: render.prompt }), render.outputUrl));
        else if (render.status === 'failed')
            figure.append(make('div', { class: 'problem' }, make('strong', {}, 'It failed. '), sentence(render.error ?? 'nobody said why')));
        else if (render.status === 'processing')
            figure.append(this.#progress);
        else
            figure.append(make('p', { class: 'soft' }, render.status === 'pending' ? 'Waits for a worker'
                : sentence(STATUS[render.status] ?? render.status)));
        return figure;
    }

    #facts(render) {
        const facts = [['Model', render.selectedModel], ['Time', render.processingMs == null ? null : duration(render.processingMs)],
            ['Credits', render.creditsCost], ['Quality', [render.quality, render.quick && 'quick'].filter(Boolean).join(', ')],
            ['Consistency', render.consistency?.score == null ? null : percent(render.consistency.score)],
            ['Made', render.completedAt ? ago(render.completedAt) : null]];
        return make('dl', { class: 'facts' }, facts.filter(([, value]) => value || value === 0)
            .map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, String(value)))));
    }

    #actions(render) {
        const { client } = this.#app, id = render.renderId;
        const button = (key, text, act) => make('button', { type: 'button', data: { key }, on: { click: act } },
            ICONS[key] ? icon(ICONS[key]) : null, text);
        const ask = (what) => () => this.#ask(() => client[what](id));
        return make('div', { class: 'actions' },
            isRunning(render) ? button('cancel', 'Cancel', ask('cancel')) : null,
            ['failed', 'cancelled'].includes(render.status) ? button('retry', 'Retry', ask('retry')) : null,
            render.status === 'completed' ? [button('branch', 'Branch', () => this.composer.branchFrom(render)),
                button('save', 'Save', () => this.#save(render))] : []);
    }

    /* Ask for something that changes the render, and look what has become of it. */
    async #ask(what) {
        try {
            await what();
            await this.load();
        } catch (error) {
            if (!this.#app.refused(error))
                this.#app.complain(error);
        }
    }

    /* Save the picture as a file. */
    #save(render) {
        return this.#ask(async () => {
            const name = `${this.title}-${render.chainPosition}.${render.outputUrl.split('.').pop()}`;
            make('a', { href: await this.#app.pictures.url(render.outputUrl), download: name.replace(/[^\w.-]+/g, '-') }).click();
        });
    }

    /* ---- while it runs ---- */

    #find(id) {
        return this.#chain?.renders.find((one) => one.renderId === id);
    }

    #changed(id, state) {
        const render = this.#find(id);
        if (!render) {
            this.load();
            return;
        }
        const status = state.status;
        if (isRunning({ status }) && status !== render.status) {
            render.status = status;
            this.#show();
        } else if (render === this.#current()) {
            this.#board.update(state.stages);
            this.#showLive(state);
        }
    }

    #showLive(state) {
        const status = this.#chain && this.#current().status;
        this.#status.textContent = STATUS[status] ?? status;
        this.#status.dataset.status = status;
        this.#progress.value = state.progress;
    }

    /* A render has ended, which may be known. */
    async #ended(id, { status }) {
        if (this.#find(id)?.status === status)
            return;
        await this.load();
        const render = this.#find(id);
        if (render && !this.#closed)
            this.#app.announce(`Render ${render.chainPosition} ${STATUS[render.status] ?? render.status}`);
        this.#app.showCredits();
    }

    #tick() {
        const render = this.#chain && this.#current();
        if (!render || !this.#board)
            return;
        const since = isRunning(render) ? this.#runs.state(render.renderId)?.runningSince : undefined;
        this.#elapsed.textContent = since ? duration(Date.now() - since) : '';
        if (isRunning(render))
            this.#board.tick();
    }

    /* ---- pins ---- */

    /* Pin a value of the memory, or release it. */
    #pin(path, value) {
        const { client } = this.#app;
        return this.#ask(async () => {
            if (value !== null) {
                await client.pin(this.#chainId, path.reduceRight((inner, name) => ({ [name]: inner }), value));
                return;
            }
            await client.unpin(this.#chainId, [path.join('.')]);
            // The pins have narrowed the list of the last render; the next one is to begin with all of it.
            const last = this.#lastWithMemory();
            const known = last && path.length === 1 ? this.#memory.known(last, path[0]) : [];
            if (known.length > (last.memory[path[0]]?.length ?? 0))
                await client.mergeMemory(last.renderId, { [path[0]]: known });
        });
    }

    close() {
        this.#closed = true;
        clearInterval(this.#clock);
        clearInterval(this.#timer);
        document.removeEventListener('visibilitychange', this.again);
        this.#runs.close();
    }
}
