// What the suite is told for one row: two clients, which the server gets to know, and what the person does in the browser.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { PASSWORD, x5c } from '../clients/node/serving.mjs'

/** A server with the TLS of FAPI 1.0, held to a profile. */
const ofFapi1 =
  (profile, acr = 'urn:counterfoil:password') =>
  ({ authority }) => ({
    keyType: 'rsa',
    settings: {
      'profile = "fapi2-security"': `profile = "${profile}"`,
      'acr = "urn:counterfoil:password"': `acr = "${acr}"`,
      'development = false': 'development = true',
      'ciphers = "fapi2"': 'ciphers = "fapi1"',
      '# [backchannel]': ['[backchannel]', 'test_approvals = true', ...(authority ? [`authorities = ${JSON.stringify(authority)}`] : [])].join('\n'),
    },
  })

/** The servers that are judged: what each is told beyond what `init` writes. `authority` vouches for the suite's own endpoints. */
export const SERVERS = {
  fapi2: () => ({}),
  fapi1: ofFapi1('fapi1-advanced'),
  'cdr-australia': ofFapi1('cdr-australia', 'urn:cds.au:cdr:2'),
  'uk-open-banking': ofFapi1('uk-open-banking', 'urn:openbanking:psd2:sca'),
  'open-banking-brazil': ofFapi1('open-banking-brazil', 'urn:brasil:openbanking:loa2'),
  'connectid-australia': () => ({ settings: { 'profile = "fapi2-security"': 'profile = "connectid-australia"' } }),
}

/** A plan's configuration. Its two clients are added to the server. */
export function configure(server, suiteUrl, row) {
  const callback = `${suiteUrl}/test/a/${row.alias}/callback`
  const redirect_uris = [callback, `${callback}?dummy1=lorem&dummy2=ipsum`]
  const ping = row.isPinged && { backchannel_client_notification_endpoint: `${suiteUrl}/test/a/${row.alias}/ciba-notification-endpoint` }
  const [one, two] = ['one', 'two'].map((name) => party(server, row, `${row.alias}-${name}`, { redirect_uris, ...ping }))
  const person = personAt(server.issuer)
  const override = Object.entries(row.person).map(([module, does]) => [module, { browser: person[does] }])
  // Tokens that are bound to a certificate are good where certificates are asked for.
  const resource = row.variant.sender_constrain === 'dpop' ? server.issuer : server.issuer.replace('localhost', 'mtls.localhost')
  return {
    alias: row.alias,
    description: `counterfoil-server: ${row.name}`,
    server: { discoveryUrl: `${server.issuer}/.well-known/openid-configuration` },
    client: one.client,
    client2: two.client,
    ...(needsCertificate(row) && { mtls: one.mtls, mtls2: two.mtls }),
    resource: { resourceUrl: `${resource}/resource`, ...row.configuration?.resource },
    browser: person.allows,
    override: Object.fromEntries(override),
    // Nobody looks at the pages.
    ...(row.hint && { automated_ciba_approval_url: `${server.issuer}/dev/ciba?auth_req_id={auth_req_id}&action={action}` }),
    options: { browsercontrol_css_enable: false },
  }
}

/** Always OpenID Connect, and always signed. */
const isFapi1 = ({ plan }) => !plan.startsWith('fapi2')

const needsCertificate = ({ variant }) => variant.client_auth_type === 'mtls' || variant.sender_constrain !== 'dpop'

/** A client: added to the server, and given as the suite wants it. */
function party(server, row, id, more) {
  const scope = row.variant.openid !== 'plain_oauth' && (row.variant.openid || isFapi1(row)) ? `openid ${row.scope}` : row.scope
  // RSA, for the modules that sign with RS256 as well.
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const about = { kid: `${id}-key`, alg: 'PS256', use: 'sig' }
  const jwk = { ...key.publicKey.export({ format: 'jwk' }), ...about }
  const jwks = { keys: [{ ...key.privateKey.export({ format: 'jwk' }), ...about }] }
  // The second client's certificate is by nobody but itself: each plan with certificates sees both methods of RFC 8705.
  const isSelfSigned = id.endsWith('-two')
  const certificate = server.certificate(id, { isSelfSigned })
  // Who signs requests has a key for it, however it authenticates.
  const signing = row.variant.fapi_request_method === 'signed_non_repudiation' || isFapi1(row) ? [jwk] : []
  const authentication = () => {
    if (row.variant.client_auth_type !== 'mtls') return { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } }
    if (!isSelfSigned) return { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: `CN=${id},O=Bank\\, Ltd.`, ...(signing.length && { jwks: { keys: signing } }) }
    const own = { ...createPrivateKey(certificate.key).export({ format: 'jwk' }), kid: `${id}-certificate`, x5c: [x5c(certificate.cert)] }
    delete own.d
    return { token_endpoint_auth_method: 'self_signed_tls_client_auth', jwks: { keys: [...signing, own] } }
  }
  server.add({
    client_id: id,
    client_name: 'Conformance suite',
    ...more,
    scope,
    dpop_bound_access_tokens: row.variant.sender_constrain === 'dpop',
    tls_client_certificate_bound_access_tokens: row.variant.sender_constrain !== 'dpop',
    ...authentication(),
    ...row.client,
  })
  const pem = createPrivateKey(certificate.key).export({ type: 'pkcs8', format: 'pem' })
  return { client: { client_id: id, scope, jwks, dpop_signing_alg: 'PS256', ...row.hint }, mtls: { cert: certificate.cert.toString(), key: pem } }
}

/** What the suite's browser does at our pages. A task whose page does not come is passed over: the client may have been told already. */
function personAt(issuer) {
  const match = `${issuer}/authorize*`
  const at = (task, ...commands) => ({ task, match, optional: true, commands })
  const signsIn = at('sign in', ['text', 'id', 'username', 'alice'], ['text', 'id', 'password', PASSWORD], ['click', 'id', 'login'])
  const isBack = { task: 'back at the client', match: '*/test/a/*/callback*', commands: [['wait', 'id', 'submission_complete', 10]] }
  const answers = (button) => [{ match, tasks: [signsIn, at(button, ['click', 'id', button]), isBack] }]
  return {
    allows: answers('approve'),
    cancels: answers('cancel'),
    // A page that is for somebody to look at: the module ends as REVIEW.
    seesAnError: [{ match, tasks: [{ task: 'error page', match, commands: [['wait', 'xpath', '//*', 10, 'invalid_request', 'update-image-placeholder']] }] }],
    loadsThePageTwice: [{ match, 'match-limit': 1, tasks: [{ task: 'looks', match, commands: [] }] }, ...answers('approve')],
  }
}
