// Google's official client talks to the local model server, as to Google.
// usage: node gemini_client.mjs URL PHOTO DIRECTORY PART...
import { readFileSync } from 'node:fs';
import { ApiError, GoogleGenAI } from '@google/genai';
import { check, isLook, isMp4, lookSchema, pngSize, rejection } from './checks.mjs';

const [url, photoFile, directory, ...wanted] = process.argv.slice(2);
const ai = new GoogleGenAI({ apiKey: 'local', httpOptions: { baseUrl: url } });
const data = readFileSync(photoFile).toString('base64');
const photo = { inlineData: { mimeType: 'image/png', data } };

// The picture of a reply: the last that is no draft.
function pictureOf(reply) {
  const parts = reply.candidates?.[0]?.content?.parts ?? [];
  const last = parts.filter((part) => part.inlineData && !part.thought).pop();
  return last ? Buffer.from(last.inlineData.data, 'base64') : Buffer.alloc(0);
}

function draw(contents, imageConfig = { aspectRatio: '1:1' }, model = 'local-image-flash') {
  return ai.models.generateContent({ model, contents, config: { responseModalities: ['TEXT', 'IMAGE'], imageConfig } });
}

async function texts() {
  const reply = await ai.models.generateContent({ model: 'local-vision', contents: 'Describe a brick house.' });
  check('text', reply.text?.length > 0, JSON.stringify(reply));
  check('finish reason', reply.candidates[0].finishReason === 'STOP', JSON.stringify(reply));
  check('usage of a text', reply.usageMetadata.totalTokenCount > 0, JSON.stringify(reply));
  check('model version and response id', reply.modelVersion && reply.responseId, JSON.stringify(reply));
  const vision = await ai.models.generateContent({
    model: 'local-vision',
    contents: [{ role: 'user', parts: [{ text: 'Reference image 1:' }, photo] }],
    config: { responseMimeType: 'application/json', responseJsonSchema: lookSchema, temperature: 0 },
  });
  check('vision by a JSON schema', isLook(vision.text), vision.text);
  const model = await ai.models.get({ model: 'local-vision' });
  check('a model', model.name === 'models/local-vision', JSON.stringify(model));
  const names = [];
  for await (const entry of await ai.models.list()) names.push(entry.name);
  check('the list of models', names.includes('models/local-image-flash'), names.join());
}

async function pictures() {
  const reply = await draw('Prompt: a brick house by the sea', { aspectRatio: '4:3', imageSize: '1K' });
  check('a picture', pngSize(pictureOf(reply)) === '1200x896', pngSize(pictureOf(reply)));
  check('usage of a picture', reply.usageMetadata.candidatesTokensDetails.some((entry) => entry.modality === 'IMAGE' && entry.tokenCount > 0),
    JSON.stringify(reply.usageMetadata));
  const edit = await draw([{ text: 'Reference image 1 (keep this subject):' }, photo, { text: 'Style image (copy only its style):' }, photo,
    { text: 'Mask (white is where to edit):' }, photo, { text: 'Prompt: the same at dusk' }]);
  check('an edit of several images with a mask', pngSize(pictureOf(edit)) === '1024x1024', pngSize(pictureOf(edit)));
  const pro = await draw('Prompt: a gothic tower', { aspectRatio: '1:1', imageSize: '2K' }, 'local-image-pro');
  check('a larger picture of the pro model', pngSize(pictureOf(pro)) === '2048x2048', pngSize(pictureOf(pro)));
  const chat = ai.chats.create({ model: 'local-image-flash', config: { responseModalities: ['TEXT', 'IMAGE'], imageConfig: { aspectRatio: '1:1' } } });
  await chat.sendMessage({ message: 'Prompt: a wooden house' });
  const second = await chat.sendMessage({ message: 'Prompt: the same in winter' });
  check('a conversation with thought signatures', pngSize(pictureOf(second)) === '1024x1024', JSON.stringify(second).slice(0, 300));
}

async function videoOf(operation, name) {
  while (!operation.done) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    operation = await ai.operations.getVideosOperation({ operation });
  }
  check(`${name}: the operation ends well`, !operation.error, JSON.stringify(operation));
  const video = operation.response?.generatedVideos?.[0];
  check(`${name}: with one video`, video?.video?.uri, JSON.stringify(operation));
  const path = `${directory}/${name.replaceAll(' ', '-')}.mp4`;
  await ai.files.download({ file: video, downloadPath: path });
  check(`${name}: which is downloaded`, isMp4(readFileSync(path)), path);
  return video.video;
}

