/* A chain as a filmstrip: a frame for each render, its palette below it, and over them the line of
 * how near each stayed to what the chain remembered. */
import { draw, make, unseen } from '/page/elements.js';
import { percent, readColour, STATUS } from '/page/words.js';

const LINE_HEIGHT = 62, LINE_TOP = 17;

/* A palette as a bar of its colours. */
export function paletteBar(memory) {
    const colours = (Array.isArray(memory?.palette) ? memory.palette : []).map((entry) => readColour(String(entry)).value).filter(Boolean);
    return make('span', { class: 'palette-bar', 'aria-hidden': 'true' }, colours.map((value) => {
        const part = make('i');
        part.style.backgroundColor = value;
        return part;
    }));
}

/* What there is to see of a render. */
function picture(render, pictures) {
    if (render.status === 'completed' && render.outputUrl)
        return render.type === 'video'
            ? pictures.show(make('video', { muted: true, playsInline: true, preload: 'metadata', tabIndex: -1 }), render.outputUrl)
            : pictures.show(make('img', { alt: '', decoding: 'async' }), render.outputUrl);
    return make('span', { class: 'nothing', 'aria-hidden': 'true' });
}

/* What a frame is called. */
function frameName(render) {
    const kind = render.type === 'video' ? 'Video' : 'Render';
    const score = render.consistency?.score;
    return [`${kind} ${render.chainPosition}`, STATUS[render.status] ?? render.status,
        score === undefined ? null : `consistency ${percent(score)}`].filter(Boolean).join(', ');
}

/* A frame, which leads to its render. */
function frame(render, options) {
    const { pictures, selected, byId, href } = options;
    const parent = byId.get(render.parentRenderId);
    const link = make('a', {
        class: 'frame', href: href(render), data: { key: render.renderId, status: render.status },
        'aria-current': render.renderId === selected ? 'true' : undefined,
    },
    make('span', { class: 'film' }, picture(render, pictures),
        render.status === 'completed' ? null : make('span', { class: 'flag' }, STATUS[render.status] ?? render.status),
        render.type === 'video' ? make('span', { class: 'kind', 'aria-hidden': 'true' }, 'video') : null),
    paletteBar(render.memory),
    make('span', { class: 'label' },
        make('span', { class: 'number', 'aria-hidden': 'true' }, `${render.chainPosition ?? ''}`),
        unseen(`${frameName(render)}: `), make('span', { class: 'words' }, render.prompt),
        parent ? make('span', { class: 'from' }, `from ${parent.chainPosition}`) : null));
    return make('li', {}, link);
}

/* The line over the frames: a dot over the middle of each that has a score. */
function line(renders) {
    const step = 100 / renders.length;
    const dots = renders.map((render, index) => ({ score: render.consistency?.score, x: (index + 0.5) * step }))
        .filter(({ score }) => typeof score === 'number')
        .map((dot) => ({ ...dot, y: LINE_TOP + (1 - dot.score) * (LINE_HEIGHT - LINE_TOP - 5) }));
    if (!dots.length)
        return null;
    const parts = dots.slice(1).map((dot, index) => draw('line', {
        x1: `${dots[index].x}%`, y1: dots[index].y, x2: `${dot.x}%`, y2: dot.y,
    }));
    const said = renders.filter((render) => render.consistency)
        .map((render) => `render ${render.chainPosition} ${percent(render.consistency.score)}`).join(', ');
    return draw('svg', { class: 'line', height: LINE_HEIGHT, role: 'img', 'aria-label': `Consistency: ${said}` }, parts,
        dots[0].x > step ? draw('text', { class: 'line-name', x: 0, y: dots[0].y + 4 }, 'consistency') : [],
        dots.flatMap(({ x, y, score }) => [
            draw('circle', { cx: `${x}%`, cy: y, r: 3.5 }),
            draw('text', { x: `${x}%`, y: y - 8, 'text-anchor': 'middle' }, percent(score)),
        ]));
}

/* The mean of what is known. */
export function meanConsistency(renders) {
    const scores = renders.map((render) => render.consistency?.score).filter((score) => typeof score === 'number');
    return scores.length ? scores.reduce((sum, score) => sum + score, 0) / scores.length : null;
}

/* Make the strip: href(render) is where a frame leads to, selected the id of the render shown. */
export function filmstrip(renders, options) {
    const byId = new Map(renders.map((render) => [render.renderId, render]));
    return make('div', { class: 'strip', tabIndex: 0, role: 'group', ariaLabel: `Filmstrip of ${options.name}` },
        make('div', { class: 'reel' }, options.line ? line(renders) : null,
            make('ol', { class: 'frames' }, renders.map((render) => frame(render, { ...options, byId })))));
}
