// Istio refers to objects of other namespaces freely; in the Gateway API somebody there has to allow it.
import type { ObjectId } from '@weft/core'
import { groupOfKind } from '../kinds.ts'
import { type ConvertedObject, nameOf } from './conversion.ts'

interface Granted {
  readonly kind: string
  readonly name: string
  readonly namespace: string
}

/** The ReferenceGrants that routes and Gateways need for what they refer to. */
export function grantsFor(objects: readonly ConvertedObject[]): ConvertedObject[] {
  const grants = new Map<
    string,
    { readonly from: ObjectId; readonly referrer: ConvertedObject; readonly to: Granted[] }
  >()
  for (const object of objects) {
    for (const ref of referencesIn(object.spec)) {
      if (ref.namespace === object.namespace) continue
      const key = `${ref.namespace} ${object.kind} ${object.namespace}`
      const grant = grants.get(key) ?? { from: object.from, referrer: object, to: [] }
      if (!grant.to.some(({ kind, name }) => kind === ref.kind && name === ref.name)) grant.to.push(ref)
      grants.set(key, grant)
    }
  }
  return [...grants.values()].map(({ from, referrer, to }): ConvertedObject => {
    const kind = referrer.kind === 'GatewayAPIGateway' ? 'Gateway' : referrer.kind
    const group = groupOfKind[referrer.kind]
    return {
      kind: 'ReferenceGrant',
      namespace: to[0]?.namespace ?? '',
      name: nameOf(`${kind}s`, 'of', referrer.namespace),
      spec: {
        from: [{ group, kind, namespace: referrer.namespace }],
        to: to.map(({ kind: toKind, name }) => ({ group: '', kind: toKind, name })),
      },
      from,
      origins: [],
    }
  })
}

const referring = new Set(['backendRef', 'backendRefs', 'certificateRefs'])

/** References with a namespace, wherever they stand. */
function referencesIn(value: unknown): Granted[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([field, member]: [string, unknown]) => {
    const own = referring.has(field) ? [member].flat().flatMap((ref) => granted(ref, field)) : []
    return [...own, ...referencesIn(member)]
  })
}

function granted(ref: unknown, field: string): Granted[] {
  const { name, namespace } = ref as { readonly name: string; readonly namespace?: string }
  return namespace === undefined ? [] : [{ kind: field === 'certificateRefs' ? 'Secret' : 'Service', name, namespace }]
}
