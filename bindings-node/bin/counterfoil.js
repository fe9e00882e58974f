#!/usr/bin/env node
'use strict'

// Judges one access token from the command line: exit code 0 accepted, 1 refused, 2 wrong call.

const { readFileSync } = require('node:fs')
const { Certificate, ConfigurationError, CounterfoilError, Verifier } = require('../lib/index.js')

const OPTIONS = 'jwks issuer audience certificate dpop method url algorithms type require binding scope leeway now token'.split(' ')
const USAGE = `usage: counterfoil --jwks FILE --issuer URL --audience URL [--certificate FILE]
              [--dpop PROOF --method METHOD --url URL] [TOKEN | -]
options: ${OPTIONS.map((name) => `--${name}`).join(' ')}`

function fail(text) {
  console.error(`counterfoil: ${text}\n${USAGE}`)
  process.exit(2)
}

/** `--name value` or `--name=value`, each at most once, and at most one token. */
function readOptions(words) {
  const options = {}
  const left = words[Symbol.iterator]()
  for (const word of left) {
    let [name, value] = ['token', word]
    if (word.startsWith('--')) {
      const equals = word.indexOf('=')
      name = word.slice(2, equals < 0 ? undefined : equals)
      value = equals < 0 ? left.next().value : word.slice(equals + 1)
      if (value === undefined) fail(`--${name} needs a value`)
    }
    if (!OPTIONS.includes(name)) fail(`there is no option --${name}`)
    if (name in options) fail(`${name} is given twice`)
    options[name] = value
  }
  return options
}

function number(options, name) {
  const text = options[name]
  if (text === undefined) return undefined
  return /^\d+$/.test(text) ? Number(text) : fail(`--${name}: ${JSON.stringify(text)} is no number of seconds`)
}

function read(file) {
  try {
    return readFileSync(file)
  } catch (error) {
    return fail(error.message)
  }
}

function needs(options, ...names) {
  for (const name of names) if (!(name in options)) fail(`--${name} is missing`)
}

function verifierOf(options) {
  needs(options, 'jwks', 'issuer', 'audience')
  const words = (name, separator) => options[name]?.split(separator).filter(Boolean)
  const algorithms = words('algorithms', ',')
  try {
    return new Verifier({
      issuer: options.issuer,
      audience: options.audience,
      jwks: read(options.jwks),
      algorithms,
      dpop: algorithms && { algorithms },
      types: options.type && [options.type],
      requiredClaims: words('require', ','),
      binding: options.binding,
      scopes: words('scope', ' '),
      leeway: number(options, 'leeway'),
    })
  } catch (error) {
    return fail(error.message)
  }
}

function presenterOf(options) {
  const now = number(options, 'now')
  if ('certificate' in options && 'dpop' in options) fail('--certificate and --dpop exclude each other')
  if ('certificate' in options) {
    const file = read(options.certificate)
    return { now, certificate: file.toString('latin1').startsWith('-----BEGIN') ? Certificate.pem(file) : Certificate.der(file) }
  }
  if (!('dpop' in options)) return { now }
  needs(options, 'method', 'url')
  return { now, dpop: options.dpop, method: options.method, url: options.url }
}

function main(words) {
  const options = readOptions(words)
  const verifier = verifierOf(options)
  const presenter = presenterOf(options)
  const { token = '-' } = options
  try {
    console.log(verifier.acceptSync(token === '-' ? readFileSync(0, 'utf8').trimEnd() : token, presenter).payload)
    return 0
  } catch (error) {
    if (!(error instanceof CounterfoilError) || error instanceof ConfigurationError) return fail(error.message)
    console.error(`refused: ${error.message}`)
    return 1
  }
}

process.exitCode = main(process.argv.slice(2))
