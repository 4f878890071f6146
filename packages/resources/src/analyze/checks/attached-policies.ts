// Policies, our own and those of the Gateway API, and what they are attached to: targets that are not there, and several of one kind for one target.
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { topic } from '../topics.ts'
import { byAge, type Fields, fieldsOf, fullKind, itemsOf, textOf, type WrittenObject } from '../written-object.ts'

const routeKinds = ['HTTPRoute', 'GRPCRoute'].map((kind) => `${kind}.gateway.networking.k8s.io`)
const kinds = ['RateLimit', 'RetryPolicy', 'TimeoutPolicy', 'HedgingPolicy'].map((kind) => `${kind}.weft.dev`)
const backendPolicies = [
  'BackendTLSPolicy.gateway.networking.k8s.io',
  'XBackendTrafficPolicy.gateway.networking.x-k8s.io',
]

/** The policies that a route names as filters, and where. */
function* filtersOf({ spec }: WrittenObject): Iterable<{ readonly ref: Fields; readonly field: string }> {
  for (const [i, rule] of itemsOf(spec['rules']).entries()) {
    const lists = [
      { owner: rule, at: `spec.rules[${i}]` },
      ...itemsOf(rule['backendRefs']).map((owner, j) => ({ owner, at: `spec.rules[${i}].backendRefs[${j}]` })),
    ]
    for (const { owner, at } of lists) {
      for (const [k, filter] of itemsOf(owner['filters']).entries()) {
        const ref = fieldsOf(filter['extensionRef'])
        if (filter['extensionRef'] !== undefined) yield { ref, field: `${at}.filters[${k}].extensionRef` }
      }
    }
  }
}

/** A filter that is not there: requests must not go on without it. */
function* checkFilters(route: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const { ref, field } of filtersOf(route)) {
    const [name, kind, group] = [textOf(ref['name']), textOf(ref['kind']), textOf(ref['group'])]
    const full = `${kind}.${group}`
    if (!kinds.includes(full)) {
      const message = `is a filter of a kind that is not known, so requests of the rule are answered with 500`
      const mend = `Use one of ${kinds.map((each) => each.split('.')[0]).join(', ')} of weft.dev, or remove the filter.`
      yield { code: 'IST0101', field: `${field}.kind`, message, mend }
    } else if (mesh.one(full, `${route.id.namespace}/${name}`) === undefined) {
      const message = `there is no ${kind} ${name} in namespace ${route.id.namespace}, so requests of the rule are answered with 500`
      yield { code: 'IST0101', field: `${field}.name`, message, mend: `Add the ${kind}, or correct the name.` }
    }
  }
}

/** A policy without targets is a filter, and has no effect until a route names it. */
function* checkUnused({ spec, id }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (itemsOf(spec['targetRefs']).length > 0) return
  const routes = routeKinds.flatMap((kind) => mesh.at(topic.inNamespace(kind, id.namespace)))
  const names = ({ ref }: { readonly ref: Fields }): boolean =>
    textOf(ref['name']) === id.name && `${textOf(ref['kind'])}.${textOf(ref['group'])}` === fullKind(id)
  if (routes.some((route) => [...filtersOf(route)].some(names))) return
  const message = 'has no `targetRefs`, and no route names it as a filter, so it has no effect'
  yield { code: 'WEFT0103', field: 'spec', message, mend: 'Add `targetRefs`, or an ExtensionRef filter to a route.' }
}

function* checkTargets(policy: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const [index, ref] of itemsOf(policy.spec['targetRefs']).entries()) {
    const at = `spec.targetRefs[${index}]`
    const name = textOf(ref['name'])
    const kind = kindOf(ref)
    const group = textOf(ref['group'])
    const target = mesh.one(group === '' ? kind : `${kind}.${group}`, `${policy.id.namespace}/${name}`)
    if (target === undefined) {
      const message = `there is no ${kind} ${name} in namespace ${policy.id.namespace}, so the policy changes nothing there`
      yield { code: 'WEFT0103', field: `${at}.name`, message, mend: `Add the ${kind}, or correct the name.` }
      continue
    }
    const section = textOf(ref['sectionName'])
    const parts = ['ports', 'listeners', 'rules'].flatMap((list) =>
      itemsOf(target.spec[list]).map((one) => textOf(one['name'])),
    )
    if (section !== '' && !parts.includes(section)) {
      const message = `${kind} ${name} has no part named ${section}, so the policy changes nothing there`
      const known = parts.filter((part) => part !== '')
      const mend = known.length === 0 ? 'Remove `sectionName`, or name the part.' : `Use ${known.join(' or ')}.`
      yield { code: 'WEFT0103', field: `${at}.sectionName`, message, mend }
    }
  }
}

/** Of several the oldest holds. */
function* checkRivals(policy: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const rivals = mesh.at(topic.inNamespace(fullKind(policy.id), policy.id.namespace)).filter((one) => one !== policy)
  for (const [index, ref] of itemsOf(policy.spec['targetRefs']).entries()) {
    const winner = rivals.find(
      (one) => byAge(one, policy) < 0 && itemsOf(one.spec['targetRefs']).some((other) => keyOf(other) === keyOf(ref)),
    )
    if (winner === undefined) continue
    const message = `${winner.id.kind} ${winner.id.name} is attached to the same, and is older or first by name: this one has no effect there`
    yield { code: 'WEFT0107', field: `spec.targetRefs[${index}]`, message, mend: 'Merge the two into one.' }
  }
}

function kindOf(ref: Fields): string {
  return textOf(ref['kind']) || 'Service'
}

function keyOf(ref: Fields): string {
  return JSON.stringify([textOf(ref['group']), kindOf(ref), textOf(ref['name']), textOf(ref['sectionName'])])
}

/** Checks of what policies are attached to. */
export const attachedPolicies: readonly Check[] = [
  { name: 'policy-targets', kinds: [...kinds, ...backendPolicies], run: checkTargets },
  { name: 'policy-filters', kinds: routeKinds, run: checkFilters },
  { name: 'policy-unused', kinds, run: checkUnused },
  { name: 'policy-rivals', kinds, run: checkRivals },
]
