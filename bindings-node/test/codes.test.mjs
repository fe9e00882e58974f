// `lib/codes.js` is what the engine's list of errors says; `UPDATE=1` writes it again.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './material.mjs'

const native = createRequire(import.meta.url)('../lib/native.js')
const FILE = join(ROOT, 'bindings-node/lib/codes.js')
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

test('the table is the engine’s', () => {
  if (process.env.UPDATE === '1') writeFileSync(FILE, made())
  assert.equal(readFileSync(FILE, 'utf8'), made(), 'stale: UPDATE=1 node --test test/codes.test.mjs')
})

test('codes name their specification', () => {
  assert.ok(made().match(/"RFC /g).length > 40)
})
