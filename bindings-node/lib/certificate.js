'use strict'

const native = require('./native.js')
const { called } = require('./errors.js')

/** In the engine's order; a certificate of which only the thumbprint is known has none of them. */
const FORMS = ['der', 'pem', 'escapedPem', 'clientCert']
const MADE = Symbol('made')

/** A client's certificate. `Uint8Array`s in its place are DER. */
class Certificate {
  #form
  #text
  #thumbprint

  constructor(made, form, text, thumbprint) {
    if (made !== MADE) throw new TypeError('Certificate.der, .pem, .escapedPem, .clientCert or .ofThumbprint')
    if (thumbprint === undefined && typeof text !== 'string' && !(text instanceof Uint8Array)) {
      throw new TypeError('a certificate is a string or a Uint8Array')
    }
    this.#form = form
    this.#text = text
    this.#thumbprint = thumbprint
  }

  /** From DER. */
  static der(certificate) {
    return new Certificate(MADE, FORMS.indexOf('der'), certificate)
  }

  /** From PEM. */
  static pem(certificate) {
    return new Certificate(MADE, FORMS.indexOf('pem'), certificate)
  }

  /** From PEM with percent escapes, as nginx's `$ssl_client_escaped_cert`. */
  static escapedPem(certificate) {
    return new Certificate(MADE, FORMS.indexOf('escapedPem'), certificate)
  }

  /** From the value of a `Client-Cert` field (RFC 9440). */
  static clientCert(field) {
    return new Certificate(MADE, FORMS.indexOf('clientCert'), field)
  }

  /** A certificate of which only the `x5t#S256` is known. */
  static ofThumbprint(thumbprint) {
    return new Certificate(MADE, FORMS.length, '', called(() => native.checkThumbprint(thumbprint)))
  }

  /** Its `x5t#S256` (RFC 8705 section 3.1). Hashed when first asked for. */
  get thumbprint() {
    return (this.#thumbprint ??= called(() => native.certificateThumbprint(this.#form, this.#text)))
  }

  /** For the engine: form and text. */
  get presented() {
    return [this.#form, this.#text]
  }
}

/** `Certificate`, DER, or nothing. */
function certificateOf(held) {
  if (held === undefined || held === null || held instanceof Certificate) return held ?? undefined
  return Certificate.der(held)
}

/** The `x5t#S256` of a certificate. */
function certificateThumbprint(certificate) {
  return certificateOf(certificate).thumbprint
}

module.exports = { Certificate, certificateOf, certificateThumbprint }
