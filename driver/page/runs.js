/* The renders that run: each is followed on a stream of its own, a few at a time, as browsers open
 * six connections to a server, and only while the page is seen, so that other tabs have theirs. */
import { Pipeline, expectedStages } from '/renderchain.js';

const AT_ONCE = 3;

export class Runs {
    #client;
    #changed;
    #ended;
    #wanted = [];
    #pipelines = new Map();

    /* changed(renderId, state) is told of each change, ended(renderId, error) of the end. */
    constructor(client, changed, ended) {
        this.#client = client;
        this.#changed = changed;
        this.#ended = ended;
        this.visibility = () => this.#sync();
        document.addEventListener('visibilitychange', this.visibility);
    }

    /* What is known of a render that is followed. */
    state(renderId) {
        return this.#pipelines.get(renderId)?.getState();
    }

    /* Follow these renders (of a chain), those first that come first. */
    follow(renders) {
        this.#wanted = renders;
        this.#sync();
    }

    #sync() {
        const wanted = document.hidden ? [] : this.#wanted.slice(0, AT_ONCE);
        for (const [id, pipeline] of this.#pipelines) {
            if (wanted.some((render) => render.renderId === id))
                continue;
            pipeline.close();
            this.#pipelines.delete(id);
        }
        for (const render of wanted)
            if (!this.#pipelines.has(render.renderId))
                this.#start(render);
    }

    #start(render) {
        const id = render.renderId, pipeline = new Pipeline(this.#client, render.type);
        this.#pipelines.set(id, pipeline);
        const over = (error) => {
            if (this.#pipelines.get(id) !== pipeline)
                return;
            this.#pipelines.delete(id);
            this.#wanted = this.#wanted.filter((other) => other.renderId !== id);
            this.#ended(id, error);
        };
        pipeline.follow(id, { stages: expectedStages(render) }).then((result) => result && over(), over);
        pipeline.subscribe((state) => this.#changed(id, state));
    }

    close() {
        document.removeEventListener('visibilitychange', this.visibility);
        this.#wanted = [];
        this.#pipelines.forEach((pipeline) => pipeline.close());
        this.#pipelines.clear();
    }
}
