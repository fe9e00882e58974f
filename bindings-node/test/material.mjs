// Keys, certificates, tokens and proofs, minted anew for each run.

import 'reflect-metadata'
import { X509CertificateGenerator, BasicConstraintsExtension, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { createHash, generateKeyPairSync, randomBytes, sign, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const ISSUER = 'https://as.example.com'
export const AUDIENCE = 'https://api.example.com'
export const ORIGIN = AUDIENCE
export const now = () => Math.floor(Date.now() / 1000)

const base64url = (octets) => Buffer.from(octets).toString('base64url')
const sha256 = (octets) => base64url(createHash('sha256').update(octets).digest())

/** A P-256 key that signs ES256. */
export class Key {
  constructor(kid = 'k1') {
    this.kid = kid
    Object.assign(this, generateKeyPairSync('ec', { namedCurve: 'P-256' }))
    const { kty, crv, x, y } = this.publicKey.export({ format: 'jwk' })
    this.jwk = { kty, crv, x, y }
    this.thumbprint = sha256(JSON.stringify({ crv, kty, x, y }))
  }

  sign(header, claims) {
    const input = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.')
    return `${input}.${base64url(sign('sha256', input, { key: this.privateKey, dsaEncoding: 'ieee-p1363' }))}`
  }
}

export const jwks = (...keys) => ({ keys: keys.map((key) => ({ ...key.jwk, kid: key.kid, alg: 'ES256', use: 'sig' })) })

export function token(key, cnf, more = {}) {
  const claims = {
    iss: ISSUER, aud: AUDIENCE, sub: 'user-1', client_id: 'client-7', scope: 'accounts payments', iat: now(), exp: now() + 600,
    jti: randomBytes(8).toString('hex'), cnf, ...more,
  }
  return key.sign({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }, claims)
}

export function proof(key, method, url, credential, more = {}) {
  const claims = { jti: randomBytes(12).toString('hex'), htm: method, htu: url, iat: now(), ath: sha256(credential), ...more }
  return key.sign({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk }, claims)
}

/** A certificate and its key, signed by `issuer` or by itself. */
async function certificate(name, issuer) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await X509CertificateGenerator.create(
    {
      subject: `CN=${name}`,
      issuer: `CN=${issuer?.name ?? name}`,
      serialNumber: randomBytes(8).toString('hex').replace(/^./, '1'),
      notBefore: new Date(Date.now() - 86_400_000),
      notAfter: new Date(Date.now() + 86_400_000),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: (issuer?.keys ?? keys).privateKey,
      extensions: [
        new BasicConstraintsExtension(issuer === undefined, undefined, true),
        new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }]),
      ],
    },
    webcrypto,
  )
  const der = Buffer.from(made.rawData)
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g).join('\n')}\n-----END PRIVATE KEY-----\n`
  return { name, keys, der, pem: `${made.toString('pem').trim()}\n`, key, cnf: { 'x5t#S256': sha256(der) } }
}

export const KEY = new Key()
export const HOLDER = new Key('holder')
export const AUTHORITY = await certificate('authority')
export const CLIENT = await certificate('client', AUTHORITY)
export const OTHER = await certificate('other', AUTHORITY)
export const SELF_SIGNED = await certificate('self-signed')
export const SERVER = await certificate('localhost', AUTHORITY)
export const BOUND = token(KEY, CLIENT.cnf)
export const HELD = token(KEY, { jkt: HOLDER.thumbprint })

export const bearer = (credential = BOUND) => [['Authorization', `Bearer ${credential}`]]

export function dpop(path, { credential = HELD, method = 'GET', ...more } = {}) {
  return [['Authorization', `DPoP ${credential}`], ['DPoP', proof(HOLDER, method, ORIGIN + path, credential, more)]]
}

/** The code of the refusal, or `ok`. */
export async function code(judge) {
  try {
    await judge()
    return 'ok'
  } catch (error) {
    if (error.code === undefined || error.number === undefined) throw error
    return error.code
  }
}

/** Calls `work` with a folder that is gone afterwards. */
export async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-node-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
