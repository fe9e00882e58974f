'use strict'

// For a release: makes npm/PLATFORM, the package with the engine that was built on this machine, as napi-rs lays it out. The main package
// names those of all platforms among its optional dependencies when it is published.

const { copyFileSync, existsSync, mkdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('../lib/platform.js')
const main = require('../package.json')

const root = join(__dirname, '..')
const own = platform()
const [os, cpu, abi] = own.split('-')
const file = `counterfoil.${own}.node`
if (!existsSync(join(root, file))) {
  console.error(`counterfoil: there is no ${file}: npm install builds it`)
  process.exit(1)
}
const manifest = {
  name: `counterfoil-${own}`,
  version: main.version,
  description: `The engine of ${main.name} for ${own}`,
  license: main.license,
  repository: main.repository,
  engines: main.engines,
  os: [os],
  cpu: [cpu],
  ...(os === 'linux' && { libc: [abi === 'musl' ? 'musl' : 'glibc'] }),
  main: file,
  files: [file],
}
const folder = join(root, 'npm', own)
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
copyFileSync(join(root, file), join(folder, file))
console.log(folder)
