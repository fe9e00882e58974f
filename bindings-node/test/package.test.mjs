// The package as npm packs it: on a machine that no prebuilt engine is for, it builds its own from the sources that it carries.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT, inFolder } from './material.mjs'

const HERE = join(ROOT, 'bindings-node')
const { platform } = createRequire(import.meta.url)('../lib/platform.js')
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target')

const PAVED = join(ROOT, 'core/tests/data/paved')
const TOKEN = readFileSync(join(PAVED, 'token.txt'), 'utf8').trim()
const WORDS = ['--jwks', join(PAVED, 'jwks.json'), '--issuer', 'https://as.example', '--audience', 'https://api.example', '--now', '1800000000']

/** Packs the main package, calls `work` with a user's folder, and clears away what packing left. */
function packed(work) {
  return inFolder((folder) => {
    const run = (command, words, environment = {}) =>
      execFileSync(command, words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, CARGO_TARGET_DIR: TARGET, ...environment } })
    try {
      const [main] = JSON.parse(run('npm', ['pack', HERE, '--json', '--pack-destination', folder]))
      writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true }')
      work(folder, main, run)
      const claims = run('npx', ['--no-install', 'counterfoil', ...WORDS, '--certificate', join(PAVED, 'client.pem'), TOKEN])
      assert.equal(JSON.parse(claims).sub, '4711')
      assert.equal(run('node', ['--input-type=module', '-e', "import { Verifier } from 'counterfoil'; console.log(typeof Verifier)"]), 'function\n')
    } finally {
      for (const made of ['rust', 'npm']) rmSync(join(HERE, made), { recursive: true, force: true })
    }
  })
}

test('from the packed sources', { timeout: 300_000 }, () =>
  packed((folder, main, run) => {
    const files = main.files.map(({ path }) => path)
    for (const wanted of ['lib/index.js', 'lib/index.d.ts', 'bin/counterfoil.js', 'rust/core/src/lib.rs', 'rust/gateway/src/lib.rs', 'rust/Cargo.lock']) {
      assert.ok(files.includes(wanted), `${wanted} is not packed`)
    }
    assert.ok(!files.some((path) => /\.node$|node_modules|(^|\/)tests?\//.test(path)), 'what is not to be packed')
    assert.ok(main.size < 2_000_000)
    run('npm', ['install', '--no-audit', '--no-fund', join(folder, main.filename)])
    assert.ok(readFileSync(join(folder, 'node_modules/counterfoil', `counterfoil.${platform()}.node`)).length > 1_000_000)
  }))

test('with a prebuilt engine, and without Rust', { timeout: 120_000 }, () =>
  packed((folder, main, run) => {
    const made = run('node', [join(HERE, 'scripts/prebuilt.js')]).trim()
    const [engine] = JSON.parse(run('npm', ['pack', made, '--json', '--pack-destination', folder]))
    const install = (...files) => run('npm', ['install', '--no-audit', '--no-fund', ...files.map((file) => join(folder, file))], { CARGO: '/nowhere/cargo' })
    install(engine.filename)
    install(main.filename)
    assert.ok(!existsSync(join(folder, 'node_modules/counterfoil', `counterfoil.${platform()}.node`)))
  }))

test('without either, it says what is missing', { timeout: 120_000 }, () =>
  inFolder((folder) => {
    const environment = { ...process.env, CARGO: '/nowhere/cargo' }
    const installed = spawnSync(process.execPath, [join(HERE, 'scripts/install.js')], { cwd: folder, encoding: 'utf8', env: environment })
    assert.equal(installed.status, 1)
    assert.match(installed.stderr, /no Rust toolchain.*rustup/)
  }))
