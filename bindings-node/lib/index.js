'use strict'

const { Certificate, certificateThumbprint } = require('./certificate.js')
const errors = require('./errors.js')
const { Gate } = require('./gate.js')
const { inspect } = require('./inspection.js')
const { counterfoilKey, join, jwkThumbprint, split } = require('./primitives.js')
const { AccessToken } = require('./token.js')
const { Proof, ResponseVerifier, Verifier } = require('./verifier.js')

const {
  CounterfoilError,
  BoundaryError,
  ShapeError,
  SignatureError,
  ClaimError,
  ConfirmationError,
  ProofError,
  ResponseError,
  SplitTokenError,
  RequestError,
  ConfigurationError,
} = errors

module.exports = {
  AccessToken,
  BoundaryError,
  Certificate,
  ClaimError,
  ConfigurationError,
  ConfirmationError,
  CounterfoilError,
  Gate,
  Proof,
  ProofError,
  RequestError,
  ResponseError,
  ResponseVerifier,
  ShapeError,
  SignatureError,
  SplitTokenError,
  Verifier,
  certificateThumbprint,
  counterfoilKey,
  inspect,
  join,
  jwkThumbprint,
  split,
}
