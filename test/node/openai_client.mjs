// OpenAI's official client talks to the local model server, as to OpenAI.
// usage: node openai_client.mjs URL PHOTO PART...
import { readFileSync } from 'node:fs';
import OpenAI, { AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError, toFile } from 'openai';
import { check, isLook, lookSchema, pngSize, rejection } from './checks.mjs';

const [url, photoFile, ...wanted] = process.argv.slice(2);
const client = new OpenAI({ apiKey: 'local', baseURL: `${url}/v1`, maxRetries: 0 });
const bytes = readFileSync(photoFile);
const photo = () => toFile(bytes, 'photo.png', { type: 'image/png' });
const seen = { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}`, detail: 'high' } };

function sizeOf(reply) {
  return pngSize(Buffer.from(reply.data?.[0]?.b64_json ?? '', 'base64'));
}

async function chats() {
  const reply = await client.chat.completions.create({ model: 'local-vision', messages: [{ role: 'user', content: 'Describe a brick house.' }] });
  check('text', reply.choices[0].message.content.length > 0, JSON.stringify(reply));
  check('finish reason', reply.choices[0].finish_reason === 'stop', JSON.stringify(reply));
  check('usage', reply.usage.total_tokens > 0 && reply.object === 'chat.completion', JSON.stringify(reply));
  const vision = await client.chat.completions.create({
    model: 'local-vision',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Reference image 1:' }, seen] }],
    response_format: { type: 'json_schema', json_schema: { name: 'look', strict: true, schema: lookSchema } },
    temperature: 0,
  });
  check('vision by a strict JSON schema', isLook(vision.choices[0].message.content), vision.choices[0].message.content);
  check('no refusal', vision.choices[0].message.refusal === null, JSON.stringify(vision.choices[0]));
}

async function pictures() {
  const reply = await client.images.generate({ model: 'local-image-flash', prompt: 'Prompt: a brick house', n: 1, size: '1536x1024', quality: 'high', output_format: 'png' });
  check('a picture', sizeOf(reply) === '1264x848', sizeOf(reply));
  check('usage of a picture', reply.usage.output_tokens > 0, JSON.stringify(reply.usage));
  const edit = await client.images.edit({ model: 'local-image-flash', image: await photo(), prompt: 'Prompt: the same at dusk', size: '1024x1024' });
  check('an edit of one image', sizeOf(edit) === '1024x1024', sizeOf(edit));
  const several = await client.images.edit({ model: 'gpt-image-2.6-sunburst', image: [await photo(), await photo(), await photo()], mask: await photo(),
    prompt: 'Prompt: the house in the garden', size: '1024x1536', input_fidelity: 'high' });
  check('an edit of three images with a mask', sizeOf(several) === '848x1264', sizeOf(several));
}

async function errors() {
  const stranger = new OpenAI({ apiKey: 'wrong', baseURL: `${url}/v1`, maxRetries: 0 });
  const messages = [{ role: 'user', content: 'x' }];
  let error = await rejection(stranger.chat.completions.create({ model: 'local-vision', messages }));
  check('a wrong key', error instanceof AuthenticationError && error.code === 'invalid_api_key', `${error.status} ${error.code} ${error}`);
  error = await rejection(client.chat.completions.create({ model: 'no-such-model', messages }));
  check('an unknown model', error instanceof NotFoundError && error.code === 'model_not_found', `${error.status} ${error.code} ${error}`);
  error = await rejection(client.images.generate({ model: 'local-image-flash', prompt: 'x', size: '1000x1000' }));
  check('an invalid argument', error instanceof BadRequestError && error.param === 'size', `${error.status} ${error.param} ${error}`);
  const loose = { type: 'json_schema', json_schema: { name: 'loose', strict: true, schema: { type: 'object', properties: { a: { type: 'string' } } } } };
  error = await rejection(client.chat.completions.create({ model: 'local-vision', messages, response_format: loose }));
  check('a schema that is not strict', error instanceof BadRequestError && error.param === 'response_format', `${error.status} ${error.param} ${error}`);
  error = await rejection(client.chat.completions.create({ model: 'local-vision', messages, top_k: 5 }));
  check('an unknown argument', error instanceof BadRequestError && error.code === 'unknown_parameter' && error.param === 'top_k', `${error.code} ${error.param} ${error}`);
  error = await rejection(client.chat.completions.create({ model: 'local-vision', messages, stream: true }));
  check('streaming is not served, and said so', error instanceof BadRequestError && error.param === 'stream', `${error.status} ${error}`);
}

// Faults that a server was started with, in the order of its calls.
async function faults() {
  const create = () => client.images.generate({ model: 'local-image-flash', prompt: 'Prompt: a house' });
  let error = await rejection(create());
  check('429', error instanceof RateLimitError && error.code === 'rate_limit_exceeded', `${error.status} ${error.code} ${error}`);
  error = await rejection(create());
  check('503', error instanceof InternalServerError && error.status === 503, `${error.status} ${error}`);
  error = await rejection(create());
  check('refused', error instanceof BadRequestError && error.code === 'moderation_blocked', `${error.status} ${error.code} ${error}`);
  const empty = await create();
  check('no picture', empty.data.length === 0, JSON.stringify(empty));
}

const parts = [chats, pictures, errors, faults];
for (const part of parts.filter(({ name }) => wanted.includes(name))) {
  const error = await part().then(() => null, (thrown) => thrown);
  check(`${part.name}: to the end`, !error, error?.stack);
}
