// The pages in headless Chromium: sign in, consent, cancel, error; at two sizes, light and dark; without scripts; axe-core's judgement.
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { PASSWORD, signingKey, start } from './serving.mjs'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const REDIRECT_URI = 'https://client.example/cb'
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
]
const HOSTILE = '<script>alert(1)</script> & "quotes" ' + 'w'.repeat(80)

let server
let browser
const own = mkdtempSync(join(tmpdir(), 'counterfoil-pages-'))
const screenshots = process.env.SCREENSHOTS ?? own

before(async () => {
  mkdirSync(screenshots, { recursive: true })
  server = await start({ settings: { '# [backchannel]': '[backchannel]' } })
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
})
after(async () => {
  await browser?.close()
  await server?.stop()
  rmSync(own, { recursive: true })
})

/** A client that pushes requests. */
async function client(name) {
  const id = randomUUID()
  const key = await signingKey(`${id}-key`)
  server.add({
    client_id: id,
    client_name: name,
    client_uri: 'https://budget.example',
    policy_uri: 'https://budget.example/privacy',
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
    dpop_bound_access_tokens: true,
    authorization_details_types: ['payment_initiation'],
    grant_types: ['authorization_code', 'urn:openid:params:grant-type:ciba'],
    backchannel_token_delivery_mode: 'poll',
  })
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const fetch = server.fetchAs()
  const post = async (path, form) => {
    const now = Math.floor(Date.now() / 1000)
    const input = `${encode({ alg: 'ES256', kid: key.kid })}.${encode({ iss: id, sub: id, aud: server.issuer, jti: randomUUID(), exp: now + 60 })}`
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.key, Buffer.from(input))
    const authentication = {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${input}.${Buffer.from(signature).toString('base64url')}`,
    }
    const answer = await fetch(server.issuer + path, { method: 'POST', body: new URLSearchParams({ ...form, ...authentication }) })
    const body = await answer.json()
    assert.ok(answer.ok, JSON.stringify(body))
    return body
  }
  const payment = (creditorName) => ({
    type: 'payment_initiation',
    instructedAmount: { currency: 'EUR', amount: '123.50' },
    creditorName,
    creditorAccount: { iban: 'DE02100100109307118603' },
  })
  const authorizeUrl = (request_uri) => `${server.issuer}/authorize?${new URLSearchParams({ client_id: id, request_uri })}`
  return {
    authorizeUrl,
    async push(creditor = 'Merchant A/S') {
      const pushed = await post('/par', {
        response_type: 'code',
        redirect_uri: REDIRECT_URI,
        scope: 'openid accounts payments',
        state: 'state-1',
        code_challenge: createHash('sha256').update('v').digest('base64url'),
        code_challenge_method: 'S256',
        authorization_details: JSON.stringify([payment(creditor)]),
      })
      return authorizeUrl(pushed.request_uri)
    },
    /** Asks alice on her phone. */
    ask: (binding_message, { creditor = 'Merchant A/S', ...more } = {}) =>
      post('/bc-authorize', {
        scope: 'openid accounts payments',
        login_hint: 'alice',
        binding_message,
        authorization_details: JSON.stringify([payment(creditor)]),
        ...more,
      }),
  }
}

/** A page of a fresh browser, with what it complained of and where it was sent at last. */
async function open(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled: false, viewport: SIZES[1], ...options })
  const page = await context.newPage()
  const complaints = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  const arrived = new Promise((resolve) =>
    context.route('https://client.example/**', (route) => {
      resolve(new URL(route.request().url()))
      return route.fulfill({ body: 'arrived' })
    }),
  )
  return { context, page, complaints, arrived }
}

async function signIn(page, password = PASSWORD) {
  await page.fill('#username', 'alice')
  await page.fill('#password', password)
  await page.click('#login')
}

/** No serious complaint of axe-core's, nothing wider than the window, and a picture to look at. */
async function isFine(page, name) {
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
  const { violations, width } = await page.evaluate(async (axe) => {
    eval(axe)
    const { violations } = await window.axe.run()
    return { violations, width: document.documentElement.scrollWidth - document.documentElement.clientWidth }
  }, AXE)
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], name)
  assert.ok(width <= 0, `${name} scrolls by ${width} px`)
}

for (const viewport of SIZES) {
  for (const colorScheme of ['light', 'dark']) {
    test(`every page is readable at ${viewport.width} px, ${colorScheme}`, async () => {
      const at = `${viewport.width}-${colorScheme}`
      const { page, context } = await open({ viewport, colorScheme, javaScriptEnabled: true, bypassCSP: true })
      const { push, authorizeUrl } = await client('Household Budget')
      await page.goto(await push())
      await isFine(page, `login-${at}`)
      await signIn(page, 'wrong')
      await isFine(page, `wrong-${at}`)
      await signIn(page)
      await isFine(page, `consent-${at}`)
      const text = (await page.innerText('main')).replace(/[\u2068\u2069]/g, '')
      for (const shown of ['Household Budget', 'see your accounts', 'A payment', 'instructed amount', 'currency EUR, amount 123.50', 'Merchant A/S', 'https://client.example']) {
        assert.ok(text.includes(shown), `${shown} in ${text}`)
      }
      await page.goto(authorizeUrl('urn:ietf:params:oauth:request_uri:unknown'))
      await isFine(page, `error-${at}`)
      assert.equal(await page.innerText('#error'), 'invalid_request_uri')
      const hostile = await client(HOSTILE)
      await page.goto(await hostile.push(HOSTILE))
      await signIn(page)
      await isFine(page, `hostile-${at}`)
      assert.equal((await page.innerText('main')).split(HOSTILE).length, 3, 'shown as it is, twice')
      await context.close()
    })
  }
}

test('without scripts: sign in, allow, and back to the client', async () => {
  const { page, context, complaints, arrived } = await open()
  const { push } = await client('Household Budget')
  const url = await push()
  await page.goto(url)
  await page.reload()
  await signIn(page)
  await page.click('#approve')
  const redirected = await arrived
  assert.deepEqual([redirected.searchParams.get('state'), redirected.searchParams.get('iss')], ['state-1', server.issuer])
  assert.match(redirected.searchParams.get('code'), /^[\w-]{43}$/)
  await page.waitForURL('https://client.example/**')
  assert.deepEqual(complaints, [])
  await page.goto(url)
  assert.equal(await page.innerText('#error'), 'invalid_request_uri')
  await context.close()
})

for (const colorScheme of ['light', 'dark']) {
  test(`what is asked on another device is answered on a phone, ${colorScheme}`, async () => {
    const [viewport] = SIZES
    const { page, context } = await open({ viewport, colorScheme, javaScriptEnabled: true, bypassCSP: true, isMobile: true, hasTouch: true })
    const fine = (name) => isFine(page, `approvals-${name}-${colorScheme}`)
    const { ask } = await client('Corner Shop')
    await page.goto(`${server.issuer}/approvals`)
    await fine('login')
    await signIn(page)
    await fine('nothing')
    assert.match(await page.innerText('main'), /Nobody asks for your answer/)
    await ask('Till 4, 12:31')
    await page.click('text=Look again')
    await fine('request')
    const text = (await page.innerText('main')).replace(/[\u2068\u2069]/g, '')
    for (const shown of ['Corner Shop', 'Till 4, 12:31', 'see your accounts', 'A payment', 'currency EUR, amount 123.50', 'Merchant A/S']) {
      assert.ok(text.includes(shown), `${shown} in ${text}`)
    }
    await page.click('.approve')
    await fine('allowed')
    assert.equal(await page.innerText('#told'), 'You have allowed it. You can go on at the other device.')
    await ask('Till 5')
    await page.click('text=Look again')
    await page.click('.deny')
    await fine('refused')
    assert.equal(await page.innerText('#told'), 'You have refused. Nothing was allowed.')
    await ask('Till 6', { requested_expiry: '3' })
    await page.click('text=Look again')
    await page.waitForTimeout(3100)
    await page.click('.approve')
    await fine('expired')
    assert.match(await page.innerText('#told'), /^This request has expired/)
    const hostile = await client(HOSTILE)
    await hostile.ask(HOSTILE.slice(0, 64), { creditor: HOSTILE })
    await page.click('text=Look again')
    await fine('hostile')
    assert.equal((await page.innerText('main')).split(HOSTILE).length, 3, 'shown as it is, twice')
    await page.click('.deny')
    await context.close()
  })
}

test('the page on the phone works without scripts and cannot be framed', async () => {
  const { page, context, complaints } = await open({ viewport: SIZES[0] })
  const { ask } = await client('Corner Shop')
  await ask('Till 7')
  await page.goto(`${server.issuer}/approvals`)
  await signIn(page)
  await page.click('.approve')
  assert.match(await page.innerText('#told'), /You have allowed it/)
  assert.deepEqual(complaints, [])
  const answer = await server.fetchAs()(`${server.issuer}/approvals`)
  assert.match(answer.headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/)
  await context.close()
})

test('cancel leads back with access_denied, before signing in and after', async () => {
  for (const isSignedIn of [false, true]) {
    const { page, context, arrived } = await open()
    const { push } = await client('Household Budget')
    await page.goto(await push())
    if (isSignedIn) await signIn(page)
    await page.click('#cancel')
    assert.equal((await arrived).searchParams.get('error'), 'access_denied')
    await context.close()
  }
})

test('by keyboard alone: Enter signs in', async () => {
  const { page, context } = await open()
  const { push } = await client('Household Budget')
  await page.goto(await push())
  await page.focus('#username')
  await page.keyboard.type('alice')
  await page.keyboard.press('Tab')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await page.waitForSelector('#approve')
  await context.close()
})

test('pages cannot be framed, stored or scripted', async () => {
  const { push } = await client('Household Budget')
  const answer = await server.fetchAs()(await push())
  const policy = answer.headers.get('content-security-policy')
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.doesNotMatch(policy, /unsafe|script-src|\*/)
  assert.deepEqual(
    ['x-frame-options', 'cache-control', 'referrer-policy', 'access-control-allow-origin'].map((name) => answer.headers.get(name)),
    ['DENY', 'no-store', 'no-referrer', null],
  )
  assert.match(answer.headers.get('strict-transport-security'), /max-age=31536000/)
})
