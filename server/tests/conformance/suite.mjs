// The suite's REST interface.
import http from 'node:http'
import https from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

/** No module waits as long: the longest waits for a code, and for a request_uri, to expire. */
const LONGEST_MODULE = 5 * 60 * 1000

/** Entries of a log that say why a module did not pass. */
const REASONS = ['FAILURE', 'WARNING', 'REVIEW', 'SKIPPED']

export class Suite {
  #base

  constructor(base) {
    this.#base = new URL(base.endsWith('/') ? base : `${base}/`)
  }

  /** The URL of something in it, without a slash at the end. */
  url(path = '') {
    return new URL(path, this.#base).href.replace(/\/$/, '')
  }

  /** Version and commit. */
  server() {
    return this.#call('GET', 'api/server')
  }

  /** A plan, as `{ id, modules }`. */
  createPlan(planName, variant, configuration) {
    return this.#call('POST', 'api/plan', { planName, variant: JSON.stringify(variant) }, configuration)
  }

  /** Runs a module of a plan to its end: what came out, and why. */
  async run(plan, { testModule, variant }) {
    const { id } = await this.#call('POST', 'api/runner', { test: testModule, plan, variant: JSON.stringify(variant) })
    const result = await this.#end(id)
    const url = this.url(`log-detail.html?log=${id}`)
    if (result === 'PASSED') return { testModule, result, url, reasons: [] }
    const log = await this.#call('GET', `api/log/${id}`)
    const reasons = log.filter((entry) => REASONS.includes(entry.result)).map((entry) => `${entry.src}: ${entry.msg}`)
    return { testModule, result, url, reasons: [...new Set(reasons)] }
  }

  async #end(id) {
    for (const start = Date.now(); Date.now() - start < LONGEST_MODULE; await sleep(500)) {
      const { status, result } = await this.#call('GET', `api/info/${id}`)
      if (status === 'FINISHED') return result
      if (status === 'INTERRUPTED') return 'FAILED'
    }
    await this.#call('DELETE', `api/runner/${id}`)
    return 'FAILED'
  }

  #call(method, path, query = {}, body = undefined) {
    const url = new URL(path, this.#base)
    url.search = new URLSearchParams(query)
    const { request } = url.protocol === 'http:' ? http : https
    const headers = { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) }
    return new Promise((resolve, reject) => {
      // A suite of one's own has a certificate of its own, and is told nothing but keys made for this run.
      const asked = request(url, { method, headers, rejectUnauthorized: false }, async (answer) => {
        try {
          const text = (await answer.toArray()).join('')
          if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.statusCode} ${text}`)
          resolve(text && JSON.parse(text))
        } catch (error) {
          reject(error)
        }
      })
      asked.once('error', (cause) => reject(new Error(`the suite does not answer at ${this.url()}: ${cause.code ?? cause.message}`, { cause })))
      asked.end(body && JSON.stringify(body))
    })
  }
}
