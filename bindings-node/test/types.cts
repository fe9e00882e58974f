// The same types from CommonJS.

import counterfoil = require('counterfoil')
import http = require('counterfoil/http')

const verifier = new counterfoil.Verifier({ issuer: 'i', audience: 'a', jwksFile: 'x' })
const gate = new counterfoil.Gate(verifier, { origin: 'https://a' })
export = http.guard(gate, (_, response, token) => response.end(token?.subject ?? ''))
