// What the scripts of this directory tell the test that runs them: a line of JSON for every check.
export function check(name, ok, detail) {
  console.log(JSON.stringify({ name, ok: Boolean(ok), detail: ok ? undefined : String(detail ?? '').slice(0, 500) }));
}

// What a promise is rejected with; fails the check where it is not.
export async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return new Error('nothing was thrown');
}

// Pixel size of a PNG.
export function pngSize(bytes) {
  const png = bytes.length > 24 && bytes.readUInt32BE(0) === 0x89504e47;
  return png ? `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}` : 'no PNG';
}

// Is it an MP4 file?
export function isMp4(bytes) {
  return bytes.length > 1000 && bytes.toString('latin1', 4, 8) === 'ftyp';
}

// What a picture is asked for.
export const lookSchema = {
  type: 'object',
  properties: {
    palette: { type: 'array', items: { type: 'string' }, minItems: 3, maxItems: 8 },
    temperature: { type: 'string', enum: ['warm', 'cool', 'neutral'] },
    style: { type: 'string' },
  },
  required: ['palette', 'temperature', 'style'],
  additionalProperties: false,
};

// Does an answer have that shape?
export function isLook(text) {
  const look = JSON.parse(text);
  return Array.isArray(look.palette) && lookSchema.properties.temperature.enum.includes(look.temperature)
    && typeof look.style === 'string' && Object.keys(look).length === 3;
}
