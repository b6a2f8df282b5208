/* The form that a render is made with. */
import { icon, ICONS, make, replace, unseen } from '/page/elements.js';
import { count, problemWords } from '/page/words.js';

const TYPES = 'image/png,image/jpeg,image/webp';
const ASPECTS = ['16:9', '3:2', '4:3', '1:1', '3:4', '2:3', '9:16', '21:9'];
const VIDEO_ASPECTS = ['16:9', '9:16'];
const NAME_LONGEST = 48;

/* Say what went wrong, in words. */
export function problem(error) {
    const [first, ...rest] = problemWords(error);
    return make('div', { class: 'problem', role: 'alert' }, make('strong', {}, first), rest.map((line) => [' ', line]));
}

/* A choice of a few that are seen at once. */
function segments(legend, name, choices) {
    return make('fieldset', { class: 'segments' }, make('legend', {}, legend), make('div', {}, choices.map(([value, text], index) =>
        make('label', {}, make('input', { type: 'radio', name, value, checked: index === 0 }), make('span', {}, text)))));
}

function choice(label, name, values) {
    return make('label', { class: 'field' }, make('span', {}, label),
        make('select', { name }, values.map(([value, text]) => make('option', { value }, text))));
}

/* A place for one to three images, by file button, drag and drop or paste. */
class ImageSlot {
    node = make('div', { class: 'slot' });
    files = [];
    #label;
    #most;

    constructor(label, most) {
        this.#label = label;
        this.#most = most;
        this.#show();
    }

    /* Take those that are images, as many as there is room for. */
    add(files) {
        const images = [...files].filter((file) => TYPES.split(',').includes(file.type));
        this.files = [...this.files, ...images].slice(this.#most === 1 ? -1 : 0).slice(0, this.#most);
        this.#show();
        return images.length;
    }

    clear() {
        this.files = [];
        this.#show();
    }

    #thumb(file) {
        const url = URL.createObjectURL(file);
        const letGo = () => URL.revokeObjectURL(url);
        return make('span', { class: 'thumb' },
            make('img', { src: url, alt: file.name, on: { load: letGo, error: letGo } }),
            make('button', {
                type: 'button', class: 'remove', title: `Remove ${file.name}`, data: { key: 'remove' },
                on: { click: () => {
                    this.files = this.files.filter((other) => other !== file);
                    this.#show();
                    this.node.querySelector('button, input')?.focus();
                } },
            }, icon(ICONS.close), unseen(`Remove ${file.name}`)));
    }

