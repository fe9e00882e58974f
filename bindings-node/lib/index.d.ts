/// <reference types="node" />
import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { ErrorCode } from './codes.js'

export type { ErrorCode }

/** A string, or its octets. */
export type Text = string | Uint8Array

export type Algorithm = 'ES256' | 'PS256' | 'EdDSA' | 'Ed25519' | 'RS256'

/** A JWK Set: an object, or its text. */
export type JwkSet = Text | { keys: readonly object[] }

/** A client's certificate. A `Uint8Array` in its place is DER. */
export class Certificate {
  private constructor()
  /** From DER. */
  static der(certificate: Text): Certificate
  /** From PEM. */
  static pem(certificate: Text): Certificate
  /** From PEM with percent escapes, as nginx's `$ssl_client_escaped_cert`. */
  static escapedPem(certificate: Text): Certificate
  /** From the value of a `Client-Cert` field (RFC 9440). */
  static clientCert(field: Text): Certificate
  /** A certificate of which only the `x5t#S256` is known. */
  static ofThumbprint(thumbprint: Text): Certificate
  /** Its `x5t#S256` (RFC 8705 section 3.1). */
  get thumbprint(): string
}

/** A DPoP proof that passed every check and is used up. */
export class Proof {
  private constructor()
  /** The thumbprint of its key (RFC 7638): `jkt`. */
  get thumbprint(): string
  /** `iat`, in whole seconds. */
  get issuedAt(): number
}

/** What a token is bound to: one of the two. */
export interface Confirmation {
  readonly 'x5t#S256'?: string
  readonly jkt?: string
}

/** The claims of an access token, frozen. The registered ones were checked; the others are as they were signed. */
export interface Claims {
  readonly iss: string
  readonly aud: string | readonly string[]
  readonly exp: number
  readonly sub?: string
  readonly client_id?: string
  readonly jti?: string
  readonly scope?: string
  readonly iat?: number
  readonly nbf?: number
  readonly auth_time?: number
  readonly acr?: string
  readonly cnf?: Confirmation
  readonly [name: string]: unknown
}

/** An access token that passed every check. There is no other way to one. */
export class AccessToken {
  private constructor()
  /** The claims as the JSON text that was signed. */
  get payload(): string
  /** All claims. Made when first asked for, then always the same. */
  get claims(): Claims
  /** `iss`. */
  get issuer(): string
  /** `sub`. */
  get subject(): string | null
  /** `client_id`. */
  get clientId(): string | null
  /** `jti`. */
  get jwtId(): string | null
  /** `aud`, always as an array. */
  get audiences(): string[]
  /** `scope`, as it is: words between spaces. */
  get scope(): string | null
  /** Whether `scope` is one of the words of the claim. */
  hasScope(scope: string): boolean
  /** `exp`, in whole seconds. */
  get expiresAt(): number
  /** `iat`, in whole seconds. */
  get issuedAt(): number | null
  /** `nbf`, in whole seconds. */
  get notBefore(): number | null
  /** `auth_time`, in whole seconds. */
  get authTime(): number | null
  /** `acr`. */
  get acr(): string | null
  /** What the token is bound to, and its holder has proved; null for an unbound one. */
  get confirmation(): Confirmation | null
  /** `authorization_details` (RFC 9396). */
  get authorizationDetails(): readonly unknown[] | null
  toJSON(): Claims
}

/** How a server is reached over https. */
export interface Tls {
  /** A PEM file of the authorities to trust instead of the system's. */
  caFile?: string
  /** A PEM file of the certificate to present. */
  certificateFile?: string
  /** A PEM file of its private key. */
  keyFile?: string
  /** Seconds until an answer is given up: 5 by default. */
  timeout?: number
}

/** Exactly one of the first three. */
export interface KeySource {
  jwks?: JwkSet
  /** A file, read again when it changes. */
  jwksFile?: string
  /** An https URL, fetched in the background, and again when a token names an unknown key. */
  jwksUri?: string
  /** How `jwksUri` is reached. */
  tls?: Tls
}

