'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('./platform.js')

/** The engine: built on this machine, or the package with the one built for its kind. */
function load() {
  const own = join(__dirname, '..', `counterfoil.${platform()}.node`)
  return require(existsSync(own) ? own : `counterfoil-${platform()}`)
}

module.exports = load()