    #show() {
        const input = make('input', {
            type: 'file', accept: TYPES, multiple: this.#most > 1, data: { key: 'add' },
            on: { change: () => this.add(input.files) },
        });
        const room = this.files.length < this.#most;
        replace(this.node, this.files.map((file) => this.#thumb(file)),
            room && make('label', { class: 'tile' }, input, icon(ICONS.add), make('span', {}, this.#label)));
    }
}

export class Composer {
    #app;
    #chain;
    #parent = null;
    #submitted;
    #error = make('div');
    #branch = make('div');
    #slots = {
        references: new ImageSlot('References', 3), style: new ImageSlot('Style', 1),
        firstFrame: new ImageSlot('First frame', 1), lastFrame: new ImageSlot('Last frame', 1),
    };

    /* chain is that which is gone on with; without one a new one is begun, or one of chains is chosen.
     * submitted(queued) is told. */
    constructor(app, { chain = null, chains = [], submitted }) {
        this.#app = app;
        this.#chain = chain;
        this.#submitted = submitted;
        this.prompt = make('textarea', {
            name: 'prompt', rows: 3, required: true, maxLength: 20000, 'aria-keyshortcuts': 'Control+Enter',
            placeholder: chain ? 'The same at dusk' : 'A modern concrete house with an oak door, morning',
        });
        this.button = make('button', { type: 'submit', class: 'primary' }, 'Render');
        this.node = make('form', { class: 'composer card', noValidate: true, ariaLabel: chain ? 'Next render' : 'New render' },
            make('h2', {}, chain ? 'Next render' : 'New render'), this.#branch,
            make('label', { class: 'field' }, make('span', {}, 'What should it show?'), this.prompt),
            make('div', { class: 'slots' }, this.#slots.references.node, this.#slots.style.node,
                make('div', { class: 'slots only-video' }, this.#slots.firstFrame.node, this.#slots.lastFrame.node)),
            this.#options(chain ? null : chains), this.#error,
            make('div', { class: 'go' }, this.button, make('span', { class: 'soft small keys' }, 'Ctrl + Enter')));
        this.#listen();
        this.#typeChanged();
    }

    #options(chains) {
        const where = chains && make('div', { class: 'where' },
            chains.length ? choice('Chain', 'chain', [['', 'A new one'], ...chains.map((other) => [other.chainId, other.name ?? 'unnamed'])]) : null,
            make('label', { class: 'field new-chain' }, make('span', {}, 'Name of the chain'),
                make('input', { name: 'chainName', maxLength: 200, placeholder: 'after its prompt' })));
        return make('div', { class: 'options' }, where ?? [],
            segments('Kind', 'type', [['image', 'Image'], ['video', 'Video']]),
            segments('Pipeline', 'pipeline', [['full', 'Full'], ['quick', 'Quick']]),
            choice('Quality', 'quality', [['standard', 'Standard'], ['high', 'High'], ['ultra', 'Ultra']]),
            choice('Aspect ratio', 'aspectRatio', ASPECTS.map((value) => [value, value])),
            make('div', { class: 'only-video' }, choice('Duration', 'durationSeconds', [['8', '8 s'], ['6', '6 s'], ['4', '4 s']])));
    }

    #listen() {
        const { node } = this;
        node.addEventListener('submit', (event) => {
            event.preventDefault();
            this.#submit();
        });
        node.addEventListener('keydown', (event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
                this.#submit();
        });
        node.addEventListener('change', () => this.#typeChanged());
        node.addEventListener('paste', (event) => {
            if (event.clipboardData.files.length)
                this.#dropped(event, event.clipboardData.files);
        });
        node.addEventListener('dragover', (event) => {
            event.preventDefault();
            node.classList.add('over');
        });
        node.addEventListener('dragleave', (event) => {
            if (!node.contains(event.relatedTarget))
                node.classList.remove('over');
        });
        node.addEventListener('drop', (event) => this.#dropped(event, event.dataTransfer.files));
    }

    /* Take files: where they fall on a slot that is its own, else as references. */
    #dropped(event, files) {
        event.preventDefault();
        this.node.classList.remove('over');
        const slot = Object.values(this.#slots).find((one) => one.node.contains(event.target)) ?? this.#slots.references;
        const taken = slot.add(files);
        this.#app.announce(taken ? `${count(taken, 'image')} added` : 'Only PNG, JPEG and WebP images can be added');
        replace(this.#error, taken ? null : problem({ title: 'only PNG, JPEG and WebP images can be added' }));
    }

    /* Show what belongs to a video only, and no name where a chain is chosen. */
    #typeChanged() {
        const { elements } = this.node;
        const video = elements.type.value === 'video', { aspectRatio } = elements;
        for (const node of this.node.querySelectorAll('.only-video'))
            node.hidden = !video;
        for (const option of aspectRatio.options)
            option.disabled = option.hidden = video && !VIDEO_ASPECTS.includes(option.value);
        if (aspectRatio.selectedOptions[0]?.disabled ?? true)
            aspectRatio.value = VIDEO_ASPECTS[0];
        const name = this.node.querySelector('.new-chain');
        if (name)
            name.hidden = Boolean(elements.chain?.value);
        this.button.textContent = video ? 'Render video' : 'Render';
    }

    /* Go on from a render of the chain rather than from its last one. */
    branchFrom(render) {
        this.#parent = render;
        replace(this.#branch, render && make('p', { class: 'branch' }, icon(ICONS.branch), ` From render ${render.chainPosition} `,
            make('button', {
                type: 'button', class: 'quiet', on: { click: () => {
                    this.branchFrom(null);
                    this.prompt.focus();
                } },
            }, 'Go on from the last')));
        if (render) {
            this.node.scrollIntoView({ block: 'nearest' });
            this.prompt.focus();
        }
    }

    /* The name of a new chain: what was said, or after the prompt, and then none that there is. */
    #chainName(prompt) {
        const said = this.node.elements.chainName.value.trim();
        if (said)
            return said;
        const taken = new Set(this.#app.chainNames());
        const name = prompt.split(/[\n.]/)[0].slice(0, NAME_LONGEST).trim() || 'chain';
        let number = 1;
        while (taken.has(number > 1 ? `${name} ${number}` : name))
            number++;
        return number > 1 ? `${name} ${number}` : name;
    }

    #request(prompt) {
        const { elements } = this.node, slots = this.#slots, video = elements.type.value === 'video';
        const request = {
            type: elements.type.value, prompt, quality: elements.quality.value, aspectRatio: elements.aspectRatio.value,
            quick: elements.pipeline.value === 'quick', references: slots.references.files, style: slots.style.files[0],
        };
        const chainId = this.#chain?.chainId ?? elements.chain?.value;
        if (chainId)
            request.chainId = chainId;
        else
            request.chainName = this.#chainName(prompt);
        if (this.#parent)
            request.parentRenderId = this.#parent.renderId;
        if (video)
            Object.assign(request, {
                durationSeconds: Number(elements.durationSeconds.value),
                firstFrame: slots.firstFrame.files[0], lastFrame: slots.lastFrame.files[0],
            });
        return request;
    }

    async #submit() {
        const prompt = this.prompt.value.trim();
        if (this.button.disabled)
            return;
        if (!prompt) {
            replace(this.#error, problem({ title: 'say what it should show' }));
            this.prompt.focus();
            return;
        }
        this.button.disabled = true;
        replace(this.#error);
        try {
            const queued = await this.#app.client.submit(this.#request(prompt));
            this.prompt.value = '';
            Object.values(this.#slots).forEach((slot) => slot.clear());
            this.branchFrom(null);
            this.#submitted(queued);
        } catch (error) {
            if (!this.#app.refused(error))
                replace(this.#error, problem(error));
        } finally {
            this.button.disabled = false;
        }
    }
}