/** An issuer whose access tokens are accepted, and by which policy. */
export interface Issuer extends KeySource {
  issuer: string
  /** One of these must be in `aud`. */
  audience: string | readonly string[]
  /** Instead of those of FAPI 2.0. */
  algorithms?: readonly Algorithm[]
  /** For issuers that predate RFC 9068: the accepted `typ`, null for none at all. */
  types?: readonly (string | null)[]
  /** With `types`: the claims required beside `iss`, `aud` and `exp`. */
  requiredClaims?: readonly string[]
  /** `required` by default. */
  binding?: 'required' | 'mtls' | 'dpop' | 'optional'
  /** Seconds that the issuer's clock may differ: 10 by default. */
  leeway?: number
  scopes?: readonly string[]
  acrValues?: readonly string[]
  /** Seconds that the authentication may be old (RFC 9470). */
  maxAge?: number
  /** 16,384 by default. */
  maxTokenBytes?: number
  /** 4,096 by default. */
  maxHeaderBytes?: number
  /** Octets of memory for each prepared key: 262,656 by default. */
  keyMemory?: number
}

/** What DPoP proofs must be. */
export interface ProofRules {
  algorithms?: readonly Algorithm[]
  /** Seconds that a proof may be old: 300 by default. */
  past?: number
  /** Seconds that a proof may be early: 10 by default. */
  ahead?: number
  /** Demands nonces: their secret, at least 32 octets in base64url, the same in all processes. */
  nonceSecret?: string
  /** Demands nonces, of a secret drawn now. */
  nonceRandom?: boolean
  /** Seconds of a nonce's step: 60 by default. */
  nonceStep?: number
  /** How many proofs are remembered in this process: 262,144 by default. */
  replayCapacity?: number
  /** A `redis://` URL of a Valkey or Redis server that all processes share. */
  replayUrl?: string
  /** What its keys begin with: `counterfoil:` by default. */
  replayPrefix?: string
}

/** Where split tokens are completed. */
export interface SplitLookup {
  /** `https://…` or `redis://…`. */
  url: string
  encoding?: 'base64url' | 'base64' | 'hex'
  /** Seconds for which a counterfoil is not looked up again: so long may a revoked one go on being accepted. 0 by default. */
  fresh?: number
  /** https: the bearer token that proves who asks. */
  bearer?: string
  tls?: Tls
  /** redis: what keys begin with. */
  prefix?: string
}

/** Where phantom tokens are looked up. */
export interface IntrospectionLookup {
  /** One of the trusted issuers. */
  issuer: string
  url: string
  /** `json` (RFC 7662) by default; `signed` (RFC 9701); `jwt` (`application/jwt`). */
  format?: 'json' | 'signed' | 'jwt'
  /** `signed`: the `aud` of answers; by default `clientId`. */
  audience?: string
  clientId: string
  /** Without one, this service proves itself by the certificate of `tls`. */
  clientSecret?: string
  /** Seconds for which an active answer is believed. 0 by default. */
  active?: number
  /** Seconds for which an inactive answer is believed. 0 by default. */
  inactive?: number
  tls?: Tls
}

/** Where an issuer tells what it publishes and revokes: followed in the background. */
export interface Feed {
  url: string
  /** How keys are spelled: `base64url` by default. */
  encoding?: 'base64url' | 'base64' | 'hex'
  tls?: Tls
}

/** What holds for all issuers. */
export interface GatewayOptions {
  /** Named in every challenge. */
  realm?: string
  dpop?: ProofRules
  split?: SplitLookup
  introspection?: IntrospectionLookup
  /** The feed of what an issuer publishes and revokes, such as `https://mtls.as.example/split-tokens?client_id=gateway`. */
  feed?: Feed
  /** Whether whole tokens, which clients should not have, are refused. */
  onlyReferences?: boolean
  /** How many good tokens are remembered. */
  tokenCache?: number
  /** For how many keys of proofs there are tables. */
  keyTables?: number
  /** Seconds that a request waits for a key that the set lacks: 0 by default. */
  patience?: number
}

/** One issuer, or several. */
export type VerifierOptions = GatewayOptions & (Issuer | { issuers: readonly Issuer[] })

/** Who presents a token: a certificate, a proof, or nobody; `now` in seconds since 1970, for tests. */
export type Presenter = { now?: number } & (
  | { certificate?: Certificate | Uint8Array | null; dpop?: undefined; method?: undefined; url?: undefined }
  | { certificate?: undefined; dpop: Proof; method?: undefined; url?: undefined }
  | { certificate?: undefined; dpop: Text; method: string; url: string }
)

