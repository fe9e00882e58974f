// The examples run or start, are those of the README to the letter, and satisfy tsc; so do the types, against the modules.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SERVER, ROOT, inFolder } from './material.mjs'
import { ask } from './serving.mjs'

const HERE = join(ROOT, 'bindings-node')
const require = createRequire(import.meta.url)
const manifest = require('../package.json')
const run = (...command) => execFileSync(process.execPath, command, { cwd: HERE, encoding: 'utf8', timeout: 120_000 })

test('the quick start', () => {
  assert.match(run('examples/quick-start.mjs', join(ROOT, 'core/tests/data/paved')), /^4711 true \d+\n$/)
})

test('the README has the examples', () => {
  const blocks = [...readFileSync(join(HERE, 'README.md'), 'utf8').matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block.trim())
  const examples = readdirSync(join(HERE, 'examples'))
  assert.ok(examples.length >= 6)
  for (const file of examples) {
    const code = readFileSync(join(HERE, 'examples', file), 'utf8').split('\n\n').slice(1).join('\n\n').trim()
    assert.ok(blocks.includes(code), `${file} is not in the README`)
  }
})

/** The files that a server of the examples reads, its port another one, and the issuer one that does not answer. */
function prepared(folder, example) {
  writeFileSync(join(folder, 'server.pem'), SERVER.pem)
  writeFileSync(join(folder, 'server.key'), SERVER.key)
  copyFileSync(join(folder, 'server.pem'), join(folder, 'api.pem'))
  copyFileSync(join(folder, 'server.key'), join(folder, 'api.key'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(HERE, join(folder, 'node_modules/counterfoil'))
  for (const name of ['express', 'fastify', 'koa', 'hono', '@hono']) symlinkSync(join(HERE, 'node_modules', name), join(folder, 'node_modules', name))
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const code = readFileSync(join(HERE, 'examples', example), 'utf8').replace(/\b(8443|8080)\b/, port).replaceAll('https://as.example/', 'https://127.0.0.1:1/')
  writeFileSync(join(folder, example), code)
  return port
}

for (const example of readdirSync(join(HERE, 'examples')).filter((file) => file !== 'quick-start.mjs')) {
  test(`${example} refuses who has no token`, { timeout: 60_000 }, () =>
    inFolder(async (folder) => {
      const port = prepared(folder, example)
      const child = spawn(process.execPath, [example], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.on('data', (text) => (said += text))
      try {
        const answer = await answered(port, example === 'fastify.mjs', () => child.exitCode !== null && said)
        assert.equal(answer.status, 401, said)
        assert.match(answer.headers['www-authenticate'], /Bearer/)
      } finally {
        child.kill()
      }
    }))
}

async function answered(port, isPlain, failure) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (failure()) assert.fail(failure())
    try {
      if (isPlain) {
        const answer = await fetch(`http://127.0.0.1:${port}/accounts`)
        return { status: answer.status, headers: Object.fromEntries(answer.headers) }
      }
      return await ask(port, '/accounts')
    } catch (error) {
      if (error.code !== 'ECONNREFUSED' && error.cause?.code !== 'ECONNREFUSED') throw error
      await sleep(50)
    }
  }
  return assert.fail('it does not listen')
}

test('types', { timeout: 120_000 }, () => {
  run('node_modules/typescript/bin/tsc', '-p', '.')
})

test('the types name what there is', () => {
  for (const [path, { types, default: code }] of Object.entries(manifest.exports).filter(([, target]) => target.types)) {
    const declared = [...readFileSync(join(HERE, types), 'utf8').matchAll(/^export (?:declare )?(?:class|function|const) (\w+)|^export \{ ([\w, ]+) \}/gm)]
    const names = new Set(declared.flatMap(([, one, several]) => one ?? several.split(', ')))
    assert.deepEqual([...names].sort(), Object.keys(require(join(HERE, code))).sort(), path)
  }
})

test('members of the classes are declared', () => {
  const text = readFileSync(join(HERE, 'lib/index.d.ts'), 'utf8')
  for (const [name, made] of Object.entries(require('../lib/index.js')).filter(([, made]) => made.prototype !== undefined && /^[A-Z]/.test(made.name))) {
    const [, body] = new RegExp(`export class ${name}\\b[^{]*\\{(.*?)^\\}|export class ${name}\\b[^{]*\\{\\}`, 'ms').exec(text)
    if (body === undefined) continue
    const members = new Set([...body.matchAll(/^ {2}(?:static |get |readonly )?(\w+)/gm)].map(([, member]) => member).filter((member) => !['private', 'constructor'].includes(member)))
    const own = new Set(Object.getOwnPropertyNames(made.prototype).filter((member) => !['constructor', 'presented', 'name'].includes(member)))
    for (const member of own) assert.ok(members.has(member), `${name}.${member} is not declared`)
  }
})
