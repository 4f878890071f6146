// Schemas of the Service Mesh Interface, all versions.
import {
  type Check,
  context,
  doc,
  type Finding,
  integer,
  list,
  mapOf,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../schema/schema.ts'
import { repeated } from '../gateway-api/references.ts'
import { quantity } from './quantity.ts'

const name = doc('Name of the object.', text('dns-name'))
const namespace = doc('Namespace; that of this object unless written.', text('dns-label'))
const identityKind = doc(
  'Kind of identity.',
  word(['ServiceAccount'], { IdentityBinding: 'Name a ServiceAccount: IdentityBinding was a draft.' }),
)

const identity = object({ kind: identityKind, name, namespace }, { required: ['kind', 'name'] })

const destination = (more: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema =>
  object({ kind: identityKind, name, namespace, ...more }, { required: ['kind', 'name', ...required] })

const udpRule = 'Use TCP for what must be authorized: datagrams pass whatever a TrafficTarget says.'

const rules = (least: number, refusedKinds: Readonly<Record<string, string>> = { UDPRoute: udpRule }): Schema =>
  doc(
    'What may be called; several rules are alternatives.',
    list(
      object(
        {
          kind: doc('Kind of the rule.', word(['HTTPRouteGroup', 'TCPRoute'], refusedKinds)),
          name,
          matches: doc('Names of matches of the group; all unless written.', list(text('short-text'))),
        },
        { required: ['kind', 'name'] },
      ),
      { min: least },
    ),
  )

const sources = (least: number): Schema => doc('Who may call.', list(identity, { min: least }))
const called = 'Workloads that are called, by their ServiceAccount.'
const oldPort = doc('The only port that is meant.', portNumber)

/** TrafficTarget. */
export const trafficTargetSchema = object(
  {
    destination: doc(called, destination({})),
    sources: sources(1),
    rules: rules(1),
  },
  { required: ['destination', 'sources', 'rules'] },
)

/** TrafficTarget of v1alpha2. */
export const trafficTargetSchema2 = object(
  {
    destination: doc(called, destination({ port: oldPort })),
    sources: sources(0),
    rules: rules(0, {}),
  },
  { required: ['destination'] },
)

/** TrafficTarget of v1alpha1, whose fields stand beside `metadata`. */
export const trafficTargetSchema1 = object(
  {
    destination: doc(
      called,
      destination({ port: { ...oldPort, type: ['integer', 'string'], 'x-check': checkPort } }, ['port']),
    ),
    sources: sources(1),
    specs: rules(1, {}),
  },
  { required: ['destination', 'sources', 'specs'] },
)

function* checkPort(port: number | string): Iterable<Finding> {
  const number = Number(port)
  if (Number.isInteger(number) && number >= 1 && number <= 65535) return
  yield { code: 'out-of-range', message: 'is not a port', mend: 'Write a number from 1 to 65535.' }
}

const headers = mapOf(text('regex'), 'header-name')
const eitherHeaders: Check = function* checkHeaders(value: object): Iterable<Finding> {
  for (const [index, each] of (Array.isArray(value) ? value : [value]).entries()) {
    if (
      typeof each === 'object' &&
      each !== null &&
      Object.values(each as object).every((member) => typeof member === 'string')
    )
      continue
    const message = 'is not a map from headers to expressions'
    yield { ...(Array.isArray(value) ? { at: [index] } : {}), code: 'wrong-type', message, mend: 'Write `x-user: .*`.' }
  }
}

const methods = ['*', 'GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

/** HTTPRouteGroup. */
export const httpRouteGroupSchema = object(
  {
    matches: doc(
      'Requests by name.',
      list(
        object(
          {
            name: doc('Name of the match, by which others refer to it.', text('short-text')),
            pathRegex: doc('Expression for the path, bound to its start.', text('regex')),
            methods: doc('Methods; `*` is every one.', list(word(methods))),
            headers: doc('Expressions for headers, which must all fit.', {
              type: ['object', 'array'],
              additionalProperties: text('regex'),
              items: headers,
              'x-check': eitherHeaders,
            }),
          },
          { required: ['name'] },
        ),
        {
          min: 1,
          check: (items: readonly { readonly name: string }[]) =>
            repeated(items, (each) => each.name, 'name', ['name']),
        },
      ),
    ),
  },
  { required: ['matches'] },
)

/** TCPRoute and UDPRoute. */
export const smiPortsSchema = object(
  {
    matches: doc(
      'Ports that are meant.',
      object({ ports: doc('Numbers of the ports; an empty list is all.', list(portNumber)) }, { required: ['ports'] }),
    ),
  },
  { required: ['matches'] },
)

/** TCPRoute before v1alpha4. */
export const emptySmiRouteSchema = object({})

const split = (weight: Schema, more: Readonly<Record<string, Schema>> = {}): Schema =>
  object(
    {
      service: doc('Service that clients call.', text('host')),
      ...more,
      backends: doc(
        'Services that take its traffic, by weight.',
        list(
          object(
            { service: doc('Name of the Service.', text('dns-name')), weight: doc('Share of the traffic.', weight) },
            { required: ['service', 'weight'] },
          ),
          {
            min: 1,
            check: (items: readonly { readonly service: string }[]) =>
              repeated(items, (each) => each.service, 'service', ['service']),
          },
        ),
      ),
    },
    { required: ['service', 'backends'] },
  )

const matches = doc(
  'Requests that are split; the others go to the Service itself.',
  list(
    object(
      {
        kind: doc('HTTPRouteGroup.', word(['HTTPRouteGroup'])),
        name,
        apiGroup: context('API group of the group of routes.', text('api-group')),
      },
      { required: ['kind', 'name'] },
    ),
  ),
)

/** TrafficSplit. */
export const trafficSplitSchema = split(integer(0, 1_000_000), { matches })

/** TrafficSplit of v1alpha2. */
export const trafficSplitSchema2 = split(integer(0, 1_000_000))

/** TrafficSplit of v1alpha1, whose weights are quantities of Kubernetes. */
export const trafficSplitSchema1 = split({ type: ['string', 'number'], 'x-check': checkQuantity })

function* checkQuantity(weight: string | number): Iterable<Finding> {
  if (quantity(weight) !== undefined) return
  yield {
    code: 'bad-format',
    message: `${JSON.stringify(weight)} is not a quantity`,
    mend: 'Write one like 10, 0.5 or 500m.',
  }
}