/** What a route demands beside the policy. */
export interface Demands {
  scopes?: readonly string[]
  acrValues?: readonly string[]
  /** Seconds. */
  maxAge?: number
}

/** One HTTP request. */
export interface JudgedRequest extends Demands {
  method: string
  /** As clients write it: with the external scheme and authority. */
  url: string
  headers: Iterable<readonly [string, string | Uint8Array | readonly (string | Uint8Array)[] | undefined]> | Readonly<Record<string, string | Uint8Array | readonly (string | Uint8Array)[] | undefined>>
  certificate?: Certificate | Uint8Array | null
  now?: number
}

/** Judges tokens and requests for one resource server. One for a process; keys are fetched in the background. */
export class Verifier {
  constructor(options: VerifierOptions)
  /** Whether judging a token may wait for a lookup or for keys, so that it must not be done on JavaScript's thread. */
  get waits(): boolean
  /** Judges a token and who presents it, on this thread. */
  acceptSync(token: Text, presenter?: Presenter): AccessToken
  /** As `acceptSync`, on another thread. */
  accept(token: Text, presenter?: Presenter): Promise<AccessToken>
  /** Judges a split token whose counterfoil the caller has looked up. */
  acceptSplit(counterfoil: Text, ticket: Text, presenter?: Presenter): AccessToken
  /** Judges one HTTP request, on this thread. */
  acceptRequestSync(request: JudgedRequest): AccessToken
  /** As `acceptRequestSync`, on another thread. */
  acceptRequest(request: JudgedRequest): Promise<AccessToken>
  /** Judges many whole tokens at once, on this thread, each for itself: eight signatures at a time. */
  acceptBatch(tokens: Iterable<readonly [token: Text, certificate?: Certificate | Uint8Array | null]>, options?: { now?: number }): (AccessToken | CounterfoilError)[]
  /** Judges a DPoP proof and uses it up. Without `token`: for a token endpoint. */
  acceptProof(proof: Text, request: { method: string; url: string; token?: Text; now?: number }): Proof
  /** The value of `DPoP-Nonce` for every answer, where nonces are demanded; null where not. */
  dpopNonce(options?: { now?: number }): string | null
  /** Puts another JWK Set in the place of an issuer's current one. */
  replaceKeys(issuer: string, jwks: JwkSet): void
  /** Waits until every issuer has keys, at most for so many seconds; says whether they have. */
  waitForKeys(timeout: number): Promise<boolean>
  /** Refuses, until `until` (seconds since 1970), the split or phantom token whose SHA-256 is `key`, in base64url. */
  revoke(key: Text, until: number): void
  /** How many requests and tokens were accepted, and how many refused, by code. */
  counters(): { accepted: number; refused: Record<string, number> }
  /** How the keys of each issuer are kept. */
  keyStatus(): { issuer: string; keys: number; looks: number; failures: number; lastFailure?: string }[]
}

export interface ResponseVerifierOptions extends KeySource {
  issuer: string
  clientId: string
  algorithms?: readonly Algorithm[]
  /** Seconds that the server's clock may differ: 10 by default. */
  leeway?: number
  /** Seconds that a response waits for a key that the set lacks: 0 by default. */
  patience?: number
}

/** A response's parameters, once it is accepted. */
export type AuthorizationResponse =
  | { code: string; error?: undefined }
  | { code?: undefined; error: string; error_description?: string; error_uri?: string }

/** Judges the JARM responses of one authorization server to one client. */
export class ResponseVerifier {
  constructor(options: ResponseVerifierOptions)
  /** Judges a `response` JWT, or the `query` of a redirect that carries one. Without `state`: none was sent. */
  accept(
    returned: ({ response: Text; query?: undefined } | { query: string; response?: undefined }) & { state?: string; now?: number },
  ): AuthorizationResponse
}

/** How a header holds a certificate. */
export type CertificateForm = 'pem' | 'escapedPem' | 'clientCert'

