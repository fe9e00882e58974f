// Runs plans of the OpenID Foundation's conformance suite against the server: `cargo xtask conformance`.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { start } from '../clients/node/serving.mjs'
import { SERVERS, configure } from './configuration.mjs'
import { ROWS } from './plans.mjs'
import { count, document, table } from './report.mjs'
import { Suite } from './suite.mjs'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FOLDER = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'conformance')

/** All that OpenID Connect Core section 5.1 has a name for. */
const CLAIMS = {
  name: 'Alice Example',
  family_name: 'Example',
  given_name: 'Alice',
  middle_name: 'A.',
  nickname: 'Al',
  preferred_username: 'alice',
  profile: 'https://people.example/alice',
  picture: 'https://people.example/alice.png',
  website: 'https://alice.example/',
  gender: 'female',
  birthdate: '1990-01-31',
  zoneinfo: 'Europe/Berlin',
  locale: 'en-GB',
  updated_at: 1700000000,
  email: 'alice@example.com',
  email_verified: true,
  address: { formatted: 'Main Street 1, 10115 Berlin', street_address: 'Main Street 1', locality: 'Berlin', postal_code: '10115', country: 'DE' },
  phone_number: '+49 30 1234567',
  phone_number_verified: true,
}

const told = toldBy({
  suite: { type: 'string', default: 'https://localhost.emobix.co.uk:8443' },
  only: { type: 'string', multiple: true },
  beside: { type: 'string', default: '1' },
  authority: { type: 'string' },
  markets: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
})
const rows = ROWS.filter((row) => Boolean(row.isMarket) === told.markets && (told.only ?? ['']).some((part) => row.name.includes(part)))
if (rows.length === 0) fail(`no variant is called so; there are:\n${ROWS.map((row) => `  ${row.name}`).join('\n')}`)
const beside = Number(told.beside)
if (!(Number.isInteger(beside) && beside > 0)) fail('--beside must be a number from 1')

if (!URL.canParse(told.suite)) fail(`--suite must be a URL, and ${told.suite} is none`)
const suite = new Suite(told.suite)
const version = await suite.server().catch((error) => fail(error.message))
console.log(`conformance suite ${version.version} (${version.revision}) at ${suite.url()}: ${rows.length} variants, ${beside} side by side`)

mkdirSync(FOLDER, { recursive: true })
const begun = Date.now()
const judged = commit()
// As short as a person who is a program can do with: a module waits until one has expired.
const settings = { 'request_uri = 60 ': 'request_uri = 20 ' }
const servers = {}
try {
  for (const name of new Set(rows.map((row) => row.server ?? 'fapi2'))) {
    const own = SERVERS[name](told)
    servers[name] = await start({ ...own, settings: { ...settings, ...own.settings }, claims: CLAIMS })
  }
  const waiting = rows.entries()
  await Promise.all(Array.from({ length: beside }, () => runRows(waiting)))
} finally {
  for (const [name, server] of Object.entries(servers)) {
    writeFileSync(join(FOLDER, `server-${name}.log`), server.log())
    await server.stop()
  }
}

const about = { suite: version, commit: judged, cpu: cpus()[0].model, date: new Date().toISOString().slice(0, 10), minutes: (Date.now() - begun) / 60000 }
console.log(`\n${table(rows)}`)
if (told.write || !told.only) {
  mkdirSync(join(ROOT, 'docs'), { recursive: true })
  const paper = told.markets ? 'docs/conformance-markets.md' : 'docs/conformance.md'
  writeFileSync(join(ROOT, paper), document(rows, about))
}
process.exitCode = rows.some((row) => count(row, 'FAILED') > 0) ? 1 : 0

/** Takes one row after the other, beside those who do the same. */
async function runRows(waiting) {
  for (const [, row] of waiting) {
    row.results = []
    try {
      await runRow(row)
    } catch (error) {
      row.results.push({ testModule: 'the plan', result: 'FAILED', reasons: [error.message] })
    }
    console.log(`\n${table([row])}\n`)
  }
}

async function runRow(row) {
  const configuration = configure(servers[row.server ?? 'fapi2'], suite.url(), row)
  writeFileSync(join(FOLDER, `${row.alias}.json`), JSON.stringify(configuration, null, 2))
  const plan = await suite.createPlan(row.plan, row.variant, configuration)
  console.log(`${row.name}: ${plan.modules.length} modules, ${suite.url(`plan-detail.html?plan=${plan.id}`)}`)
  for (const module of plan.modules) {
    const outcome = await suite.run(plan.id, module)
    row.results.push(outcome)
    if (outcome.result !== 'PASSED') console.log(`${row.name}: ${outcome.testModule}: ${outcome.result} ${outcome.url}\n  ${outcome.reasons.join('\n  ')}`)
  }
}

function toldBy(options) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    return fail(error.message)
  }
}

function commit() {
  const git = (...args) => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim()
  try {
    const isChanged = git('status', '--porcelain', '--', '.', ':!docs') !== ''
    return git('rev-parse', '--short', 'HEAD') + (isChanged ? ', with changes' : '')
  } catch {
    return 'unknown'
  }
}

function fail(why) {
  console.error(`conformance: ${why}`)
  process.exit(2)
}
