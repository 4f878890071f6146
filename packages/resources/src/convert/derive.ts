// Objects that have their effect as other kinds: SMI and Ingress, by the same functions as `weft convert`, and our own policies. What is derived has a name that
// nobody writes, and the origins of what was written.
import { objectKey } from '@weft/core'
import { contentHash } from '../content-hash.ts'
import { definitions } from '../definitions.ts'
import { groupOfKind, type KindName, ofKind, writtenKind } from '../kinds.ts'
import type { KindDefinition, WrittenSpec } from '../kind-definition.ts'
import type { MeshObject } from '../mesh-object.ts'
import { applyDefaults } from '../schema/apply-defaults.ts'
import { deriveCircuitBreakers } from './circuit-breaker.ts'
import type { ConvertedObject, NotExpressed } from './conversion.ts'
import { convertIngress } from './ingress.ts'
import { MeshLookup } from './mesh-lookup.ts'
import { convertSmi } from './smi.ts'

/** Derived objects, and what of their sources has no effect. */
export interface Derived {
  readonly objects: readonly MeshObject[]
  readonly notExpressed: readonly NotExpressed[]
}

const sources: readonly KindName[] = ['TrafficSplit', 'TrafficTarget', 'Ingress', 'CircuitBreaker']
/** Most meshes have none of them, and are asked after each change: by a look at the kind alone. */
const writtenSources = new Set(sources.map(writtenKind))
const none: Derived = { objects: [], notExpressed: [] }

/** What follows from the written objects. */
export function deriveObjects(objects: readonly MeshObject[]): Derived {
  if (!objects.some(({ id }) => writtenSources.has(id.kind))) return none
  const mesh = new MeshLookup(objects)
  const classes = new Set(
    ofKind(objects, 'IngressClass')
      .filter(({ spec }) => spec.controller === 'weft.dev/ingress-controller')
      .map(({ id }) => id.name),
  )
  const smi = convertSmi(mesh)
  const ingress = convertIngress(mesh, ({ spec: { ingressClassName = 'weft' } }) => {
    return ingressClassName === 'weft' || classes.has(ingressClassName)
  })
  const written = new Map(objects.map((object) => [objectKey(object.id), object]))
  const breakers = deriveCircuitBreakers(mesh)
  const converted = [...smi.objects, ...ingress.objects, ...breakers.objects]
  return {
    objects: converted.flatMap((each) => {
      const source = written.get(objectKey(each.from))
      const derived = source && derivedObject(each, source)
      // Somebody wrote the Gateway: routes attach themselves to that.
      return derived === undefined || written.has(objectKey(derived.id)) ? [] : [derived]
    }),
    notExpressed: [...smi.notExpressed, ...ingress.notExpressed, ...breakers.notExpressed],
  }
}

function derivedObject(converted: ConvertedObject, source: MeshObject): MeshObject {
  const { kind, namespace, name, spec, origins } = converted
  const definition: KindDefinition = definitions[kind]
  const [version = ''] = definition.versions
  const full = definition.withDefaults(applyDefaults(definition.spec, spec) as WrittenSpec, version)
  const group = groupOfKind[kind]
  const id = {
    cluster: source.id.cluster,
    group,
    kind: writtenKind(kind),
    namespace,
    // A Gateway keeps its name: workloads refer to it by their label.
    name: kind === 'GatewayAPIGateway' ? name : `${name}.${source.id.kind.toLowerCase()}`,
    writtenAs: { key: objectKey(source.id), paths: origins },
  }
  const labels = converted.labels ?? {}
  const age = source.createdAt === undefined ? {} : { createdAt: source.createdAt }
  return {
    id,
    apiVersion: group === '' ? version : `${group}/${version}`,
    labels,
    annotations: {},
    spec: full,
    hash: contentHash({ id, labels, spec: full, ...age }),
    ...age,
    positionOf: (path) => source.positionOf(origins.find(([own]) => path.startsWith(own))?.[1] ?? ''),
  }
}
