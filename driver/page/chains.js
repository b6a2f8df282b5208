/* All chains of the user, each as a filmstrip, and the form for a new one. */
import { make, replace } from '/page/elements.js';
import { Composer, problem } from '/page/composer.js';
import { filmstrip } from '/page/strip.js';
import { ago, count } from '/page/words.js';

const SHOWN = 12; // frames of a chain, the last ones
const LOOK_AGAIN_MS = 15000; // where they cannot be had

export class ChainsView {
    node = make('div', { class: 'overview' });
    title = 'Chains';
    #app;
    #list = make('section', { 'aria-labelledby': 'chains-title' });
    #watcher = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: '300px' });
    #rows = new Map(); // element -> chain
    #closed = false;
    #timer;

    constructor(app) {
        this.#app = app;
        this.#load();
    }

    async #load() {
        replace(this.node, make('p', { class: 'soft loading' }, 'Loading chains'));
        try {
            const chains = await this.#app.client.chains();
            if (this.#closed)
                return;
            this.#app.setChainNames(chains.map((chain) => chain.name));
            this.composer = new Composer(this.#app, { chains, submitted: (queued) => this.#app.go(queued.chainId, queued.renderId) });
            replace(this.node, make('h1', { class: 'unseen', tabIndex: -1 }, 'Chains'), this.composer.node, this.#list);
            this.#show(chains);
        } catch (error) {
            if (this.#closed || this.#app.refused(error))
                return;
            replace(this.node, problem(error));
            this.#timer = setTimeout(() => this.#load(), LOOK_AGAIN_MS);
        }
    }

    #show(chains) {
        replace(this.#list, make('h2', { id: 'chains-title' }, 'Chains'), chains.length
            ? chains.map((chain) => this.#row(chain))
            : make('div', { class: 'empty' }, make('p', { class: 'large' }, 'No chains yet'),
                make('p', { class: 'soft' }, 'Describe a place above. Its palette, materials and light are remembered, '
                    + 'so that whatever you render next in the same chain stays the same place.')));
    }

    #row(chain) {
        const row = make('article', { class: 'chain-row' },
            make('h3', {}, make('a', { href: this.#app.href(chain.chainId) }, chain.name ?? 'Unnamed'),
                make('span', { class: 'soft small' }, ` ${count(chain.renders, 'render')} · ${ago(chain.updatedAt)}`)),
            make('div', { class: 'strip-place' }));
        this.#rows.set(row, chain);
        this.#watcher.observe(row);
        return row;
    }

    async #seen(entries) {
        for (const { isIntersecting, target } of entries) {
            if (!isIntersecting)
                continue;
            this.#watcher.unobserve(target);
            this.#fill(target, this.#rows.get(target));
        }
    }

    /* Show the frames of a chain that has come into view. */
    async #fill(row, { chainId, name }) {
        const place = row.querySelector('.strip-place');
        try {
            const chain = await this.#app.client.chain(chainId);
            if (this.#closed)
                return;
            replace(place, filmstrip(chain.renders.slice(-SHOWN), {
                pictures: this.#app.pictures, name: name ?? 'unnamed', href: (render) => this.#app.href(chainId, render.renderId),
            }));
            const strip = place.querySelector('.strip');
            strip.scrollLeft = strip.scrollWidth;
        } catch (error) {
            if (!this.#closed && !this.#app.refused(error))
                replace(place, problem(error));
        }
    }

    close() {
        this.#closed = true;
        clearTimeout(this.#timer);
        this.#watcher.disconnect();
    }
}
