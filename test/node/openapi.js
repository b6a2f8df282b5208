// Check a description (OpenAPI 3.1) and what a server answered against it.
// usage: node openapi.js FILE, which has {"description", "answers": [{"method", "path", "status",
// "head", "body"}], "events": [{"of", "event", "data"}], "requests": [{"name", "schema", "value",
// "valid"}]}. Prints JSON lines, {"name", "ok", "problem"}, and which answers that are described
// were never seen: {"unseen": ["GET /healthz 200", ...]}.
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const { description, answers, events, requests } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const say = (name, problem) => console.log(JSON.stringify({ name, ok: !problem, problem }));

// The description leaves schemas open, so that clients take members that come later. Here they are
// closed: what the server says and nobody has described is a mistake.
function close(value) {
    if (value === null || typeof value !== 'object') return;
    if (!Array.isArray(value) && value.properties && value.additionalProperties === undefined &&
        typeof value.properties === 'object') value.additionalProperties = false;
    Object.values(value).forEach(close);
}

const found = await new Validator().validate(structuredClone(description));
say('the description is OpenAPI 3.1', found.valid ? null : JSON.stringify(found.errors));

close(description.components.schemas);
const ajv = new Ajv2020.default({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(description, 'api');

const escape = (part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
const pointer = (...parts) => `api#/${parts.map(escape).join('/')}`;

// What is wrong with a value by the schema at a place; null where nothing is.
function problemOf(place, value) {
    const check = ajv.compile({ $ref: place });
    return check(value) ? null : ajv.errorsText(check.errors);
}

// The place of an answer in the description, behind its reference.
function placeOf(path, method, status) {
    const answer = description.paths[path][method].responses[status];
    return answer?.$ref ? answer.$ref.slice(2).split('/') : answer && ['paths', path, method, 'responses', status];
}

const at = (place) => place.reduce((value, part) => value[part], description);

const patterns = Object.keys(description.paths).map((path) => [path,
    new RegExp(`^${path.replaceAll('.', '\\.').replace('{key}', '.+').replace('{id}', '[^/]+')}$`)]);

const wanted = new Set(Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) =>
        Object.keys(operation.responses).map((status) => `${method.toUpperCase()} ${path} ${status}`))));

// The headers of an answer that are missing or wrong.
function headerProblem(place, headers) {
    for (const [name, header] of Object.entries(at(place).headers ?? {})) {
        const text = headers[name.toLowerCase()];
        if (text === undefined && header.required) return `the header ${name} is missing`;
        const value = header.schema.type === 'integer' ? Number(text) : text;
        const problem = text === undefined ? null : problemOf(pointer(...place, 'headers', name, 'schema'), value);
        if (problem) return `the header ${name}: ${problem}`;
    }
    return null;
}

// What is wrong with an answer.
function answerProblem({ method, path, status, head, body }) {
    const bare = path.split('?')[0];
    const template = patterns.find(([, pattern]) => pattern.test(bare))?.[0];
    const operation = description.paths[template]?.[method.toLowerCase()];
    if (!operation) return ['404', '405', '401'].includes(status) ? null : 'the path or method is not described';
    const place = placeOf(template, method.toLowerCase(), status);
    if (!place) return `the status ${status} is not described`;
    wanted.delete(`${method} ${template} ${status}`);
    const headers = Object.fromEntries(head.split('\r\n').slice(1).map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const wrong = headerProblem(place, headers);
    const content = at(place).content;
    if (wrong) return wrong;
    if (!content) return body === '' ? null : 'there is a body that is not described';
    const type = headers['content-type']?.split(';')[0];
    const described = content[type] ? type : content['*/*'] ? '*/*' : null;
    if (!described) return `the type ${type} is not described`;
    if (!type.endsWith('json')) return null;
    return problemOf(pointer(...place, 'content', described, 'schema'), JSON.parse(body));
}

for (const answer of answers) say(`${answer.method} ${answer.path} is ${answer.status}`, answerProblem(answer));
for (const { of, event, data } of events) {
    const streams = description.paths[`/api/${of}/{id}/events`].get.responses['200']['x-events'];
    say(`an event ${event} of ${of}`, streams[event] ? problemOf(`api${streams[event].$ref}`, JSON.parse(data)) : 'is not described');
}
for (const { name, schema, value, valid } of requests) {
    const problem = problemOf(pointer('components', 'schemas', schema), value);
    say(`${name} ${valid ? 'fits' : 'does not fit'} ${schema}`, valid ? problem : problem ? null : 'it fits');
}
console.log(JSON.stringify({ unseen: [...wanted] }));
