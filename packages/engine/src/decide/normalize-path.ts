// Path normalisation: what everything behind it (routes, policies, the application) takes for the path. BASE is Envoy's
// normalize_path: RFC 3986 section 6.2.2 without case folding, and `\` read as `/`, as Chromium's URL parser does it.
import type { PathNormalization } from '../model.ts'
import type { RequestHead } from '../request-head.ts'
import { isGrpcType } from './grpc-status.ts'

/** The path to go on with, or what to answer instead. */
export type NormalizedPath =
  | { readonly kind: 'path'; readonly path: string }
  /** 400: the path cannot be normalised or holds what the configuration forbids. */
  | { readonly kind: 'reject' }
  /** 307 to the unescaped path. */
  | { readonly kind: 'redirect'; readonly location: string }

/** The path of a request: a gRPC call is refused where others are sent elsewhere, since its clients follow no redirects. */
export function requestPath(target: string, how: PathNormalization, head: Pick<RequestHead, 'header'>): NormalizedPath {
  const path = normalizePath(target, how)
  return path.kind === 'redirect' && isGrpcType(head.header('content-type')) ? { kind: 'reject' } : path
}

/** Normalises a request target of origin form (path and query); refuses a fragment as Envoy does, keeps the query. */
export function normalizePath(target: string, how: PathNormalization): NormalizedPath {
  // RFC 9112 section 3.2 has no fragment in a request target; a proxy that drops it sees another path than one that does not.
  if (target.includes('#') || /[^\x21-\x7e]/.test(target)) return { kind: 'reject' }
  const mark = target.indexOf('?')
  let path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark)
  if (!path.startsWith('/')) return { kind: 'path', path: target }
  const received = path
  let redirect = false
  if (how.escapedSlashes !== 'keep' && /%(2f|5c)/i.test(path)) {
    if (how.escapedSlashes === 'reject') return { kind: 'reject' }
    redirect = how.escapedSlashes === 'redirect'
    path = path.replace(/%2f/gi, '/').replace(/%5c/gi, '\\')
  }
  if (how.normalize && !isCanonical.test(path)) {
    const canonical = canonicalPath(path)
    if (canonical === undefined) return { kind: 'reject' }
    path = canonical
  }
  if (how.mergeSlashes) path = path.replace(/\/{2,}/g, '/')
  if (redirect) return { kind: 'redirect', location: path + query }
  return { kind: 'path', path: path === received ? target : path + query }
}

/** Nothing to do: no escape, no backslash, no dot segment, no character to encode. Most paths. */
const isCanonical = /^(?:\/(?!\.{1,2}(?:[/;]|$))[A-Za-z0-9\-._~!$&'()*+,;=:@[\]]*)+$/

/** Undefined for an encoded or raw NUL. */
function canonicalPath(path: string): string | undefined {
  if (path.includes('%00') || path.includes('\0')) return undefined
  const segments = path.replaceAll('\\', '/').slice(1).split('/')
  const kept: string[] = []
  segments.forEach((raw, index) => {
    const segment = decodeUnreserved(raw)
    const last = index === segments.length - 1
    const dots = dotSegment(segment)
    if (dots === '..') kept.pop()
    if (dots === undefined) kept.push(encodeUnsafe(segment))
    else if (last) kept.push('')
  })
  return `/${kept.join('/')}`
}

/**
 * A dot segment, with or without parameters: servers that drop parameters read `/a/..;/b` as `/b`, and Envoy 1.40 does so
 * for the literal form. Here the escaped form counts too, so that a second proxy in the way changes nothing more.
 */
function dotSegment(segment: string): '.' | '..' | undefined {
  if (!segment.startsWith('.')) return undefined
  const end = segment.indexOf(';')
  const name = end < 0 ? segment : segment.slice(0, end)
  return name === '.' || name === '..' ? name : undefined
}

const unreserved = /^(?:2[de]|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])$/i

/**
 * RFC 3986 section 2.3: ALPHA DIGIT - . _ ~ need no escape. A stray `%` that decoding would complete to an escape of its own
 * (`%4%31` to `%41`) is escaped as `%25`, so that nothing is ever decoded twice.
 */
function decodeUnreserved(segment: string): string {
  if (!segment.includes('%')) return segment
  let out = ''
  let stray = -1
  for (let i = 0; i < segment.length; i++) {
    const hex = segment[i] === '%' ? segment.slice(i + 1, i + 3) : ''
    if (unreserved.test(hex)) {
      out += String.fromCharCode(Number.parseInt(hex, 16))
      i += 2
      if (stray >= 0 && /^%[0-9a-f]{2}/i.test(out.slice(stray) + (segment[i + 1] ?? ''))) {
        out = `${out.slice(0, stray)}%25${out.slice(stray + 1)}`
        stray = -1
      }
    } else {
      if (segment[i] === '%' && !/^[0-9a-f]{2}$/i.test(hex)) stray = out.length
      out += segment[i]
    }
  }
  return out
}

function encodeUnsafe(segment: string): string {
  // The path is latin1 here: one character is one byte.
  return segment.replace(
    /[^!$-;=@-[\]_a-z~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
