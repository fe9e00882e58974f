// `lib/codes.js` and `lib/codes.d.ts` are what the engine's list of errors says; `UPDATE=1` writes them again.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './material.mjs'

const native = createRequire(import.meta.url)('../lib/native.js')
const HEAD = `'use strict'

/** Every reason to refuse: code, family, HTTP status, section of the specification, sentence. Made from the engine by test/codes.test.mjs. */
const CODES = {
`

/** What the engine's source says of each number. */
function sentences() {
  const said = {}
  let lines = []
  for (const line of readFileSync(join(ROOT, 'core/src/error.rs'), 'utf8').split('\n').map((line) => line.trim())) {
    const number = /^\w+ = (\d+),$/.exec(line)?.[1]
    if (number !== undefined) said[number] = lines.join(' ').replaceAll('`', '').replace(/\.$/, '')
    lines = line.startsWith('/// ') ? [...lines, line.slice(4)] : []
  }
  return said
}

function made() {
  const said = sentences()
  const rows = native.errors().map(({ number, code, family, status }) => {
    const section = /\((RFC \d+(?: section [\d.]+)?|JARM section [\d.]+)[^()]*\)/.exec(said[number])
    return `  ${number}: ${JSON.stringify([code, family, status, section?.[1] ?? null, said[number]])},\n`
  })
  return `${HEAD}${rows.join('')}}\n\nmodule.exports = { CODES }\n`
}

/** The codes as a type. */
function types() {
  const codes = native.errors().map(({ code }) => `  | '${code}'\n`)
  return `/** The stable name of every reason to refuse. Made from the engine by test/codes.test.mjs. */\nexport type ErrorCode =\n${codes.join('')}`
}

for (const [file, text] of [['codes.js', made], ['codes.d.ts', types]]) {
  test(`${file} is what the engine says`, () => {
    const path = join(ROOT, 'bindings-node/lib', file)
    if (process.env.UPDATE === '1') writeFileSync(path, text())
    assert.equal(readFileSync(path, 'utf8'), text(), 'stale: UPDATE=1 node --test test/codes.test.mjs')
  })
}

test('codes name their specification', () => {
  assert.ok(made().match(/"RFC /g).length > 40)
})
