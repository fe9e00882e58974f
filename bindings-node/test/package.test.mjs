// The package as npm packs it: on a machine that no prebuilt engine is for, it builds its own from the sources that it carries.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, inFolder } from './material.mjs'

const HERE = join(ROOT, 'bindings-node')
const { platform } = createRequire(import.meta.url)('../lib/platform.js')
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target')

test('from the packed sources', { timeout: 300_000 }, () =>
  inFolder((folder) => {
    const run = (command, words, more = {}) =>
      execFileSync(command, words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CARGO_TARGET_DIR: TARGET }, ...more })
    const [packed] = JSON.parse(run('npm', ['pack', HERE, '--json', '--pack-destination', folder]))
    const files = packed.files.map(({ path }) => path)
    try {
      for (const wanted of ['lib/index.js', 'lib/index.d.ts', 'bin/counterfoil.js', 'rust/core/src/lib.rs', 'rust/gateway/src/lib.rs', 'rust/Cargo.lock']) {
        assert.ok(files.includes(wanted), `${wanted} is not packed`)
      }
      assert.ok(!files.some((path) => /\.node$|node_modules|(^|\/)tests?\//.test(path)), 'what is not to be packed')
      assert.ok(packed.size < 2_000_000)
      writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }')
      run('npm', ['install', '--no-audit', '--no-fund', join(folder, packed.filename)])
      const own = join(folder, 'node_modules/counterfoil')
      assert.ok(readFileSync(join(own, `counterfoil.${platform()}.node`)).length > 1_000_000)
      const paved = join(ROOT, 'core/tests/data/paved')
      const words = ['--jwks', join(paved, 'jwks.json'), '--issuer', 'https://as.example', '--audience', 'https://api.example', '--now', '1800000000']
      const token = readFileSync(join(paved, 'token.txt'), 'utf8').trim()
      const claims = run('npx', ['--no-install', 'counterfoil', ...words, '--certificate', join(paved, 'client.pem'), token])
      assert.equal(JSON.parse(claims).sub, '4711')
      const types = run('node', ['--input-type=module', '-e', "import { Verifier } from 'counterfoil'; console.log(typeof Verifier)"])
      assert.equal(types, 'function\n')
    } finally {
      rmSync(join(HERE, 'rust'), { recursive: true, force: true })
    }
  }))
