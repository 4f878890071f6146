// Schemas of what Gateway API kinds have in common: references to other objects, names, and lists without repetitions.
import type { PathStep } from '../field-path.ts'
import {
  byDefault,
  doc,
  type Finding,
  integer,
  list,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../schema/schema.ts'
import type { BackendRef, ParentRef } from './types.ts'

export const gatewayGroup = 'gateway.networking.k8s.io'

/** A field that says which default gateways take the route, from the experimental channel. */
export const useDefaultGateways = doc(
  'Whether gateways that call themselves default take the route.',
  word(['All', 'None']),
)
/** Name of a rule, a listener or a port. */
export const sectionName = (description: string): Schema => doc(description, text('section-name'))
/** Weight of a backend. */
const weight = doc('Share of the traffic, relative to the sum of all weights.', byDefault(1, integer(0, 1_000_000)))

const group = doc('API group of the object; "" is that of Service and Secret.', text('reference-group'))
const kind = doc('Kind of the object.', text('reference-kind'))
const name = doc('Name of the object.', text('object-name'))
const namespace = doc('Namespace of the object; that of this one unless written.', text('reference-namespace'))

/** An object of the same namespace. */
export const localReference = object({ group, kind, name }, { required: ['group', 'kind', 'name'] })
/** An object of any namespace. */
export const objectReference = object({ group, kind, name, namespace }, { required: ['group', 'kind', 'name'] })
/** A part of an object of the same namespace. */
export const targetReference = object(
  { group, kind, name, sectionName: sectionName('Part of the object: a port, a listener, a rule.') },
  { required: ['group', 'kind', 'name'] },
)
/** A Secret. */
export const secretReference = object(
  { group: byDefault('', group), kind: byDefault('Secret', kind), name, namespace },
  { required: ['name'] },
)
/** A Gateway, for ListenerSet. */
export const gatewayReference = object(
  { group: byDefault(gatewayGroup, group), kind: byDefault('Gateway', kind), name, namespace },
  { required: ['name'] },
)

const backendFields = {
  group: byDefault('', group),
  kind: byDefault('Service', kind),
  name,
  namespace,
  port: doc('Port of the Service; not needed for other kinds.', portNumber),
}

/** A backend that takes copies of requests, or authorizes them. */
export const plainBackend = object(backendFields, { required: ['name'], check: needsPort })

/** A weighted backend, with what routes of one kind add to it. */
export function weightedBackend(more: Readonly<Record<string, Schema>> = {}): Schema {
  return object({ ...backendFields, weight, ...more }, { required: ['name'], check: needsPort })
}

function* needsPort(backend: BackendRef): Iterable<Finding> {
  if (backend.group !== '' || backend.kind !== 'Service' || backend.port !== undefined) return
  yield { code: 'missing-field', message: 'has no `port`, which a Service needs', mend: 'Add `port`.' }
}

const parentRef = object(
  {
    group: byDefault(gatewayGroup, group),
    kind: byDefault(
      'Gateway',
      doc('Gateway, ListenerSet, or Service for routes inside the mesh.', text('reference-kind')),
    ),
    name,
    namespace,
    sectionName: sectionName('Listener that takes the route; all unless written.'),
    port: doc('Port that takes the route; all unless written.', portNumber),
  },
  { required: ['name'] },
)

/** What takes a route. */
export const parentRefs = doc(
  'Gateways (or, inside the mesh, Services) that take the route.',
  list(parentRef, { max: 32, check: checkParents }),
)

/** Several references to one object must say which part each means, and no two the same. */
export function* checkParents(parents: readonly ParentRef[]): Iterable<Finding> {
  yield* repeated(parents, (each) => [parentKey(each), each.sectionName ?? '', each.port ?? 0], 'reference', ['name'])
  for (const [index, each] of parents.entries()) {
    const other = parents.findIndex(
      (earlier, at) => at < index && parentKey(earlier) === parentKey(each) && !sameParts(earlier, each),
    )
    if (other === -1) continue
    const message = `names the object of item ${other}, and only one of the two says which part of it`
    const mend = 'Write `sectionName` (or `port`) in both, or keep one of the two.'
    yield { at: [index], code: 'conflicting-fields', message, mend }
  }
}

function parentKey(ref: ParentRef): string {
  return JSON.stringify([ref.group, ref.kind, ref.namespace ?? '', ref.name])
}

function sameParts(a: ParentRef, b: ParentRef): boolean {
  return (
    (a.sectionName === undefined) === (b.sectionName === undefined) && (a.port === undefined) === (b.port === undefined)
  )
}

/** Findings for items with the same key as an earlier one. */
export function* repeated<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string | readonly (string | number)[] | undefined,
  what: string,
  where: readonly PathStep[] = [],
): Iterable<Finding> {
  const seen = new Map<string, number>()
  for (const [index, item] of items.entries()) {
    const key = keyOf(item)
    if (key === undefined) continue
    const text = JSON.stringify(key)
    const first = seen.get(text)
    if (first === undefined) seen.set(text, index)
    else {
      const message = `repeats the ${what} of item ${first}`
      yield { at: [index, ...where], code: 'duplicate', message, mend: 'Change it, or remove one of the two.' }
    }
  }
}

/** A list in which each text (or number) stands once. */
export function setOf(
  items: Schema,
  options: { readonly max?: number; readonly check?: Schema['x-check'] } = {},
): Schema {
  const { max, check } = options
  return list(items, {
    ...(max === undefined ? {} : { max }),
    check: function* checkSet(values: readonly (string | number)[]): Iterable<Finding> {
      yield* repeated(values, (value) => [value], 'value')
      if (check !== undefined) yield* check(values)
    },
  })
}

/** A list of fields with names, each name once. */
export function namedList(item: Schema, max: number): Schema {
  return list(item, {
    max,
    check: (values: readonly { readonly name: string }[]) => repeated(values, (each) => each.name, 'name', ['name']),
  })
}

/** The check that rules have names of their own. */
export function ruleNames(rules: readonly { readonly name?: string }[]): Iterable<Finding> {
  return repeated(rules, (each) => each.name, 'name', ['name'])
}
