/* The stages of a render: a column for each wave, in which those that run at the same time stand
 * together. A badge fills while its stage runs, as fast as that stage took before. */
import { waveOf } from '/renderchain.js';
import { icon, ICONS, make, unseen } from '/page/elements.js';
import { duration, stageName, WAVES } from '/page/words.js';

const GUESS_MS = 2500; // where nothing is known of a stage's past
const SAID = { waiting: 'waits', running: 'runs', success: 'done', failed: 'failed', skipped: 'left out' };

/* How long stages took in earlier renders of a chain: the median of each. */
export function pastDurations(renders) {
    const past = new Map();
    for (const { stages } of renders)
        for (const { stage, status, outcome, durationMs } of stages)
            if (status === 'success' && outcome !== 'cached' && durationMs > 0)
                past.set(stage, [...(past.get(stage) ?? []), durationMs]);
    return new Map([...past].map(([stage, times]) => [stage, times.sort((a, b) => a - b)[times.length >> 1]]));
}

/* How far a stage is, as far as one can tell: never quite done before it is. */
function filled(elapsed, expected) {
    return 1 - Math.exp(-1.6 * elapsed / (expected ?? GUESS_MS));
}

/* What a badge says beside its name. */
function detail({ status, outcome, durationMs, runningSince }) {
    if (status === 'running')
        return duration(Date.now() - (runningSince ?? Date.now()));
    if (status === 'success')
        return outcome === 'cached' ? 'known' : duration(durationMs ?? 0);
    return status === 'failed' ? 'failed' : status === 'skipped' ? 'left out' : '';
}

export class StageBoard {
    node = make('div', { class: 'board', role: 'group', ariaLabel: 'Stages' });
    #badges = new Map();
    #columns = new Map();
    #past;

    constructor(past = new Map()) {
        this.#past = past;
    }

    /* Find the column of a wave, or make it in its place. */
    #column(wave) {
        if (!this.#columns.has(wave)) {
            const list = make('ul', { ariaLabel: WAVES[wave] });
            const column = make('div', { class: 'wave', data: { wave } },
                make('span', { class: 'wave-name', 'aria-hidden': 'true' }, WAVES[wave]), list);
            const next = [...this.#columns].filter(([other]) => other > wave).sort(([a], [b]) => a - b)[0];
            this.node.insertBefore(column, next?.[1].closest('.wave') ?? null);
            this.#columns.set(wave, list);
        }
        return this.#columns.get(wave);
    }

    #badge(stage) {
        const key = `${stage.stage}/${stage.part}`;
        if (!this.#badges.has(key)) {
            const badge = {
                node: make('li', { class: 'badge', data: { stage: stage.stage, part: stage.part } }),
                mark: make('span', { class: 'mark', 'aria-hidden': 'true' }),
                said: unseen(''),
                detail: make('span', { class: 'time' }),
            };
            badge.node.append(badge.mark, make('span', { class: 'name' }, stageName(stage)), ' ', badge.detail, badge.said);
            this.#column(Math.max(0, waveOf(stage))).append(badge.node);
            this.#badges.set(key, badge);
        }
        return this.#badges.get(key);
    }

    /* Show these stages, in this order. */
    update(stages) {
        for (const stage of stages) {
            const badge = this.#badge(stage);
            const { status } = stage;
            if (badge.node.dataset.status !== status) {
                badge.node.dataset.status = status;
                badge.mark.replaceChildren(...(status === 'success' ? [icon(ICONS.check)]
                    : status === 'failed' ? [icon(ICONS.failed)] : []));
                badge.said.textContent = `, ${SAID[status]}`;
            }
            badge.stage = stage;
            badge.node.title = [stage.model, stage.error].filter(Boolean).join(': ');
            badge.node.parentNode.append(badge.node);
        }
        for (const [key, badge] of this.#badges)
            if (!stages.some((stage) => `${stage.stage}/${stage.part}` === key)) {
                badge.node.remove();
                this.#badges.delete(key);
            }
        for (const list of this.#columns.values())
            list.closest('.wave').hidden = !list.children.length;
        this.tick();
    }

    /* Time goes on. */
    tick() {
        for (const { node, detail: text, stage } of this.#badges.values()) {
            const said = detail(stage);
            if (text.textContent !== said)
                text.textContent = said;
            if (stage.status === 'running')
                node.style.setProperty('--filled',
                    filled(Date.now() - (stage.runningSince ?? Date.now()), this.#past.get(stage.stage)).toFixed(3));
        }
    }
}
