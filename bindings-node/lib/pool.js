'use strict'

const { availableParallelism } = require('node:os')
const native = require('./native.js')

const THREADS = availableParallelism()

/** How many tokens a thread is given at once: enough to outweigh waking it, and few enough for others to have some. */
const [LEAST, MOST] = [32, 64]

const waiting = new Map()
let last = 0

/** Keeps the process alive while somebody waits, and only then. */
const keeper = setInterval(() => {}, 2 ** 31 - 1).unref()

const verdicts = new native.Verdicts(() => settle(verdicts.take(), 0))

/** One job's verdicts in a microtask: what waited for them hands over its next tokens before the next job's are looked at. */
function settle(taken, place) {
  const own = waiting.get(taken[place])
  waiting.delete(taken[place])
  own(taken[place + 1])
  if (place + 2 < taken.length) queueMicrotask(() => settle(taken, place + 2))
  else if (waiting.size === 0) keeper.unref()
}

/** Room for so many numbers under which verdicts come back: the first of them. */
function numbersFor(count) {
  const first = last + count < 2 ** 32 ? last + 1 : 1
  last = first + count - 1
  // After four thousand million jobs, one that still waits may be met again.
  for (let number = first; number <= last; number += 1) if (waiting.has(number)) return numbersFor(count)
  return first
}

function wait(number, resolve) {
  if (waiting.size === 0) keeper.ref()
  waiting.set(number, resolve)
}

/** One verdict of another thread: `work` hands it over, `settle` is called with the verdict. */
function elsewhere(work, settle) {
  const number = numbersFor(1)
  work(verdicts, number)
  wait(number, ([verdict]) => settle(verdict))
}

/** Collects the tokens that are to be judged in one turn of JavaScript, and shares them out among the threads. */
class Queue {
  #gateway
  #remembers
  #now
  #tokens = []
  #thumbprints = []
  #settled = []

  /** `remembers`: whether the verifier has a cache of good tokens, which is asked for each of them. */
  constructor(gateway, remembers) {
    this.#gateway = gateway
    this.#remembers = remembers
  }

  /** Calls `settle` with the verdict. */
  judge(token, thumbprint, now, settle) {
    if (this.#now !== now) this.#share()
    this.#now = now
    if (this.#tokens.push(token) === 1) queueMicrotask(() => this.#share())
    this.#thumbprints.push(thumbprint)
    this.#settled.push(settle)
  }

  #share() {
    const [tokens, thumbprints, settled] = [this.#tokens, this.#thumbprints, this.#settled]
    if (tokens.length === 0) return
    this.#tokens = []
    this.#thumbprints = []
    this.#settled = []
    const each = Math.max(LEAST, Math.min(MOST, Math.ceil(tokens.length / THREADS)))
    const count = Math.ceil(tokens.length / each)
    const first = numbersFor(count)
    native.acceptManyElsewhere(verdicts, first, each, !this.#remembers, this.#gateway.number(), tokens, thumbprints, this.#now)
    for (let job = 0; job < count; job += 1) {
      wait(first + job, (judged) => judged.forEach((verdict, place) => settled[job * each + place](verdict)))
    }
  }
}

module.exports = { Queue, elsewhere }
