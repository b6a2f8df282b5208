// A TLS server that speaks HTTP/2 in front of another server's URL, and says goodbye as it is told.
// usage: node h2_server.mjs KEY CERTIFICATE UPSTREAM LOG [BODY=WHAT]...
// The first rule whose BODY is in a request's body counts, once. WHAT:
//   after    the answer, then GOAWAY; the connection ends with the last answer
//   middle   half the answer, GOAWAY that counts the request in, the other half
//   cut      half the answer, GOAWAY, and the connection is closed
//   refused  no answer: GOAWAY that does not count the request in, and the connection is closed
//   taken    no answer: GOAWAY that counts the request in, and the connection is closed
//   reset    no answer: the stream is refused, the connection stays
// It prints its port and ends with its standard input. LOG gets a line of JSON for each TLS
// handshake and each request.
import { appendFileSync, readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';

const [keyFile, certificateFile, upstream, log, ...words] = process.argv.slice(2);
const rules = words.map((word) => ({ text: word.slice(0, word.lastIndexOf('=')), what: word.slice(word.lastIndexOf('=') + 1), used: false }));
const { NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;
const dropped = ['connection', 'keep-alive', 'transfer-encoding'];

function note(entry) {
  appendFileSync(log, `${JSON.stringify(entry)}\n`);
}

// Hand a request on; what came back.
function forward(headers, body) {
  const plain = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')));
  return new Promise((resolve, reject) => {
    const request = http.request(upstream + headers[':path'], { method: headers[':method'], headers: plain }, (reply) => {
      const pieces = [];
      reply.on('data', (piece) => pieces.push(piece));
      reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(pieces) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// Answer, with a goodbye before, amid or after it.
async function answer(stream, headers, body, what) {
  const session = stream.session;
  const end = () => setImmediate(() => session.destroy());
  if (what === 'reset') {
    stream.close(NGHTTP2_REFUSED_STREAM);
    return;
  }
  if (what === 'refused' || what === 'taken') {
    session.goaway(NGHTTP2_NO_ERROR, what === 'taken' ? stream.id : Math.max(0, stream.id - 2));
    end();
    return;
  }
  const reply = await forward(headers, body);
  const kept = Object.fromEntries(Object.entries(reply.headers).filter(([name]) => !dropped.includes(name)));
  if (stream.destroyed) return;
  stream.respond({ ':status': reply.status, ...kept });
  if (what === 'middle' || what === 'cut') {
    const half = reply.body.length >> 1;
    stream.write(reply.body.subarray(0, half), () => {
      session.goaway(NGHTTP2_NO_ERROR, stream.id);
      if (what === 'cut') end();
      else stream.end(reply.body.subarray(half));
    });
    return;
  }
  if (what === 'after') stream.on('close', () => session.close());
  stream.end(reply.body);
}

const server = http2.createSecureServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) });
server.on('secureConnection', () => note({ handshake: true }));
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  const pieces = [];
  stream.on('error', () => {});
  stream.on('data', (piece) => pieces.push(piece));
  stream.on('end', () => {
    const body = Buffer.concat(pieces);
    const rule = rules.find((one) => !one.used && body.includes(one.text));
    if (rule) rule.used = true;
    note({ path: headers[':path'], stream: stream.id, rule: rule?.what, draws: body.includes('responseModalities') });
    answer(stream, headers, body, rule?.what).catch(() => stream.close());
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
