// Schemas of the filters of HTTPRoute and GRPCRoute.
import {
  boolean,
  byDefault,
  doc,
  type Finding,
  integer,
  list,
  object,
  portNumber,
  refusedOnWeft,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { localReference, namedList, plainBackend, setOf } from '../references.ts'
import type { HttpFilter, PathModifier } from './types.ts'

const headers = namedList(
  object(
    { name: doc('Name of the header.', text('token-name')), value: doc('Its value.', text('visible-text')) },
    { required: ['name', 'value'] },
  ),
  16,
)

const modifier = (description: string): Schema =>
  doc(
    description,
    object({
      set: doc('Headers that replace those of the same name.', headers),
      add: doc('Headers that are added.', headers),
      remove: doc('Names of headers that are taken away.', setOf(text(), { max: 16 })),
    }),
  )

const fraction = object(
  {
    numerator: doc('How many.', integer(0, 2_147_483_647)),
    denominator: doc('Of how many.', byDefault(100, integer(1, 2_147_483_647))),
  },
  { required: ['numerator'], check: checkFraction },
)

const mirror = object(
  {
    backendRef: doc('Where copies go.', plainBackend),
    percent: doc('Share of requests that is copied, in percent; all unless written.', integer(0, 100)),
    fraction: doc('Share of requests that is copied.', fraction),
  },
  { required: ['backendRef'], check: checkMirror },
)

const pathModifier = object(
  {
    type: doc('Which of the two fields holds.', word(['ReplaceFullPath', 'ReplacePrefixMatch'])),
    replaceFullPath: doc('The new path.', text('text-1024')),
    replacePrefixMatch: doc('What stands in place of the matched prefix.', text('text-1024')),
  },
  { required: ['type'], check: checkPathModifier },
)

const redirect = object({
  scheme: doc('Scheme of the new location.', word(['http', 'https'])),
  hostname: doc('Host of the new location.', text('precise-hostname')),
  path: doc('Path of the new location.', pathModifier),
  port: doc('Port of the new location.', portNumber),
  statusCode: doc('Status of the answer.', byDefault(302, { type: 'integer', enum: [301, 302, 303, 307, 308] })),
})

const rewrite = object({
  hostname: doc('Host that the backend sees.', text('precise-hostname')),
  path: doc('Path that the backend sees.', pathModifier),
})

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']
const headerNames = setOf(text('token-name'), { max: 64 })

const cors = object({
  allowOrigins: doc('Origins that may ask, with wildcards.', setOf(text('cors-origin'), { max: 64, check: starAlone })),
  allowMethods: doc('Methods that may be asked for.', setOf(word([...methods, '*']), { max: 9, check: starAlone })),
  allowHeaders: doc('Headers that may be sent.', setOf(text('token-name'), { max: 64, check: starAlone })),
  exposeHeaders: doc('Headers of the answer that scripts may read.', headerNames),
  allowCredentials: doc('Whether cookies and the like may be sent.', boolean),
  maxAge: doc('Seconds for which the answer may be kept.', byDefault(5, integer(1, 2_147_483_647))),
})

const texts = setOf(text(), { max: 64 })

const externalAuth = object(
  {
    protocol: doc('How the authorizer is asked.', word(['HTTP', 'GRPC'])),
    backendRef: doc('The authorizer.', plainBackend),
    grpc: doc('Settings of GRPC.', object({ allowedHeaders: doc('Headers that the authorizer sees.', texts) })),
    http: doc(
      'Settings of HTTP.',
      object({
        path: doc('Path that stands before that of the request.', text('path-characters')),
        allowedHeaders: doc('Headers that the authorizer sees.', texts),
        allowedResponseHeaders: doc("Headers of the authorizer's answer that the backend sees.", texts),
      }),
    ),
    forwardBody: doc(
      'Sends the body, too.',
      object({ maxSize: doc('Bytes at most; of a longer body so many.', { type: 'integer' }) }),
    ),
  },
  { required: ['protocol', 'backendRef'], check: checkExternalAuth },
)

/** Field of each type of filter. */
const fieldOfType: Readonly<Record<string, string>> = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  ExtensionRef: 'extensionRef',
}

