/* What a chain remembers, as chips: a click pins one, so that the next renders keep it whatever
 * comes out, and another releases it. Pinned lists stand for the whole list in the memory. */
import { icon, ICONS, make, replace, unseen } from '/page/elements.js';
import { readColour } from '/page/words.js';

const LISTS = [['palette', 'Palette'], ['materials', 'Materials']];
const SINGLES = [['lightingStyle', 'Light'], ['architecturalStyle', 'Architecture']];
const LISTED_MOST = 24;

/* Entries are the same by their name, without the value and without case. */
function nameOf(entry) {
    return readColour(entry).name.toLowerCase();
}

function texts(list) {
    return Array.isArray(list) ? list.filter((entry) => typeof entry === 'string' && entry) : [];
}

/* All of some lists, each entry once. */
function union(...lists) {
    const seen = new Map();
    for (const entry of lists.flat())
        if (!seen.has(nameOf(entry)))
            seen.set(nameOf(entry), entry);
    return [...seen.values()].slice(0, LISTED_MOST);
}

export class MemoryPanel {
    node = make('section', { class: 'memory', 'aria-labelledby': 'memory-title' });
    #pin;
    #seen = { palette: [], materials: [] };
    #body = make('div');

    /* pin(path, value or null) pins or releases; it gives the pins then in force. */
    constructor(pin) {
        this.#pin = pin;
        this.node.append(make('h2', { id: 'memory-title' }, 'Memory'),
            make('p', { class: 'soft small' }, 'What the next render begins with. Pin what has to stay, whatever comes out.'),
            this.#body);
    }

    /* All entries of a list that this chain is known to have had; pinning narrows the memory itself. */
    known(name) {
        return this.#seen[name];
    }

    /* Show the memory of a render and the pins of its chain. */
    update(memory, pins) {
        const codes = memory?.styleCodes ?? {};
        const rows = LISTS.map(([name, title]) => {
            const pinned = texts(pins?.[name]);
            const own = union(pinned, texts(memory?.[name]), name === 'palette' ? texts(codes.colorPalette) : []);
            this.#seen[name] = union(own, this.#seen[name]);
            return this.#row(title, this.#seen[name].map((entry) => this.#chip(name, entry, pinned)));
        });
        for (const [name, title] of SINGLES) {
            const pinned = pins?.styleCodes?.[name], value = pinned ?? codes[name];
            if (typeof value === 'string' && value)
                rows.push(this.#row(title, [this.#single(name, value, pinned !== undefined)]));
        }
        replace(this.#body, rows.filter(Boolean).length ? rows
            : make('p', { class: 'soft' }, 'Nothing yet: it comes from the first picture.'));
    }

    #row(title, chips) {
        return chips.length && make('div', { class: 'chip-row' }, make('h3', {}, title), make('ul', { class: 'chips' }, chips));
    }

    /* An entry of a list. */
    #chip(name, entry, pinned) {
        const isPinned = pinned.some((other) => nameOf(other) === nameOf(entry));
        const next = isPinned ? pinned.filter((other) => nameOf(other) !== nameOf(entry)) : [...pinned, entry];
        const { name: text, value } = name === 'palette' ? readColour(entry) : { name: entry, value: null };
        return this.#button(`${name}/${nameOf(entry)}`, text, value, isPinned, () => this.#pin([name], next.length ? next : null));
    }

    #single(name, value, isPinned) {
        return this.#button(name, value, null, isPinned, () => this.#pin(['styleCodes', name], isPinned ? null : value));
    }

    #button(key, text, colour, isPinned, act) {
        const swatch = colour && make('i', { class: 'swatch' });
        if (swatch)
            swatch.style.backgroundColor = colour;
        const button = make('button', {
            type: 'button', class: 'chip', title: colour, 'aria-pressed': String(isPinned), data: { key },
            on: { click: () => {
                button.ariaBusy = 'true';
                Promise.resolve(act()).finally(() => { button.ariaBusy = null; });
            } },
        }, swatch, unseen('Pin '), make('span', { class: 'name' }, text), isPinned ? icon(ICONS.pin) : null);
        return make('li', {}, button);
    }
}
