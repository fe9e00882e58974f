// Microseconds a token, beside jose and fast-jwt: medians of interleaved rounds over the corpus of `cargo xtask bench`, verdicts asserted.
//
//   node compare.mjs CORPUS [--memory | --portable]
//     --memory: ten million acceptances and refusals, and what memory they leave
//     --portable: ES256 alone, with an engine that was built without the vector unit

import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { createDecoder, createVerifier } from 'fast-jwt'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { Certificate, CounterfoilError, Verifier } from 'counterfoil'

const [folder, mode] = process.argv.slice(2)
const [ROUNDS, TOKENS] = [9, 400]
const version = (name) => JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url))).version
const parameters = Object.fromEntries(readFileSync(join(folder, 'parameters'), 'utf8').trim().split('\n').map((line) => line.split(/ (.*)/)))
const { issuer, audience, thumbprint } = parameters
const now = Number(parameters.now)
const certificate = Certificate.ofThumbprint(thumbprint)
const holder = { certificate, now }

/** The good ones among the first. */
function tokensOf(work) {
  const lines = readFileSync(join(folder, `${work}.tokens`), 'utf8').trim().split('\n').map((line) => line.split(' '))
  return lines.filter(([verdict]) => verdict === 'accept').map(([, token]) => token).slice(0, TOKENS)
}

function verifier(work, algorithm, tokenCache) {
  return new Verifier({ issuer, audience, jwks: readFileSync(join(folder, `${work}.jwks`), 'utf8'), algorithms: [algorithm], tokenCache })
}

/** What its README says for a resource server: pick the key by kid, then verify. */
function fastJwt(keys, algorithm, cache) {
  const own = new Map(keys.map((jwk) => [jwk.kid, createVerifier({
    key: createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }), algorithms: [algorithm], allowedIss: issuer,
    allowedAud: audience, checkTyp: 'at+jwt', requiredClaims: ['iss', 'aud', 'exp', 'sub'], clockTimestamp: now * 1000, cache,
  })]))
  const [only] = own.values()
  const decode = createDecoder({ complete: true })
  return (token) => (own.size === 1 ? only : own.get(decode(token).header.kid))(token)
}

/** Each judges all tokens and returns the issuers that it read. */
function waysOf(work, algorithm) {
  const [tokens, { keys }] = [tokensOf(work), JSON.parse(readFileSync(join(folder, `${work}.jwks`), 'utf8'))]
  const [fresh, remembering] = [verifier(work, algorithm, 0), verifier(work, algorithm, 8 * TOKENS)]
  const [plain, cached] = [fastJwt(keys, algorithm, false), fastJwt(keys, algorithm, 8 * TOKENS)]
  const keySet = createLocalJWKSet({ keys })
  const rules = { issuer, audience, algorithms: [algorithm], typ: 'at+jwt', currentDate: new Date(now * 1000), requiredClaims: ['exp', 'sub'] }
  return {
    'counterfoil, acceptSync': () => tokens.map((token) => fresh.acceptSync(token, holder).payload.length > 0),
    'counterfoil, acceptSync, and a claim read': () => tokens.map((token) => fresh.acceptSync(token, holder).issuer === issuer),
    'counterfoil, acceptBatch': () => fresh.acceptBatch(tokens.map((token) => [token, certificate]), { now }).map((token) => token.payload.length > 0),
    'counterfoil, token seen before': () => tokens.map((token) => remembering.acceptSync(token, holder).payload.length > 0),
    'counterfoil, token seen before, and a claim read': () => tokens.map((token) => remembering.acceptSync(token, holder).issuer === issuer),
    [`fast-jwt ${version('fast-jwt')}`]: () => tokens.map((token) => plain(token).iss === issuer),
    'fast-jwt, token seen before': () => tokens.map((token) => cached(token).iss === issuer),
    [`jose ${version('jose')}, all at once, on all cores`]: () => all(tokens.map((token) => jwtVerify(token, keySet, rules).then(({ payload }) => payload.iss === issuer))),
    [`jose ${version('jose')}, one after the other`]: async () => {
      const verdicts = []
      for (const token of tokens) verdicts.push((await jwtVerify(token, keySet, rules)).payload.iss === issuer)
      return verdicts
    },
  }
}

const all = (promises) => Promise.all(promises)
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]

/** Again and again for ten milliseconds, so that what is fast is warm as well. */
async function timed(work) {
  const start = process.hrtime.bigint()
  let [passed, count] = [0n, 0]
  while (passed < 10_000_000n) {
    const verdicts = await work()
    assert.ok(verdicts.length === TOKENS && verdicts.every(Boolean))
    count += verdicts.length
    passed = process.hrtime.bigint() - start
  }
  return Number(passed) / count / 1000
}

async function compare(work, algorithm) {
  const ways = waysOf(work, algorithm)
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let round = -2; round < ROUNDS; round += 1) {
    for (const [name, way] of Object.entries(ways)) {
      const time = await timed(way)
      if (round >= 0) times[name].push(time)
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, own]) => [name, median(own)]))
}