const schemaOfType: Readonly<Record<string, Schema>> = {
  RequestHeaderModifier: modifier('Changes of the headers of the request.'),
  ResponseHeaderModifier: modifier('Changes of the headers of the answer.'),
  RequestMirror: doc('Sends copies elsewhere.', mirror),
  RequestRedirect: doc('Answers with a redirect.', redirect),
  URLRewrite: doc('Changes host or path.', rewrite),
  CORS: doc('Answers browsers that ask from other origins.', cors),
  ExternalAuth: refusedOnWeft(
    'Envoy asks authorizers; use `weft up --proxy envoy`, or take the filter away.',
    doc('Asks an authorizer first.', externalAuth),
  ),
  ExtensionRef: doc(
    'A RateLimit, RetryPolicy, TimeoutPolicy or HedgingPolicy of weft.dev; with anything else requests are answered with 500.',
    localReference,
  ),
}

/** A list of filters of the given types; `once` are those that must not be repeated. */
export function filterList(types: readonly string[], once: readonly string[]): Schema {
  const fields = types.map((type) => [fieldOfType[type] ?? '', schemaOfType[type] ?? {}] as const)
  const filter = object(
    { type: doc('Which of the fields holds.', word(types)), ...Object.fromEntries(fields) },
    { required: ['type'], check: checkFilter },
  )
  return list(filter, { max: 16, check: (filters: readonly HttpFilter[]) => checkFilters(filters, once) })
}

/** The field named after the type must be there, and no other. */
function* checkFilter(filter: HttpFilter): Iterable<Finding> {
  const own = fieldOfType[filter.type]
  for (const field of Object.values(fieldOfType)) {
    const written = Object.hasOwn(filter, field)
    if (field === own && !written) {
      yield { code: 'missing-field', message: `has no \`${field}\``, mend: `Add \`${field}\`.` }
    } else if (field !== own && written) {
      const message = `does not belong to a filter of type ${filter.type}`
      yield { at: [field], code: 'conflicting-fields', message, mend: `Remove \`${field}\`, or change \`type\`.` }
    }
  }
}

function* checkFilters(filters: readonly HttpFilter[], once: readonly string[]): Iterable<Finding> {
  const mend = 'Keep one of the two.'
  for (const type of once) {
    const index = filters.findLastIndex((filter) => filter.type === type)
    const first = filters.findIndex((filter) => filter.type === type)
    if (index !== first) yield { at: [index], code: 'duplicate', message: `is a second ${type} filter`, mend }
  }
  const rewrites = filters.findIndex(({ type }) => type === 'URLRewrite')
  if (rewrites !== -1 && filters.some(({ type }) => type === 'RequestRedirect')) {
    const message = 'stands beside a RequestRedirect, and a request is either redirected or rewritten'
    yield { at: [rewrites], code: 'conflicting-fields', message, mend }
  }
}

function* checkFraction(share: { readonly numerator: number; readonly denominator: number }): Iterable<Finding> {
  if (share.numerator <= share.denominator) return
  const message = `${share.numerator} of ${share.denominator} is more than all`
  yield { at: ['numerator'], code: 'out-of-range', message, mend: 'Write a numerator up to the denominator.' }
}

function* checkMirror(written: { readonly percent?: number; readonly fraction?: object }): Iterable<Finding> {
  if (written.percent === undefined || written.fraction === undefined) return
  const message = 'stands beside `percent`'
  yield { at: ['fraction'], code: 'conflicting-fields', message, mend: 'Keep one of the two.' }
}

function* checkPathModifier(path: PathModifier): Iterable<Finding> {
  yield* fieldOfWord(path, 'type', { ReplaceFullPath: 'replaceFullPath', ReplacePrefixMatch: 'replacePrefixMatch' })
}

function* checkExternalAuth(auth: object): Iterable<Finding> {
  yield* fieldOfWord(auth, 'protocol', { GRPC: 'grpc', HTTP: 'http' })
}

/** One word says which field must be there; the fields of the other words must not. */
function* fieldOfWord(value: object, by: string, fields: Readonly<Record<string, string>>): Iterable<Finding> {
  const written = value as Readonly<Record<string, unknown>>
  for (const [each, field] of Object.entries(fields)) {
    const there = written[field] !== undefined
    if (written[by] === each && !there) {
      yield { code: 'missing-field', message: `has no \`${field}\``, mend: `Add \`${field}\`.` }
    } else if (written[by] !== each && there) {
      const message = `does not go with ${by}: ${String(written[by])}`
      yield { at: [field], code: 'conflicting-fields', message, mend: `Remove it, or write ${by}: ${each}.` }
    }
  }
}

function* starAlone(values: readonly string[]): Iterable<Finding> {
  const index = values.indexOf('*')
  if (index === -1 || values.length === 1) return
  yield { at: [index], code: 'conflicting-fields', message: '"*" stands for all others', mend: 'Keep "*" alone.' }
}
