'use strict'

/**
 * All values of a header. `headers`: an object of names, pairs, or what `fetch` calls Headers. A server's own list is to be preferred where
 * there is one (`rawHeaders`, as the middleware does): what was joined or left out before cannot be told apart here.
 */
function valuesOf(headers, name) {
  const pairs = typeof headers?.[Symbol.iterator] === 'function' ? headers : Object.entries(headers ?? {})
  const values = []
  for (const [own, value] of pairs) {
    if (String(own).toLowerCase() !== name || value === undefined) continue
    if (Array.isArray(value)) values.push(...value)
    else values.push(value)
  }
  return values
}

/** All values of a header in a flat list of names and values, as Node's `rawHeaders`. */
function rawValuesOf(raw, name) {
  const values = []
  for (let place = 0; place < raw.length; place += 2) {
    if (raw[place].length === name.length && raw[place].toLowerCase() === name) values.push(raw[place + 1])
  }
  return values
}

module.exports = { rawValuesOf, valuesOf }
