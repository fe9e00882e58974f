// What the Node programs of the table share: the protocol of protocol.rs. One thread: an interpreter has no other.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const parameters = (folder) =>
  Object.fromEntries(readFileSync(join(folder, 'parameters'), 'utf8').trim().split('\n').map((line) => line.split(' ')))

const casesOf = (folder, work) =>
  readFileSync(join(folder, `${work}.tokens`), 'utf8').trim().split('\n').map((line) => {
    const [verdict, token, proof] = line.split(' ')
    return { accept: verdict === 'accept', token, proof }
  })

// Runs `judge(case)`, which says true or false, over all cases. A judge that promises is awaited for each case, as a server would.
const passOf = (judge, isAsync) =>
  isAsync
    ? async (cases) => {
        for (const one of cases) if ((await judge(one)) !== one.accept) assert.fail(`a verdict on ${one.token}`)
      }
    : (cases) => {
        for (const one of cases) if (judge(one) !== one.accept) assert.fail(`a verdict on ${one.token}`)
      }

// `prepare(work, jwks, parameters)` returns a judge, or a string that says why a work is not offered.
export async function serve({ peer, version, isAsync = false, prepare }) {
  const folder = process.argv[2]
  let last
  for await (const line of createInterface({ input: process.stdin })) {
    const [work, threads] = line.split(' ')
    const answer = { peer, version: `${version}, Node ${process.versions.node}`, work, threads: Number(threads) }
    if (threads !== '1') answer.absent = 'one thread an interpreter'
    else {
      if (last?.work !== work) {
        const jwks = JSON.parse(readFileSync(join(folder, `${work}.jwks`), 'utf8'))
        const judge = work === 'first' ? 'whole tokens only' : await prepare(work, jwks.keys, parameters(folder))
        last = { work, judge, cases: casesOf(folder, work) }
        if (typeof judge !== 'string') last.pass = passOf(judge, isAsync)
      }
      if (last.pass === undefined) answer.absent = last.judge
      else {
        await last.pass(last.cases)
        const start = process.hrtime.bigint()
        await last.pass(last.cases)
        const nanoseconds = Number(process.hrtime.bigint() - start)
        answer.tokens = last.cases.length
        answer.ns_per_token = Number((nanoseconds / last.cases.length).toFixed(1))
      }
    }
    console.log(JSON.stringify(answer))
  }
}

export const algorithmOf = (work) => ({ ps256: 'PS256', rs256: 'RS256', eddsa: 'EdDSA' })[work] ?? 'ES256'
