// The kind RateLimit (weft.dev).
import { namedList } from '../../gateway-api/references.ts'
import { defineKind } from '../../kind-definition.ts'
import {
  boolean,
  byDefault,
  doc,
  type Finding,
  integer,
  list,
  object,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { policyTargets, withTargets } from './targets.ts'
import type { RateLimitSpec, RequestLimit } from './types.ts'

const count = integer(1, 2_147_483_647)

const header = (description: string): Schema =>
  object(
    { name: doc('Name of the header.', text('token-name')), value: doc(description, text('visible-text')) },
    { required: ['name', 'value'] },
  )

const conditions = object({
  path: doc('Beginning of the path.', text('path-characters')),
  method: doc('Method.', word(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])),
  headers: doc('Headers, all of which must have this value.', namedList(header('The whole value.'), 16)),
})

const limit = object(
  {
    requests: doc('How many.', count),
    per: doc('In which time.', byDefault('Second', word(['Second', 'Minute', 'Hour', 'Day']))),
    burst: doc('How many may come at once; as many as `requests` unless written.', count),
    when: doc('Requests that are counted; all unless written.', conditions),
    by: doc(
      'What is counted apart: each value has a limit of its own.',
      object({
        header: doc('A header; requests without it are not counted.', text('token-name')),
        clientAddress: doc('The address of the client.', boolean),
      }),
    ),
  },
  { required: ['requests'], check: checkLimit },
)

const spec: Schema = object(
  {
    targetRefs: policyTargets(
      'Services, whose workloads count what comes in, each instance for itself; or Gateways and their routes, where each listener counts for itself.',
      ['Service', 'Gateway', 'HTTPRoute', 'GRPCRoute'],
    ),
    limits: doc('Limits, all of which hold.', list(limit, { min: 1, max: 16 })),
    status: doc(
      'Status of the answer to what is too much.',
      byDefault(429, { type: 'integer', enum: [400, 403, 404, 408, 409, 429, 500, 502, 503, 504] }),
    ),
    headers: doc('Headers of that answer.', namedList(header('Its value.'), 16)),
  },
  { required: ['limits'] },
)

function* checkLimit({ requests, burst, by }: RequestLimit): Iterable<Finding> {
  if (burst !== undefined && burst < requests) {
    const message = `${burst} is less than requests, so that ${requests} could never come`
    yield { at: ['burst'], code: 'out-of-range', message, mend: 'Write at least `requests`.' }
  }
  if (by !== undefined && by.header === undefined && by.clientAddress !== true) {
    const message = 'names nothing that is counted apart'
    yield { at: ['by'], code: 'missing-field', message, mend: 'Add `header` or `clientAddress: true`, or remove it.' }
  }
}

/** Our own RateLimit. */
export const rateLimitKind = defineKind({
  kind: 'RateLimit',
  versions: ['v1alpha1'],
  names: ['ratelimits', 'rl'],
  description: 'How many requests are let through, counted by each proxy for itself.',
  spec,
  withDefaults: withTargets<RateLimitSpec>,
})
