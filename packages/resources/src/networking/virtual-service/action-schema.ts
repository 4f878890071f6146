// Schemas of what a VirtualService's HTTP rule does with a request.
import {
  boolean,
  doc,
  exactlyOne,
  type Finding,
  integer,
  list,
  mapOf,
  number,
  object,
  pending,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { destination, stringMatch } from '../match-schema.ts'
import { grpcStatusCodes } from './types.ts'

const operations = object({
  set: doc('Headers to overwrite or add.', mapOf(text('header-value'), 'header-name')),
  add: doc('Headers to append.', mapOf(text('header-value'), 'header-name')),
  remove: doc('Headers to remove.', list(text('header-name'))),
})

/** Header changes of both directions. */
export const headers: Schema = object({
  request: doc('Changes to the request before it is sent on.', operations),
  response: doc('Changes to the response before it is sent back.', operations),
})

/** An answer that sends the client elsewhere. */
export const redirect: Schema = object(
  {
    uri: doc('Path to go to instead.', text('path')),
    prefixRewrite: doc('Replaces the matched prefix of the path.', text('path')),
    authority: doc('Host to go to instead.', text('not-empty')),
    scheme: doc('Scheme to go to instead.', word(['http', 'https'])),
    port: doc('Port to go to instead.', portNumber),
    derivePort: doc(
      'Port from the protocol (80 or 443) or from the request.',
      word(['FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT']),
    ),
    redirectCode: doc('Status of the answer; 301 unless written.', integer(300, 399)),
  },
  { check: checkRedirect },
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
  yield* exactlyOne(['uri', 'prefixRewrite'], 0)(value)
  yield* exactlyOne(['port', 'derivePort'], 0)(value)
  if (value.redirectCode !== undefined && !redirectCodes.includes(value.redirectCode)) {
    const message = `${value.redirectCode} is not a redirect status`
    yield { at: ['redirectCode'], code: 'unknown-value', message, mend: `Use one of ${redirectCodes.join(', ')}.` }
  }
}

/** An answer made by the proxy. */
export const directResponse: Schema = object(
  {
    status: doc('Status of the answer.', integer(200, 599)),
    body: doc(
      'Body of the answer.',
      object(
        { string: doc('The body as text.', text()), bytes: doc('The body in base64.', text('base64')) },
        { check: exactlyOne(['string', 'bytes']) },
      ),
    ),
  },
  { required: ['status'] },
)

/** Path and authority sent upstream. */
export const rewrite: Schema = object(
  {
    uri: doc('Replaces the matched prefix, or the whole path of an exact match.', text('path')),
    authority: doc('Replaces the host that the request names.', text('not-empty')),
    uriRegexRewrite: doc(
      'Replaces what an expression finds in the path.',
      object(
        {
          match: doc('RE2 expression that is searched for.', text('regex')),
          rewrite: doc('Replacement; \\1 to \\9 stand for groups.', text('no-nul')),
        },
        { required: ['match', 'rewrite'] },
      ),
    ),
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
    attempts: doc('How many times a request may be repeated; 0 turns retries off.', integer(0, 100)),
    perTryTimeout: doc('Time limit of one try.', text('positive-duration')),
    retryOn: doc('Conditions and status codes to retry on, separated by commas.', {
      ...text(),
      'x-check': checkRetryOn,
    }),
    backoff: doc('Shortest pause before a retry; it grows from one to the next.', text('positive-duration')),
    retryRemoteLocalities: doc('Whether a retry prefers the localities that come next.', boolean),
    retryIgnorePreviousHosts: doc('Whether a retry avoids endpoints tried before; true unless written.', boolean),
  },
  { required: ['attempts'] },
)

function* checkRetryOn(value: string): Iterable<Finding> {
  for (const condition of value.split(',').map((each) => each.trim())) {
    if (retryConditions.includes(condition) || /^[1-5]\d\d$/.test(condition)) continue
    const message = `${JSON.stringify(condition)} is not a retry condition`
    yield { code: 'unknown-value', message, mend: `Use a status code or one of ${retryConditions.join(', ')}.` }
  }
}

const percent = object({ value: doc('Percent, with fractions.', number(0, 100)) }, { required: ['value'] })
const percentage = doc('Share of the requests; without it the fault never happens.', percent)

function* checkPercentage(value: { readonly percentage?: unknown; readonly percent?: unknown }): Iterable<Finding> {
  if (value.percentage !== undefined || value.percent !== undefined) return
  const message = 'has no `percentage`, so it never happens'
  yield {
    severity: 'warning',
    code: 'never-happens',
    message,
    mend: 'Add percentage: { value: 100 } for every request.',
  }
}

function* checkAbort(value: { readonly percentage?: unknown }): Iterable<Finding> {
  yield* exactlyOne(['httpStatus', 'grpcStatus', 'http2Error'])(value)
  yield* checkPercentage(value)
}

function* checkDelay(value: { readonly percentage?: unknown }): Iterable<Finding> {
  yield* exactlyOne(['fixedDelay', 'exponentialDelay'])(value)
  yield* checkPercentage(value)
}

const neverHappens = 'the fault never happens'

/** Faults made on purpose. */
export const fault: Schema = object(
  {
    delay: doc(
      'Makes requests wait.',
      object(
        {
          fixedDelay: doc('How long they wait.', text('positive-duration')),
          exponentialDelay: doc(
            'Mean of waits that vary; Istio does not do it either.',
            pending(neverHappens, text('positive-duration')),
          ),
          percentage,
          percent: doc('Old form of `percentage`, in whole percent.', integer(0, 100)),
        },
        { check: checkDelay },
      ),
    ),
    abort: doc(
      'Answers requests in place of the upstream.',
      object(
        {
          httpStatus: doc('Status of the answer.', integer(200, 599)),
          grpcStatus: doc('Status of gRPC that the answer has, by name.', word(Object.keys(grpcStatusCodes))),
          http2Error: doc(
            'HTTP/2 error to reset with; Istio does not do it either.',
            pending(neverHappens, text('not-empty')),
          ),
          percentage,
        },
        { check: checkAbort },
      ),
    ),
  },
  {
    check: function* (value: object): Iterable<Finding> {
      if (Object.keys(value).length > 0) return
      yield { code: 'missing-field', message: 'has neither `delay` nor `abort`', mend: 'Add one, or remove `fault`.' }
    },
  },
)

const oldPercent = integer(0, 100)

/** Copies of requests sent elsewhere; their answers are thrown away. */
export const mirroring: Readonly<Record<string, Schema>> = {
  mirror: doc('Where copies of the requests go.', destination),
  mirrors: doc(
    'Where copies of the requests go.',
    list(
      object(
        {
          destination: doc('Where they go.', destination),
          percentage: doc('Share of the requests; all unless written.', percent),
        },
        { required: ['destination'] },
      ),
      // Each is a request more; what anyone needs is one or two.
      { max: 64 },
    ),
  ),
  mirrorPercentage: doc('Share of the requests that is copied; all unless written.', percent),
  mirrorPercent: doc('Old form of `mirrorPercentage`.', oldPercent),
  mirror_percent: doc('Older form of `mirrorPercentage`.', oldPercent),
}

const originLists: Readonly<Record<string, Schema>> = {
  allowOrigins: doc('Origins that may ask.', list(stringMatch)),
  allowOrigin: doc('Old form of `allowOrigins`: exact texts.', list(text('not-empty'))),
}

/** Cross-origin requests of browsers. */
export const corsPolicy: Schema = object({
  ...originLists,
  allowMethods: doc('Methods that may be used.', list(text('header-name'))),
  allowHeaders: doc('Headers that may be sent.', list(text('header-value'))),
  exposeHeaders: doc('Headers that a page may read.', list(text('header-value'))),
  maxAge: doc('How long a browser may remember the answer.', text('duration')),
  allowCredentials: doc('Whether a page may send cookies and the like.', boolean),
  unmatchedPreflights: doc(
    'What happens to a preflight of another origin: sent on (FORWARD), or answered here (IGNORE).',
    word(['UNSPECIFIED', 'FORWARD', 'IGNORE']),
  ),
})
