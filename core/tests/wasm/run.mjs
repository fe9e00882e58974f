// Judges the access tokens, proofs and JARM responses of vector files in WebAssembly, and compares every verdict.
// usage: node run.mjs MODULE.wasm VECTORS.json…

import { readFile } from 'node:fs/promises';
import process from 'node:process';

const ROOM = 256 * 1024;
const [moduleFile, ...vectorFiles] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(await readFile(moduleFile));
const { memory, judge, __heap_base: heapBase } = instance.exports;

/** A text of the vectors' schema, as bytes. */
function bytes(text) {
  if (typeof text === 'string') return Buffer.from(text);
  if (Array.isArray(text)) return Buffer.concat(text.map(bytes));
  if ('hex' in text) return Buffer.from(text.hex, 'hex');
  return Buffer.from(text.text.repeat(text.times));
}

/** A field: its length in 32 bits, little-endian, and its bytes. */
function field(value) {
  const body = Buffer.isBuffer(value) ? value : Buffer.from(String(value));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

const list = (values) => Buffer.concat([field(values.length), ...values.map(field)]);

function policyOf(document, { policy }) {
  if (typeof policy === 'string') return document.policies[policy];
  return policy.base ? { ...document.policies[policy.base], ...policy } : policy;
}

function jwksOf(document, { jwks }) {
  const set = typeof jwks === 'string' && jwks in document.jwks ? document.jwks[jwks] : jwks;
  return set && !Array.isArray(set) && set.keys ? Buffer.from(JSON.stringify(set)) : bytes(set);
}

function presenterOf(presenter) {
  if (presenter === 'bearer') return [field('bearer')];
  if (presenter.thumbprint !== undefined) return [field('thumbprint'), field(bytes(presenter.thumbprint))];
  if (presenter.certificate) {
    const { form, values } = presenter.certificate;
    return values.length === 1 ? [field(form), field(bytes(values[0]))] : [field('certificates')];
  }
  const { proof, method, url } = presenter.dpop;
  return [field('dpop'), field(bytes(proof)), field(method), field(url)];
}

const spellings = {
  access_token(policy, jwks, input) {
    const profile = typeof policy.profile === 'object' ? policy.profile : undefined;
    return [
      field(jwks), field(policy.issuer), list([policy.audience].flat()),
      ...(profile ? [field('listed'), list(profile.types.map((type) => type ?? '')), list(profile.required ?? [])] : [field('rfc9068')]),
      field(policy.binding ?? 'required'), field(policy.leeway ?? 10), list(policy.scopes ?? []), list(policy.acr_values ?? []),
      field(policy.max_age ?? ''), field(policy.max_token_bytes ?? ''), field(policy.max_header_bytes ?? ''),
      field(bytes(input.token)), ...presenterOf(input.presenter),
    ];
  },
  dpop(policy, jwks, input) {
    const proof = ({ proof, method, url, token }) =>
      [field(bytes(proof)), field(method), field(url), list(token == null ? [] : [bytes(token)])];
    const before = input.before ?? [];
    return [
      field(policy.past ?? 300), field(policy.ahead ?? 10), field(policy.nonce?.step ?? ''),
      field(Buffer.from(policy.nonce?.secret_hex ?? '', 'hex')), field(policy.store_capacity ?? 64), field(before.length),
      ...before.flatMap((earlier) => [field(earlier.now), field(earlier.expect), ...proof(earlier)]), ...proof(input),
    ];
  },
  jarm(policy, jwks, input) {
    const state = policy.state == null ? [] : [policy.state];
    const response = input.query === undefined ? [field('response'), field(bytes(input.response))] : [field('query'), field(input.query)];
    return [field(jwks), field(policy.issuer), field(policy.client_id), list(state), ...response];
  },
};

/** The verdict of the module on what is spelled. */
function verdictOf(spelled) {
  const start = heapBase.value;
  const room = start + spelled.length;
  const missing = room + ROOM - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  new Uint8Array(memory.buffer, start, spelled.length).set(spelled);
  const length = judge(start, spelled.length, room, ROOM);
  return length === 0 ? 'not judged' : Buffer.from(memory.buffer, room, length).toString();
}

const judged = {};
const failures = [];
const start = performance.now();
for (const file of vectorFiles) {
  const document = JSON.parse(await readFile(file, 'utf8'));
  for (const { id, kind, now, input, expect, ...rest } of document.cases) {
    if (!(kind in spellings)) continue;
    const policy = policyOf(document, rest);
    const jwks = kind === 'dpop' ? undefined : jwksOf(document, policy);
    const spelled = [field(kind), field(now ?? 0), list(policy.algorithms), ...spellings[kind](policy, jwks, input)];
    let verdict;
    try {
      verdict = verdictOf(Buffer.concat(spelled));
    } catch (error) {
      verdict = `trap: ${error.message}`;
    }
    if (verdict !== expect) failures.push(`${id}: expected ${expect}, got ${verdict}`);
    judged[kind] = (judged[kind] ?? 0) + 1;
  }
}
const total = Object.values(judged).reduce((sum, count) => sum + count, 0);
if (failures.length > 0 || total === 0) {
  console.error(`${failures.length} of ${total} verdicts are wrong\n${failures.join('\n')}`);
  process.exit(1);
}
const kinds = Object.entries(judged).map(([kind, count]) => `${count} ${kind}`).join(', ');
console.log(`${total} verdicts in ${Math.round(performance.now() - start)} ms (${kinds})`);
