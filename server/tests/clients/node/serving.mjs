// The real server over TLS, with a person, clients and a browser that fills in its forms.
import { execFileSync, spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, fetch } from 'undici'

export const PASSWORD = 'correct horse battery'
export const API = 'https://api.example.com'
export const REDIRECT_URI = 'https://client.example/cb'

const BINARY = process.env.COUNTERFOIL_SERVER ?? fileURLToPath(new URL('../../../../target/debug/counterfoil-server', import.meta.url))

export const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })

const CLAIMS = { name: 'Alice Example', email: 'alice@example.com', email_verified: true }

/**
 * A server of its own, stopped when `stop` is called. `more` is appended to its configuration, `settings` replaces lines of it, `claims` are what it
 * knows of alice. FAPI 1.0 needs a certificate with an RSA key.
 */
export async function start({ settings = {}, more = '', claims = CLAIMS, keyType = 'ec' } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'counterfoil-clients-'))
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const file = join(folder, 'counterfoil.toml')
  const run = (...args) => execFileSync(BINARY, [...args, '--config', file], { stdio: ['pipe', 'pipe', 'inherit'] })
  execFileSync(BINARY, ['init', folder, '--issuer', issuer, '--address', `127.0.0.1:${port}`, '--mtls-host', 'mtls.localhost'])
  if (keyType === 'rsa') certify(folder, 'tls/server', { isRsa: true, extensions: 'subjectAltName=DNS:localhost,DNS:mtls.localhost' })
  let text = readFileSync(file, 'utf8')
  for (const [from, to] of Object.entries(settings)) {
    if (!text.includes(from)) throw new Error(`no ${from} in the configuration`)
    text = text.replace(from, to)
  }
  writeFileSync(file, text)
  appendFileSync(file, more)
  execFileSync(BINARY, ['user', 'add', 'alice', '--claims', JSON.stringify(claims), '--config', file], { input: `${PASSWORD}\n` })
  // Where clients have their keys at a URL, the server's own authority vouches for it.
  const env = { ...globalThis.process.env, SSL_CERT_FILE: join(folder, 'tls/authority.pem') }
  const process = spawn(BINARY, ['serve', '--config', file], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  process.stderr.on('data', (piece) => (log += piece))
  const authority = readFileSync(join(folder, 'tls/authority.pem'))
  const server = {
    issuer,
    folder,
    log: () => log,
    /** `fetch` that trusts the server's authority and presents a certificate, if there is one. */
    fetchAs({ cert, key } = {}) {
      const lookup = (_host, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4))
      const dispatcher = new Agent({ connect: { ca: authority, cert, key, lookup } })
      return (url, options) => fetch(url, { ...options, dispatcher })
    },
    /** Adds a client by the command line. */
    add(metadata) {
      const path = join(folder, `${metadata.client_id}.json`)
      writeFileSync(path, JSON.stringify(metadata))
      run('client', 'add', path)
    },
    /** A client's certificate by the server's authority, or by nobody but itself; or the certificate of a `host`. */
    certificate(name, { isSelfSigned = false, host } = {}) {
      return certify(folder, name, { isSelfSigned, extensions: host ? `subjectAltName=DNS:${host}` : 'extendedKeyUsage=clientAuth' })
    },
    async stop() {
      const ended = new Promise((resolve) => process.once('exit', resolve))
      process.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true })
    },
  }
  const ask = server.fetchAs()
  for (let attempt = 0; ; attempt++) {
    try {
      const ready = await ask(`${issuer}/health/ready`)
      if (ready.ok) return server
    } catch (error) {
      if (attempt === 100 || process.exitCode !== null) throw new Error(`the server does not start: ${log}`, { cause: error })
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** A key and a certificate in the folder, by the server's authority or by nobody but itself. */
function certify(folder, name, { isSelfSigned = false, isRsa = false, extensions }) {
  const at = (suffix) => join(folder, `${name}.${suffix}`)
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  if (isRsa) openssl('genrsa', '-out', at('key'), '2048')
  else openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', at('key'))
  const common = name.split('/').at(-1)
  if (isSelfSigned) {
    openssl('req', '-x509', '-new', '-key', at('key'), '-subj', `/CN=${common}`, '-days', '2', '-out', at('pem'))
  } else {
    openssl('req', '-new', '-key', at('key'), '-subj', `/O=Bank, Ltd./CN=${common}`, '-out', at('csr'))
    const authority = ['-CA', join(folder, 'tls/authority.pem'), '-CAkey', join(folder, 'tls/authority.key'), '-CAcreateserial']
    writeFileSync(at('ext'), `basicConstraints=CA:FALSE\n${extensions}\n`)
    openssl('x509', '-req', '-in', at('csr'), ...authority, '-days', '2', '-extfile', at('ext'), '-out', at('pem'))
  }
  return { cert: readFileSync(at('pem')), key: readFileSync(at('key')) }
}

/** A browser with cookies, which follows no redirection by itself. */
export function browser(server) {
  const ask = server.fetchAs()
  const cookies = new Map()
  return async (to, form) => {
    const headers = { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') }
    const answer = await ask(to, { method: form ? 'POST' : 'GET', body: form && new URLSearchParams(form), headers, redirect: 'manual' })
    for (const cookie of answer.headers.getSetCookie()) cookies.set(...cookie.split(';')[0].split(/=(.*)/s).slice(0, 2))
    return answer
  }
}

/** The hidden fields of a page's form. */
export const hidden = (page) =>
  Object.fromEntries([...page.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]))

/** The form of a page that the browser posts to the client at once, as the client gets it. */
function posted(page) {
  const action = /<form method="post" action="([^"]*)"/.exec(page)[1].replaceAll('&#x2f;', '/').replaceAll('&amp;', '&')
  return new Request(action, { method: 'POST', body: new URLSearchParams(hidden(page)) })
}

