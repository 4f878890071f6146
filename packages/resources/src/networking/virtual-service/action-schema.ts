// Schemas of what a VirtualService's HTTP rule does with a request.
import {
  exactlyOne,
  type Finding,
  integer,
  list,
  mapOf,
  number,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { grpcStatusCodes } from './types.ts'

const operations = object({
  set: mapOf(text('header-value'), 'header-name'),
  add: mapOf(text('header-value'), 'header-name'),
  remove: list(text('header-name')),
})

/** Header changes of both directions. */
export const headers: Schema = object({ request: operations, response: operations })

/** An answer that sends the client elsewhere. */
export const redirect: Schema = object(
  {
    uri: text('path'),
    authority: text('not-empty'),
    scheme: word(['http', 'https']),
    port: portNumber,
    derivePort: word(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']),
    redirectCode: integer(300, 399),
  },
  { unsupported: { uriRegexRewrite: 'Write a fixed `uri`.' }, check: checkRedirect },
)

const redirectCodes = [301, 302, 303, 307, 308]

function* checkRedirect(value: { readonly redirectCode?: number }): Iterable<Finding> {
  if (Object.keys(value).every((field) => field === 'redirectCode')) {
    yield {
      code: 'missing-field',
      message: 'does not say where to',
      mend: 'Add `uri`, `authority`, `scheme` or `port`.',
    }
  }
  yield* exactlyOne(['port', 'derivePort'], 0)(value)
  if (value.redirectCode !== undefined && !redirectCodes.includes(value.redirectCode)) {
    const message = `${value.redirectCode} is not a redirect status`
    yield { at: ['redirectCode'], code: 'unknown-value', message, mend: `Use one of ${redirectCodes.join(', ')}.` }
  }
}

/** An answer made by the proxy. */
export const directResponse: Schema = object(
  {
    status: integer(200, 599),
    body: object({ string: text(), bytes: text() }, { check: exactlyOne(['string', 'bytes']) }),
  },
  { required: ['status'] },
)

/** Path and authority sent upstream. */
export const rewrite: Schema = object(
  {
    uri: text('path'),
    authority: text('not-empty'),
    uriRegexRewrite: object({ match: text('regex'), rewrite: text('no-nul') }, { required: ['match', 'rewrite'] }),
  },
  { check: exactlyOne(['uri', 'uriRegexRewrite'], 0) },
)

const retryConditions = [
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'envoy-ratelimited',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'http3-post-connect-failure',
  'unavailable',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
]

/** Retries. */
export const retries: Schema = object(
  {
    attempts: integer(0, 100),
    perTryTimeout: text('positive-duration'),
    retryOn: { ...text(), 'x-check': checkRetryOn },
    backoff: text('positive-duration'),
  },
  {
    required: ['attempts'],
    unsupported: {
      retryRemoteLocalities: 'There are no localities yet; remove the field.',
      retryIgnorePreviousHosts: 'A retry avoids the hosts tried before by itself; remove the field.',
    },
  },
)

function* checkRetryOn(value: string): Iterable<Finding> {
  for (const condition of value.split(',').map((each) => each.trim())) {
    if (retryConditions.includes(condition) || /^[1-5]\d\d$/.test(condition)) continue
    const message = `${JSON.stringify(condition)} is not a retry condition`
    yield { code: 'unknown-value', message, mend: `Use a status code or one of ${retryConditions.join(', ')}.` }
  }
}

const percentage = object({ value: number(0, 100) }, { required: ['value'] })
const oldPercent = 'Write percentage: { value: ... } instead.'

function* checkPercentage(value: { readonly percentage?: unknown }): Iterable<Finding> {
  if (value.percentage !== undefined) return
  const message = 'has no `percentage`, so it never happens'
  yield {
    severity: 'warning',
    code: 'never-happens',
    message,
    mend: 'Add percentage: { value: 100 } for every request.',
  }
}

function* checkAbort(value: { readonly percentage?: unknown }): Iterable<Finding> {
  yield* exactlyOne(['httpStatus', 'grpcStatus'])(value)
  yield* checkPercentage(value)
}

/** Faults made on purpose. */
export const fault: Schema = object(
  {
    delay: object(
      { fixedDelay: text('positive-duration'), percentage },
      {
        required: ['fixedDelay'],
        unsupported: { exponentialDelay: 'Write `fixedDelay`.', percent: oldPercent },
        check: checkPercentage,
      },
    ),
    abort: object(
      { httpStatus: integer(200, 599), grpcStatus: word(Object.keys(grpcStatusCodes)), percentage },
      {
        unsupported: { http2Error: 'Write `httpStatus` or `grpcStatus`.', percent: oldPercent },
        check: checkAbort,
      },
    ),
  },
  {
    check: function* (value: object): Iterable<Finding> {
      if (Object.keys(value).length > 0) return
      yield { code: 'missing-field', message: 'has neither `delay` nor `abort`', mend: 'Add one, or remove `fault`.' }
    },
  },
)