export interface GateOptions extends Demands {
  /** Scheme and authority as clients write them: `https://api.example.com`. */
  origin: string
  /** A header with the client's certificate, which counts from `trustedPeers` alone, and of those alone. */
  certificateHeader?: { name: string; form: CertificateForm }
  /** Addresses or networks. */
  trustedPeers?: readonly string[]
  /** Whether `OPTIONS` goes on unjudged, as a CORS preflight must. */
  passOptions?: boolean
}

/** What the middleware of all frameworks has in common: from a request of Node's to an accepted token, or to an answer. */
export class Gate {
  constructor(verifier: Verifier, options: GateOptions)
  /** The same rules with other demands, for one route. */
  demanding(demands: Demands): Gate
  /** Judges a request of `node:http`, `node:https` or `node:http2`; in a thread where a lookup may take its time. */
  accept(request: IncomingMessage | Http2ServerRequest): Promise<AccessToken>
  /** Whether such a request goes on unjudged. */
  passes(method: string | undefined): boolean
  /** The header that every answer has where nonces are demanded (RFC 9449 section 8.2). */
  nonce(): Record<string, string>
  /** Status, headers and body for a refused request. */
  static answer(error: CounterfoilError): { status: number; headers: Record<string, string>; body: string }
}

/** A refusal, or a mistake in the configuration. Holds nothing of what was judged, so it may be logged. */
export class CounterfoilError extends Error {
  /** The stable name of the reason, as `token_expired`. */
  readonly code: ErrorCode
  /** The stable number of the reason. */
  readonly number: number
  /** The section that asks for it, as `RFC 7519 section 4.1.4`; null where no specification does. */
  readonly rfc: string | null
  /** The HTTP status to answer with. */
  readonly status: number
  /** The value of `WWW-Authenticate` to answer with; null where none is sent, and for what is no request. */
  readonly wwwAuthenticate: string | null
  /** The value of `DPoP-Nonce` to answer with; null where none is demanded. */
  readonly dpopNonce: string | null
  /** For a mistake in the configuration, where it is. */
  readonly about: string | null
  /** A JSON body that says no more than the challenge does. */
  get body(): string
}
/** Between the engine and this language; `panicked` is a mistake of this library's. */
export class BoundaryError extends CounterfoilError {}
/** The bytes are not what they claim to be. */
export class ShapeError extends CounterfoilError {}
/** Signatures and keys. */
export class SignatureError extends CounterfoilError {}
/** The claims of a token. */
export class ClaimError extends CounterfoilError {}
/** The binding of a token to its holder. */
export class ConfirmationError extends CounterfoilError {}
/** DPoP proofs (RFC 9449). */
export class ProofError extends CounterfoilError {}
/** JARM responses. */
export class ResponseError extends CounterfoilError {}
/** Split and phantom tokens, and their lookup. */
export class SplitTokenError extends CounterfoilError {}
/** The credentials of an HTTP request. */
export class RequestError extends CounterfoilError {}
/** A mistake of the caller's: what is configured, or how it is called. */
export class ConfigurationError extends CounterfoilError {}

/** What somebody has written into a token. Nothing of it is known to be true. */
export interface UnprovenToken {
  unprovenHeader: Record<string, unknown>
  unprovenClaims: Record<string, unknown>
  warning: string
}
/** Shows the parts of a token without judging anything. For debugging only: IT PROVES NOTHING. Never decide by it. */
export function inspect(token: string): UnprovenToken

/** The `x5t#S256` of a certificate. */
export function certificateThumbprint(certificate: Certificate | Uint8Array): string
/** The RFC 7638 thumbprint of a public JWK that serves one of these algorithms. */
export function jwkThumbprint(jwk: Text | object, algorithms?: readonly Algorithm[]): string
/** Takes a compact token apart: the counterfoil to keep, and the ticket to give to the client. */
export function split(token: string): { counterfoil: string; ticket: string }
/** Puts the halves together again, as a service behind the gateway wants them. */
export function join(counterfoil: Text, ticket: Text): string
/** The key under which a ticket's counterfoil is kept: a string, or for `raw` the 32 octets. */
export function counterfoilKey(ticket: Text, encoding?: 'base64url' | 'base64' | 'hex'): string
export function counterfoilKey(ticket: Text, encoding: 'raw'): Buffer