/** What a person does in a browser: signs in, and answers. Gives the URL of the redirection to the client, or what is posted there. */
export async function browse(server, url, { action = 'approve' } = {}) {
  const visit = browser(server)
  const login = await visit(url)
  const page = await login.text()
  if (login.status !== 200) throw new Error(`${login.status}: ${page}`)
  const signedIn = await visit(`${server.issuer}/login`, { ...hidden(page), username: 'alice', password: PASSWORD, action: 'login' })
  const consent = await visit(signedIn.headers.get('location'))
  const answered = await visit(`${server.issuer}/consent`, { ...hidden(await consent.text()), action })
  if (answered.status === 200) return posted(await answered.text())
  if (answered.status !== 303) throw new Error(`${answered.status}: ${await answered.text()}`)
  return new URL(answered.headers.get('location'))
}

/** What a person does on a phone: signs in at the page for it, and answers the request that shows this text. Gives the page that comes then. */
export async function answer(server, text, { action = 'approve' } = {}) {
  const visit = browser(server)
  const login = await visit(`${server.issuer}/approvals`)
  const signedIn = await visit(`${server.issuer}/approvals/login`, { ...hidden(await login.text()), username: 'alice', password: PASSWORD })
  const page = await (await visit(signedIn.headers.get('location'))).text()
  const request = page.split('<section').find((section) => section.includes(text))
  if (!request) throw new Error(`nobody asks for ${text}: ${page}`)
  return (await visit(`${server.issuer}/approvals/decision`, { ...hidden(request), action })).text()
}

/** A key pair for ES256: for WebCrypto, as a JWK to register, and whole as a JWK. */
export async function signingKey(kid) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const key = await crypto.subtle.importKey('jwk', pair.privateKey.export({ format: 'jwk' }), algorithm, false, ['sign'])
  const about = { kid, alg: 'ES256', use: 'sig' }
  const exported = { ...pair.privateKey.export({ format: 'jwk' }), ...about }
  return { key, kid, jwk: { ...pair.publicKey.export({ format: 'jwk' }), ...about }, exported }
}

/** The base64 of a certificate in PEM, as `x5c` has it. */
export const x5c = (pem) => pem.toString().replace(/-----[^-]+-----|\s/g, '')
