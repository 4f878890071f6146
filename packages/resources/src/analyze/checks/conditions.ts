// What a control plane has written into the status of an object: conditions that say something is wrong.
import type { Check, Fault } from '../check.ts'
import { dig, type Fields, itemsOf, textOf, type WrittenObject } from '../written-object.ts'

/** Conditions that say something bad when they are true. */
const badWhenTrue = new Set(['Conflicted', 'OverlappingTLSConfig', 'PartiallyInvalid'])

/** Domains whose conditions are about the mesh; conditions of a plain name are the API's own. */
const meshDomain = /(^|\.)(istio\.io|gateway\.networking\.k8s\.io|weft\.dev)$/

function* checkConditions({ body, id }: WrittenObject): Iterable<Fault> {
  const field = 'status'
  for (const condition of conditionsOf(body)) {
    const type = textOf(condition['type'])
    const slash = type.indexOf('/')
    if (slash < 0 ? !isMeshGroup(id.group) : !meshDomain.test(type.slice(0, slash))) continue
    const status = textOf(condition['status'])
    const reason = textOf(condition['reason'])
    const bad = status === (badWhenTrue.has(type) ? 'True' : 'False') || reason === 'PartiallyInvalid'
    if (!bad) continue
    const message = `condition ${type} is ${status} (${reason}): ${textOf(condition['message']).slice(0, 300)}`
    yield { code: 'IST0171', field, message, mend: 'Mend what the condition says; it was written by a control plane.' }
  }
}

function isMeshGroup(group: string): boolean {
  return group.endsWith('istio.io') || group === 'gateway.networking.k8s.io' || group === 'weft.dev'
}

function conditionsOf(body: Fields): Fields[] {
  const parents = itemsOf(dig(body, 'status', 'parents')).flatMap((parent) => itemsOf(parent['conditions']))
  const listeners = itemsOf(dig(body, 'status', 'listeners')).flatMap((listener) => itemsOf(listener['conditions']))
  return [...itemsOf(dig(body, 'status', 'conditions')), ...parents, ...listeners]
}

/** The check. */
export const conditions: readonly Check[] = [{ name: 'conditions', kinds: ['*'], run: checkConditions }]
