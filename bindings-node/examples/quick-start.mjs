// A token, and who presents it.

import { readFileSync } from 'node:fs'
import { Certificate, CounterfoilError, Verifier } from 'counterfoil'

const folder = process.argv[2] ?? '.'
const verifier = new Verifier({ issuer: 'https://as.example', audience: 'https://api.example', jwksFile: `${folder}/jwks.json` })
const token = readFileSync(`${folder}/token.txt`, 'utf8').trim()
const certificate = Certificate.pem(readFileSync(`${folder}/client.pem`, 'utf8').trim())
try {
  const accepted = verifier.acceptSync(token, { certificate, now: 1_800_000_000 })
  console.log(accepted.subject, accepted.hasScope('accounts'), accepted.claims.exp)
} catch (error) {
  if (!(error instanceof CounterfoilError)) throw error
  console.error(error.code, error.number, error.rfc, error.status)
}
