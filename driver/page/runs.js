/* The renders of a chain that run, whoever has submitted them: all are followed on one stream, and
 * only while the page is seen, as browsers open six connections to a server. */
import { expectedStages, inOrder, stateAfter } from '/renderchain.js';

const UNTOLD = { status: 'pending', stages: [], progress: 0, active: false };

export class Runs {
    #client;
    #chainId;
    #told;
    #states = new Map();
    #lastEventId = '';
    #stop = null;

    /* told.changed(renderId, state) is told of each change, told.ended(renderId, data) of the end of
     * a render, told.caughtUp() when all that had happened before was told, told.failed(error) when
     * nothing more will come. */
    constructor(client, chainId, told) {
        this.#client = client;
        this.#chainId = chainId;
        this.#told = told;
        this.visibility = () => this.#sync();
        document.addEventListener('visibilitychange', this.visibility);
        this.#sync();
    }

    /* What is known of a render that runs. */
    state(renderId) {
        return this.#states.get(renderId);
    }

    /* These are the renders of the chain, of which those that run are expected to do more. */
    know(renders, isRunning) {
        for (const render of renders) {
            if (!isRunning(render)) {
                this.#states.delete(render.renderId);
                continue;
            }
            const state = this.#states.get(render.renderId) ?? { ...UNTOLD, status: render.status };
            const isNew = ({ stage, part }) => !state.stages.some((other) => other.stage === stage && other.part === part);
            const stages = inOrder([...expectedStages(render).filter(isNew), ...state.stages]);
            this.#states.set(render.renderId, { ...state, stages, active: true });
        }
    }

    #sync() {
        if (document.hidden === !this.#stop)
            return;
        this.#stop?.abort();
        this.#stop = document.hidden ? null : new AbortController();
        if (this.#stop)
            this.#listen(this.#stop.signal);
    }

    async #listen(signal) {
        try {
            const events = this.#client.chainEvents(this.#chainId, { lastEventId: this.#lastEventId, signal });
            for await (const event of events) {
                if (signal.aborted)
                    return;
                this.#lastEventId = event.id || this.#lastEventId;
                this.#take(event);
            }
        } catch (error) {
            if (!signal.aborted)
                this.#told.failed(error);
        }
    }

    #take({ event, data }) {
        if (event === 'chain') {
            this.#told.caughtUp();
            return;
        }
        const id = data.renderId, state = stateAfter(this.#states.get(id) ?? UNTOLD, { event, data });
        if (event === 'end') {
            this.#states.delete(id);
            this.#told.ended(id, data);
            return;
        }
        this.#states.set(id, state);
        if (state.active)
            this.#told.changed(id, state);
    }

    close() {
        document.removeEventListener('visibilitychange', this.visibility);
        this.#stop?.abort();
        this.#states.clear();
    }
}
