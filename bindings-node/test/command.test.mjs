// `npx counterfoil`, with the options and exit codes of the engine's example.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from './material.mjs'

const PAVED = join(ROOT, 'core/tests/data/paved')
const token = readFileSync(join(PAVED, 'token.txt'), 'utf8').trim()
const base = ['--jwks', join(PAVED, 'jwks.json'), '--issuer', 'https://as.example', '--audience', 'https://api.example', '--now', '1800000000']
const held = ['--certificate', join(PAVED, 'client.pem')]

function run(words, input = '') {
  return spawnSync(process.execPath, [join(ROOT, 'bindings-node/bin/counterfoil.js'), ...words], { input, encoding: 'utf8', timeout: 30_000 })
}

test('verdicts and exit codes', () => {
  for (const [words, expected] of [
    [[...base, ...held, token], 0],
    [[...base, token], 1],
    [[...base, ...held, 'x'], 1],
    [[...base, '--colour=red', token], 2],
    [base.slice(2), 2],
    [[...base, '--leeway', 'x', token], 2],
    [[...base, '--binding', 'x', token], 2],
    [[...base, '--jwks', 'twice', token], 2],
    [[...base, '--jwks'], 2],
    [[...base, ...held, '--dpop', 'x', token], 2],
    [[...base, '--dpop', 'x', token], 2],
    [[...base.slice(2), '--jwks', '/nowhere', token], 2],
  ]) {
    const { status, stdout, stderr } = run(words)
    assert.equal(status, expected, `${words.join(' ')}: ${stderr}`)
    assert.equal(stdout !== '', expected === 0)
    assert.equal(stderr !== '', expected !== 0)
    assert.ok(!stderr.includes(token))
  }
})

test('a token from standard input', () => {
  for (const words of [[...base, ...held, '-'], [...base, ...held]]) {
    assert.equal(JSON.parse(run(words, `${token}\n`).stdout).iss, 'https://as.example')
  }
})
