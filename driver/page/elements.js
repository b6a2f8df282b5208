/* Making elements. Texts come in as texts: nothing here, or anywhere on the page, reads HTML. */

/* Set what an element is given: data and on are objects, what has a dash or is no property an
 * attribute. */
function assign(node, properties) {
    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined || value === null)
            continue;
        if (name === 'on')
            Object.entries(value).forEach(([event, listener]) => node.addEventListener(event, listener));
        else if (name === 'data')
            Object.assign(node.dataset, value);
        else if (name === 'class')
            node.setAttribute('class', value);
        else if (name in node && !(node instanceof SVGElement))
            node[name] = value;
        else
            node.setAttribute(name, value);
    }
    return node;
}

/* Make an element; children are elements, texts, or nothing. */
export function make(tag, properties = {}, ...children) {
    const node = assign(document.createElement(tag), properties);
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
}

/* The same for a drawing. */
export function draw(tag, properties = {}, ...children) {
    const node = assign(document.createElementNS('http://www.w3.org/2000/svg', tag), properties);
    node.append(...children.flat());
    return node;
}

/* An icon of two or three strokes. */
export function icon(path) {
    return draw('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' }, draw('path', { d: path }));
}

export const ICONS = {
    add: 'M8 3v10M3 8h10', close: 'M4 4l8 8M12 4l-8 8', check: 'M3 8.5l3.5 3.5L13 4.5', failed: 'M8 3v6M8 12v.5',
    branch: 'M4 3v7a3 3 0 0 0 3 3h5M9 10l3 3-3 3M4 6h0', retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
    save: 'M8 2v8M5 7l3 3 3-3M3 13.5h10', pin: 'M6 2h4l-.6 4.5L12 9H4l2.600-2.500zM8 9v5',
};

/* Text that only screen readers say. */
export function unseen(text) {
    return make('span', { class: 'unseen' }, text);
}

/* Put other children into an element; where one of the old ones had the focus, its successor of the
 * same data-key has it then. */
export function replace(node, ...children) {
    const active = document.activeElement;
    const key = node.contains(active) ? active.dataset.key : undefined;
    node.replaceChildren(...children.flat().filter(Boolean));
    if (key)
        [...node.querySelectorAll('[data-key]')].find((other) => other.dataset.key === key)?.focus();
}
