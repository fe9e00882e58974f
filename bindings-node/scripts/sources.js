'use strict'

// Runs before `npm pack`: puts the Rust sources of the engine into the package, for machines that no prebuilt package is for.

const { cpSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const { join, sep } = require('node:path')

const own = join(__dirname, '..')
const repository = join(own, '..')
const carried = join(own, 'rust')
const CRATES = {
  core: ['Cargo.toml', 'build.rs', 'src'],
  gateway: ['Cargo.toml', 'README.md', 'src'],
  'bindings-node': ['Cargo.toml', 'build.rs', 'src'],
}

rmSync(carried, { recursive: true, force: true })
for (const [crate, files] of Object.entries(CRATES)) {
  for (const file of files) cpSync(join(repository, crate, file), join(carried, crate, file), { recursive: true })
}
cpSync(join(repository, 'README.md'), join(carried, 'README.md'))
cpSync(join(repository, 'Cargo.lock'), join(carried, 'Cargo.lock'))
for (const license of ['LICENSE-APACHE', 'LICENSE-MIT']) cpSync(join(repository, license), join(carried, license))
const members = `members = [${Object.keys(CRATES).map((crate) => `"${crate}"`).join(', ')}]`
const manifest = readFileSync(join(repository, 'Cargo.toml'), 'utf8').replace(/members = \[[^\]]*\]/, members).replace(/^exclude = .*$/m, '')
writeFileSync(join(carried, 'Cargo.toml'), manifest)
// What only tests and benches need is not carried.
for (const crate of Object.keys(CRATES)) {
  const file = join(carried, crate, 'Cargo.toml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^\[dev-dependencies\]\n(?:(?!\[).*\n)*/m, '').replace(/^\[\[(?:test|bench|example|bin)\]\]\n(?:(?!\[).*\n)*/gm, ''))
}
console.error(`sources in ${carried.split(sep).slice(-2).join(sep)}`)
