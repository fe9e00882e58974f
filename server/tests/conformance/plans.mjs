// The plans of the OpenID Foundation's suite that this server is judged by. A new plan is an element of PLANS.

const FAPI2 = 'fapi2-security-profile-final'

/** What every FAPI 2.0 plan has in common: variants to choose from, and modules in which the person does something else than sign in and allow. */
const ofFapi2 = {
  plan: `${FAPI2}-test-plan`,
  scope: 'accounts offline_access',
  client: { grant_types: ['authorization_code', 'refresh_token'] },
  person: {
    [`${FAPI2}-user-rejects-authentication`]: 'cancels',
    [`${FAPI2}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds`]: 'loadsThePageTwice',
  },
}

/** Signed both ways. The modules of FAPI 2.0 carry the Security Profile's name here too. */
const ofMessageSigning = {
  ...ofFapi2,
  plan: 'fapi2-message-signing-final-test-plan',
  client: { ...ofFapi2.client, profile: 'fapi2-message-signing' },
}

/** FAPI 1.0 and FAPI-CIBA are judged with the TLS of FAPI 1.0, at a server of their own (configuration.mjs). */
const ofFapi1 = {
  server: 'fapi1',
  plan: 'fapi1-advanced-final-test-plan',
  scope: 'accounts offline_access',
  person: {
    'fapi1-advanced-final-user-rejects-authentication': 'cancels',
    // By value, nobody knows where the client is: a page is all that can be shown.
    'fapi1-advanced-final-ensure-registered-redirect-uri': 'seesAnError',
    'fapi1-advanced-final-ensure-request-object-without-redirect-uri-fails': 'seesAnError',
    'fapi1-advanced-final-ensure-redirect-uri-in-authorization-request': 'seesAnError',
    'fapi1-advanced-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': 'loadsThePageTwice',
  },
}

const methods = { client_auth_type: ['private_key_jwt', 'mtls'], sender_constrain: ['dpop', 'mtls'] }

/**
 * `variant` is the same in all of a plan's rows, `choices` are combined. `scope` is asked for, with `openid` before it in variants that are OpenID
 * Connect. `client` is added to both clients' metadata, `configuration` to what the suite is told.
 */
const PLANS = [
  {
    ...ofFapi2,
    variant: { fapi_profile: 'plain_fapi', authorization_request_type: 'simple' },
    choices: { ...methods, openid: ['openid_connect', 'plain_oauth'] },
  },
  {
    ...ofFapi2,
    variant: { fapi_profile: 'plain_fapi', authorization_request_type: 'rar' },
    choices: { ...methods, openid: ['openid_connect', 'plain_oauth'] },
    client: { ...ofFapi2.client, authorization_details_types: ['payment_initiation'] },
    configuration: {
      resource: {
        richAuthorizationRequest: [
          {
            type: 'payment_initiation',
            instructedAmount: { currency: 'EUR', amount: '123.50' },
            creditorName: 'Merchant A',
            creditorAccount: { iban: 'DE02100100109307118603' },
          },
        ],
      },
    },
  },
  {
    ...ofFapi2,
    // The suite wants a word for `openid` here too; there is nobody to sign in.
    variant: { fapi_profile: 'fapi_client_credentials_grant', authorization_request_type: 'simple', openid: 'plain_oauth' },
    choices: methods,
    scope: 'accounts',
    client: { grant_types: ['client_credentials'] },
  },
  {
    ...ofMessageSigning,
    variant: {
      fapi_profile: 'plain_fapi',
      authorization_request_type: 'simple',
      fapi_request_method: 'signed_non_repudiation',
      fapi_response_mode: 'jarm',
    },
    choices: { ...methods, openid: ['openid_connect', 'plain_oauth'] },
  },
  {
    ...ofFapi1,
    variant: { fapi_profile: 'plain_fapi', fapi_response_mode: 'plain_response' },
    choices: { client_auth_type: methods.client_auth_type, fapi_auth_request_method: ['by_value', 'pushed'] },
    client: { grant_types: ['authorization_code', 'refresh_token'], profile: 'fapi1-advanced', response_types: ['code id_token'] },
  },
  {
    ...ofFapi1,
    variant: { fapi_profile: 'plain_fapi', fapi_response_mode: 'jarm' },
    choices: { client_auth_type: methods.client_auth_type, fapi_auth_request_method: ['by_value', 'pushed'] },
    client: { grant_types: ['authorization_code', 'refresh_token'], profile: 'fapi1-advanced', response_types: ['code'] },
  },
  ...['poll', 'ping'].map((mode) => ({
    ...ofFapi1,
    plan: 'fapi-ciba-id1-test-plan',
    person: {},
    variant: { fapi_ciba_profile: 'plain_fapi', client_registration: 'static_client', ciba_mode: mode },
    choices: { client_auth_type: methods.client_auth_type },
    client: {
      grant_types: ['refresh_token', 'urn:openid:params:grant-type:ciba'],
      profile: 'fapi-ciba',
      backchannel_token_delivery_mode: mode,
    },
    isPinged: mode === 'ping',
    hint: { hint_type: 'login_hint', hint_value: 'alice', acr_value: 'urn:counterfoil:password' },
  })),
]

/**
 * What the suite knows of markets, as far as it goes without their directories, consents and intents: rows that `--markets` runs,
 * with a paper of their own.
 */
const MARKETS = [
  {
    ...ofFapi1,
    server: 'cdr-australia',
    variant: { fapi_profile: 'consumerdataright_au', client_auth_type: 'private_key_jwt', fapi_auth_request_method: 'pushed', fapi_response_mode: 'jarm' },
    client: { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] },
    configuration: { resource: { cdrVersion: '1' } },
  },
  {
    ...ofFapi1,
    server: 'uk-open-banking',
    variant: { fapi_profile: 'openbanking_uk', client_auth_type: 'private_key_jwt', fapi_auth_request_method: 'by_value', fapi_response_mode: 'plain_response' },
    client: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'], response_types: ['code id_token'] },
  },
  {
    ...ofFapi1,
    server: 'open-banking-brazil',
    variant: { fapi_profile: 'openbanking_brazil', client_auth_type: 'private_key_jwt', fapi_auth_request_method: 'pushed', fapi_response_mode: 'plain_response' },
    client: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'], response_types: ['code id_token'] },
  },
  {
    ...ofMessageSigning,
    server: 'connectid-australia',
    variant: {
      fapi_profile: 'connectid_au',
      authorization_request_type: 'simple',
      fapi_request_method: 'signed_non_repudiation',
      fapi_response_mode: 'plain_response',
      client_auth_type: 'private_key_jwt',
      sender_constrain: 'mtls',
      openid: 'openid_connect',
    },
    client: { grant_types: ['authorization_code', 'refresh_token'] },
  },
].map((row) => ({ ...row, choices: {}, isMarket: true }))

const combinations = (choices) =>
  Object.entries(choices).reduce((rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))), [{}])

const rowsOf = ({ choices, ...row }) =>
  combinations(choices).map((chosen) => {
    const variant = { ...row.variant, ...chosen }
    return { ...row, variant, name: [row.plan.replace('-test-plan', ''), ...Object.values(variant)].join(' ') }
  })

/** One row for each variant of each plan. By its alias the suite knows whose test a redirection is for. */
export const ROWS = [...PLANS, ...MARKETS].flatMap(rowsOf).map((row, index) => ({ ...row, alias: `counterfoil-${index + 1}` }))
