/* What things are called, and numbers for people. */

export const STAGES = {
    semantic_parsing: 'Intent', image_understanding: 'Look', prompt_optimization: 'Prompt',
    prompt_optimization_simple: 'Prompt', model_routing: 'Model', image_generation: 'Picture',
    video_generation: 'Video', validation: 'Check', memory_extraction: 'Memory', storage: 'Storage',
};

/* What each wave is for, in the order of their numbers. */
export const WAVES = ['Understand', 'Prepare', 'Generate', 'Finish', 'Correct', 'Finish again'];

export const STATUS = {
    submitting: 'sending', pending: 'waiting', processing: 'running', completed: 'completed', failed: 'failed',
    cancelled: 'cancelled', deleted: 'deleted',
};

/* A stage, with the part it is about. */
export function stageName({ stage, part }) {
    const name = STAGES[stage] ?? stage.replaceAll('_', ' ');
    if (stage === 'image_understanding' && part)
        return part.charAt(0).toUpperCase() + part.slice(1);
    return part && part !== 'correction' ? `${name}: ${part}` : name;
}

/* So long: "0.4 s", "12 s", "3 min 05 s". */
export function duration(milliseconds) {
    const seconds = Math.max(0, milliseconds) / 1000;
    if (seconds < 0.05)
        return '< 0.1 s';
    if (seconds < 9.95)
        return `${seconds.toFixed(1)} s`;
    if (seconds < 99.5)
        return `${Math.round(seconds)} s`;
    return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}

/* So long ago. */
export function ago(time) {
    const seconds = (Date.now() - new Date(time)) / 1000;
    const units = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60]];
    const [unit, length] = units.find(([, length]) => seconds >= length) ?? [];
    return unit ? new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).format(-Math.floor(seconds / length), unit)
        : 'just now';
}

export function count(number, noun) {
    return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

export function percent(part) {
    return `${Math.round(part * 100)} %`;
}

/* A colour of a palette: its name, and its value where there is one that can be drawn. */
export function readColour(entry) {
    const [, name, value] = /^(.*?)\s*(#[0-9a-f]{6})$/i.exec(entry) ?? [null, entry, null];
    return { name: name || value, value: value ?? (CSS.supports('color', entry) ? entry : null) };
}

/* A sentence of what a server says in lower case. */
export function sentence(text) {
    const line = text.trim();
    return line.charAt(0).toUpperCase() + line.slice(1) + (/[.!?]$/.test(line) ? '' : '.');
}

/* What went wrong, as sentences. */
export function problemWords(error) {
    return [error.title ?? error.message, error.detail, error.hint].filter(Boolean).map(sentence);
}
