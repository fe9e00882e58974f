'use strict'

// Runs at `npm install`: builds the engine from source where there is no package with one for this kind of machine.

const { spawnSync } = require('node:child_process')
const { copyFileSync, existsSync, renameSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('../lib/platform.js')

const root = join(__dirname, '..')
const carried = join(root, 'rust')
const isRepository = existsSync(join(root, '..', 'core', 'Cargo.toml'))

function isPackaged() {
  try {
    return Boolean(require.resolve(`counterfoil-${platform()}`))
  } catch {
    return false
  }
}

function fail(text) {
  console.error(`counterfoil: ${text}`)
  process.exit(1)
}

function build() {
  const workspace = isRepository ? join(root, '..') : carried
  const cargo = process.env.CARGO || 'cargo'
  const features = process.env.COUNTERFOIL_FEATURES ? ['--features', process.env.COUNTERFOIL_FEATURES] : []
  const command = ['build', '--release', '--package', 'counterfoil-node', '--message-format', 'json-render-diagnostics', ...features]
  const built = spawnSync(cargo, command, { cwd: workspace, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28, encoding: 'utf8' })
  if (built.error?.code === 'ENOENT') {
    fail(`there is no package for ${platform()}, and no Rust toolchain to build one with: install Rust 1.95 or later (https://rustup.rs)`)
  }
  if (built.error || built.status !== 0) fail(`cargo build failed${built.error ? `: ${built.error.message}` : ''}`)
  const messages = built.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line))
  const library = messages.findLast((message) => message.reason === 'compiler-artifact' && message.target.name === 'counterfoil_node')
  return library.filenames.find((file) => /\.(so|dylib|dll)$/.test(file))
}

if (isRepository || (existsSync(carried) && !isPackaged())) {
  const own = join(root, `counterfoil.${platform()}.node`)
  // Never over a file that a process has mapped.
  copyFileSync(build(), `${own}.new`)
  renameSync(`${own}.new`, own)
} else if (!isPackaged()) {
  fail(`there is no package for ${platform()}, and this one carries no sources`)
}
