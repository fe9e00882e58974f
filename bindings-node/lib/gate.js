'use strict'

const { BlockList, isIP } = require('node:net')
const { Certificate } = require('./certificate.js')
const { numberOf, refusal } = require('./errors.js')
const { rawValuesOf } = require('./headers.js')

const FORMS = { pem: Certificate.pem, escapedPem: Certificate.escapedPem, clientCert: Certificate.clientCert }

/**
 * What the middleware of all frameworks has in common: from a request of Node's to an accepted token, or to an answer.
 *
 * `origin` is scheme and authority as clients write them (`https://api.example.com`): never taken from a request. `certificateHeader` names a
 * header with the client's certificate and its form (`pem`, `escapedPem` or `clientCert`), which counts from `trustedPeers` (addresses or
 * networks) alone, and of those alone; everybody else's certificate is the TLS connection's.
 */
class Gate {
  #verifier
  #origin
  #passOptions
  #peers
  #header
  #demands

  constructor(verifier, options) {
    const { origin, certificateHeader, trustedPeers = [], passOptions = false, scopes, acrValues, maxAge, ...unknown } = options
    for (const name of Object.keys(unknown)) throw new TypeError(`${name} is no option of a Gate`)
    if (typeof origin !== 'string' || !/^https:\/\/[^/?#]+$/.test(origin)) throw new TypeError('origin: https://HOST[:PORT], without a path')
    if ((certificateHeader === undefined) !== (trustedPeers.length === 0)) throw new TypeError('certificateHeader and trustedPeers belong together')
    if (certificateHeader !== undefined && !Object.hasOwn(FORMS, certificateHeader.form)) {
      throw new TypeError('certificateHeader: form is one of pem, escapedPem and clientCert')
    }
    this.#verifier = verifier
    this.#origin = origin
    this.#passOptions = passOptions
    this.#peers = networks(trustedPeers)
    this.#header = certificateHeader && { name: certificateHeader.name.toLowerCase(), form: FORMS[certificateHeader.form] }
    this.#demands = { scopes, acrValues, maxAge }
  }

  /** The same rules with other demands, for one route. */
  demanding({ scopes, acrValues, maxAge }) {
    const other = new Gate(this.#verifier, { origin: this.#origin, passOptions: this.#passOptions, scopes, acrValues, maxAge })
    other.#peers = this.#peers
    other.#header = this.#header
    return other
  }

  /** Judges a request of `node:http`, `node:https` or `node:http2`; in a thread where a lookup may take its time. */
  async accept(request) {
    const judged = {
      method: request.method,
      url: this.#origin + targetOf(request),
      headers: [
        ['authorization', rawValuesOf(request.rawHeaders, 'authorization')],
        ['dpop', rawValuesOf(request.rawHeaders, 'dpop')],
      ],
      certificate: this.#certificateOf(request),
      ...this.#demands,
    }
    return this.#verifier.waits ? this.#verifier.acceptRequest(judged) : this.#verifier.acceptRequestSync(judged)
  }

  /** Whether such a request goes on unjudged, as a CORS preflight must. */
  passes(method) {
    return this.#passOptions && method === 'OPTIONS'
  }

  /** The header that every answer has where nonces are demanded (RFC 9449 section 8.2). */
  nonce() {
    const nonce = this.#verifier.dpopNonce()
    return nonce === null ? {} : { 'DPoP-Nonce': nonce }
  }

  /** Status, headers and body for a refused request. */
  static answer(error) {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(error.body)) }
    if (error.wwwAuthenticate) headers['WWW-Authenticate'] = error.wwwAuthenticate
    if (error.dpopNonce) headers['DPoP-Nonce'] = error.dpopNonce
    return { status: error.status, headers, body: error.body }
  }

  #certificateOf(request) {
    if (this.#header && isIn(this.#peers, request.socket.remoteAddress)) return forwarded(request.rawHeaders, this.#header)
    // Asked for each request: a connection of TLS 1.2 may have been negotiated anew.
    const certificate = request.socket.getPeerX509Certificate?.()
    return certificate && Certificate.der(certificate.raw)
  }
}

/** Path and query as they were sent. */
function targetOf(request) {
  const target = request.originalUrl ?? request.url
  return target.startsWith('/') ? target : `/${target.split('/').slice(3).join('/')}`
}

function forwarded(rawHeaders, { name, form }) {
  const values = rawValuesOf(rawHeaders, name)
  if (values.length > 1) throw refusal(numberOf('certificate_repeated'))
  return values.length === 0 ? undefined : form(values[0].trim())
}

function networks(peers) {
  const list = new BlockList()
  for (const peer of peers) {
    const [address, bits] = peer.split('/')
    const family = ['ipv4', 'ipv6'][[4, 6].indexOf(isIP(address))]
    if (family === undefined) throw new TypeError(`trustedPeers: ${peer} is neither an address nor a network`)
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

function isIn(peers, address) {
  return address !== undefined && peers.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

module.exports = { Gate }
