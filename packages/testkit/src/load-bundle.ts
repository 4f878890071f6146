// Trust bundle files: PEM, JWKS, and the SPIFFE bundle format (SPIFFE Trust Domain and Bundle, section 4).
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { err, ok, type Result } from '@weft/core'
import { certificateFacts } from '@weft/identity'
import { certificatesFromPem } from './load-svid.ts'

/** What a bundle file holds. */
export interface LoadedBundle {
  readonly x509Roots: readonly Uint8Array[]
  readonly jwtAuthorities: number
  readonly witAuthorities: number
  readonly refreshHintSeconds: number | undefined
  readonly sequence: number | undefined
}

/** Reads PEM roots; an empty file is an empty bundle. */
export function loadPemBundle(pem: string): Result<LoadedBundle> {
  const roots = certificatesFromPem(pem)
  if (!roots.ok) return roots
  return ok({ ...EMPTY, x509Roots: roots.value })
}

/** Reads a JWKS (every key is a JWT authority unless its `use` says otherwise) or a SPIFFE bundle document. */
export function loadJsonBundle(text: string): Result<LoadedBundle> {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return err('not JSON')
  }
  if (!isRecord(document) || !Array.isArray(document['keys'])) return err('no keys member')
  const x509Roots: Uint8Array[] = []
  let jwtAuthorities = 0
  let witAuthorities = 0
  for (const [index, key] of (document['keys'] as unknown[]).entries()) {
    if (!isRecord(key)) return err(`key ${index} is not an object`)
    if (key['use'] === 'x509-svid') {
      const root = x509Root(key, index)
      if (!root.ok) return root
      x509Roots.push(root.value)
      continue
    }
    const problem = jwkProblem(key, index)
    if (problem !== undefined) return err(problem)
    if (key['use'] === 'wit-svid') witAuthorities++
    else if (key['use'] === undefined || key['use'] === 'jwt-svid') jwtAuthorities++
  }
  const refreshHintSeconds = numberOf(document['spiffe_refresh_hint'])
  return ok({
    x509Roots,
    jwtAuthorities,
    witAuthorities,
    refreshHintSeconds,
    sequence: numberOf(document['spiffe_sequence']),
  })
}

const EMPTY: LoadedBundle = {
  x509Roots: [],
  jwtAuthorities: 0,
  witAuthorities: 0,
  refreshHintSeconds: undefined,
  sequence: undefined,
}

function x509Root(key: Record<string, unknown>, index: number): Result<Uint8Array> {
  const chain = key['x5c']
  if (!Array.isArray(chain) || chain.length === 0) return err(`x509-svid entry ${index} has no certificate`)
  if (chain.length > 1) return err(`x509-svid entry ${index} has two certificates`)
  const der = new Uint8Array(Buffer.from(String(chain[0]), 'base64'))
  const facts = certificateFacts(der)
  return facts.ok ? ok(der) : facts
}

function jwkProblem(key: Record<string, unknown>, index: number): string | undefined {
  if (typeof key['kid'] !== 'string' || key['kid'] === '') return `key ${index} has no kid`
  try {
    createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    return undefined
  } catch {
    return `key ${index} does not decode`
  }
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