/** Of a call: a certificate's thumbprint that is known already. */
function overhead() {
  const times = []
  for (let round = 0; round < 9; round += 1) {
    const start = process.hrtime.bigint()
    for (let call = 0; call < 50_000; call += 1) assert.equal(certificate.thumbprint.length, 43)
    times.push(Number(process.hrtime.bigint() - start) / 50_000 / 1000)
  }
  return median(times)
}

/** How many times as many tokens a second other threads judge, with 256 requests in flight, as this one does. */
async function threads() {
  const [own, tokens, count] = [verifier('es256', 'ES256', 0), tokensOf('es256'), 40_000]
  const wanted = tokens.reduce((sum, token) => sum + own.acceptSync(token, holder).payload.length, 0) * (count / TOKENS)
  let read
  const one = () => {
    for (let done = 0; done < count; done += 1) read += own.acceptSync(tokens[done % TOKENS], holder).payload.length
  }
  const others = async () => {
    let done = 0
    const client = async () => {
      while (done < count) {
        const { payload } = await own.accept(tokens[done++ % TOKENS], holder)
        read += payload.length
      }
    }
    await all(Array.from({ length: 256 }, client))
  }
  const seconds = async (work) => {
    read = 0
    const start = performance.now()
    await work()
    assert.equal(read, wanted)
    return performance.now() - start
  }
  const ratios = []
  for (let round = 0; round < 7; round += 1) ratios.push((await seconds(one)) / (await seconds(others)))
  return median(ratios)
}

async function memory() {
  const [own, tokens] = [verifier('es256', 'ES256', 64), tokensOf('es256')]
  const bad = tokens.map((token) => `${token.slice(0, -4)}AAAA`)
  const settle = async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      globalThis.gc?.()
      await new Promise(setImmediate)
    }
    return Math.round(process.memoryUsage.rss() / 1024)
  }
  let [count, before] = [0, 0]
  while (count < 10_000_000) {
    for (const [place, token] of tokens.entries()) {
      assert.equal(typeof own.acceptSync(token, holder).claims.iss, 'string')
      assert.throws(() => own.acceptSync(bad[place], holder), CounterfoilError)
    }
    // A tenth of them on other threads.
    if (count % 8000 === 0) await all(tokens.map((token) => own.accept(token, holder)))
    count += 2 * tokens.length
    if (count === 1_000_000) before = await settle()
  }
  const after = await settle()
  console.log(`Node: ${count} acceptances and refusals: ${before} KiB after the first million, ${after} KiB at the end`)
  if (after - before > 16 * 1024) throw new Error('memory grows')
}

async function main() {
  if (mode === '--memory') return memory()
  console.log(`Node ${process.version}, ${cpus()[0].model}, ${availableParallelism()} cores: microseconds a token, medians of ${ROUNDS} rounds over ${TOKENS} tokens, again and again for 10 ms\n`)
  const isPortable = mode === '--portable'
  const works = isPortable ? { es256: 'ES256' } : { es256: 'ES256', ps256: 'PS256', rs256: 'RS256', eddsa: 'EdDSA' }
  const rows = {}
  for (const [work, algorithm] of Object.entries(works)) rows[work] = await compare(work, algorithm)
  console.log(`| | ${Object.keys(rows).join(' | ')} |\n| --- |${' ---: |'.repeat(Object.keys(rows).length)}`)
  for (const name of Object.keys(rows.es256)) console.log(`| ${name} | ${Object.values(rows).map((row) => row[name].toFixed(1)).join(' | ')} |`)
  const es256 = rows.es256
  const of = (peer, own) => es256[Object.keys(es256).find((name) => name.startsWith(peer))] / es256[own]
  const hasIfma = !isPortable && /\bavx512ifma\b/.test(readFileSync('/proc/cpuinfo', 'utf8'))
  const least = hasIfma ? [8, 8] : [5, 4]
  const jose = `jose ${version('jose')}`
  const goals = [
    ['ES256 against jose, one after the other, times', of(`${jose}, one`, 'counterfoil, acceptSync'), least[0]],
    ['ES256 against fast-jwt, times', of('fast-jwt', 'counterfoil, acceptSync'), least[1]],
  ]
  if (!isPortable) {
    goals.push(
      ['token seen before, against fast-jwt’s cache, times', of('fast-jwt, token seen', 'counterfoil, token seen before'), 3],
      ['accept on other threads, 256 in flight, against acceptSync on this one, times', await threads(), 1.6],
    )
  }
  console.log()
  for (const [what, got, wanted] of goals) console.log(`${what}: ${got.toFixed(1)}, at least ${wanted} wanted: ${got >= wanted ? 'met' : 'MISSED'}`)
  console.log(`ES256 against jose with all tokens at once, on all cores: ${of(`${jose}, all`, 'counterfoil, acceptSync').toFixed(1)} times`)
  if (!isPortable) {
    const read = of('fast-jwt, token seen', 'counterfoil, token seen before, and a claim read')
    console.log(`the same with a claim read of both: ${read.toFixed(1)} times`)
  }
  const call = overhead()
  console.log(`a thumbprint, µs: ${call.toFixed(2)}, at most 1 wanted: ${call <= 1 ? 'met' : 'MISSED'}`)
}

await main()