async function videos() {
  const image = { imageBytes: data, mimeType: 'image/png' };
  const config = { durationSeconds: 8, aspectRatio: '16:9', resolution: '720p' };
  const start = (source, more) => ai.models.generateVideos({ model: 'local-video', source, config: { ...config, ...more } });
  const operation = await start({ prompt: 'a brick house' }, { durationSeconds: 4 });
  check('a video is started', operation.name.includes('/operations/') && !operation.done, JSON.stringify(operation));
  const made = await videoOf(operation, 'a video of words');
  await videoOf(await start({ prompt: 'the house', image }, { durationSeconds: 4, lastFrame: image }), 'a video between frames');
  await videoOf(await start({ prompt: 'the house' }, { referenceImages: [{ image, referenceType: 'ASSET' }] }), 'a video of references');
  await videoOf(await start({ prompt: 'the camera rises', video: { uri: made.uri } }), 'a video that goes on');
  const error = await rejection(start({ prompt: 'x' }, { durationSeconds: 5 }));
  check('a length that there is not', error instanceof ApiError && error.status === 400, error);
}

async function interactions() {
  let made = await ai.interactions.create({
    model: 'local-video-fast',
    input: [{ type: 'text', text: 'a brick house. The video is 4 seconds long.' }, { type: 'image', data, mime_type: 'image/png' }],
    generation_config: { video_config: { task: 'image_to_video' } },
    response_format: { type: 'video', aspect_ratio: '9:16', resolution: '720p', delivery: 'uri' },
    background: true,
    store: true,
  });
  check('an interaction is started', made.id && made.object === 'interaction', JSON.stringify(made));
  while (made.status === 'in_progress' || made.status === 'queued') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    made = await ai.interactions.get(made.id);
  }
  const video = made.steps?.flatMap((step) => step.content ?? []).find((content) => content.type === 'video');
  check('and ends with a video', made.status === 'completed' && video?.mime_type === 'video/mp4', JSON.stringify(made).slice(0, 400));
  check('and its usage', made.usage?.total_output_tokens > 0, JSON.stringify(made.usage));
  const whole = await ai.interactions.create({ model: 'local-video-fast', input: 'a wooden house. The video is 4 seconds long.',
    response_format: { type: 'video', delivery: 'uri' } });
  check('an interaction that is waited for', whole.status === 'completed', JSON.stringify(whole).slice(0, 300));
  const error = await rejection(ai.interactions.create({ model: 'no-such-model', input: 'x' }, { maxRetries: 0 }));
  check('an interaction with an unknown model', error.status === 404, `${error.status} ${error}`);
}

async function errors() {
  const stranger = new GoogleGenAI({ apiKey: 'wrong', httpOptions: { baseUrl: url } });
  let error = await rejection(stranger.models.generateContent({ model: 'local-vision', contents: 'x' }));
  check('a wrong key', error instanceof ApiError && error.status === 400 && error.message.includes('API_KEY_INVALID'), error);
  error = await rejection(ai.models.generateContent({ model: 'no-such-model', contents: 'x' }));
  check('an unknown model', error instanceof ApiError && error.status === 404 && error.message.includes('NOT_FOUND'), error);
  error = await rejection(draw('Prompt: x', { aspectRatio: '7:5' }));
  check('an invalid argument', error instanceof ApiError && error.status === 400 && error.message.includes('INVALID_ARGUMENT'), error);
  error = await rejection(ai.models.generateContentStream({ model: 'local-vision', contents: 'x' }));
  check('streaming is not served, and said so', error instanceof ApiError && error.status === 404 && error.message.includes('streamGenerateContent'), error);
  error = await rejection(stranger.files.download({ file: 'files/none', downloadPath: `${directory}/none.mp4` }));
  check('a download with a wrong key', error.message.includes('API key not valid'), error);
}

const parts = [texts, pictures, videos, interactions, errors];
for (const part of parts.filter(({ name }) => wanted.includes(name))) {
  const error = await part().then(() => null, (thrown) => thrown);
  check(`${part.name}: to the end`, !error, error?.stack);
}
