// Errors that only show when objects stand side by side: the same object twice, one host claimed twice.
import { objectKey, type ObjectId } from '@weft/core'
import { describeObject } from '../format-problem.ts'
import { isKind } from '../kinds.ts'
import type { MeshObject, Problem } from '../mesh-object.ts'
import { resolveHost } from '../networking/host-names.ts'
import { ruledTraffic } from '../networking/virtual-service/ruled-traffic.ts'
import type { VirtualServiceSpec } from '../networking/virtual-service/types.ts'

/** A finding, and the object it clashes with. */
export interface Conflict {
  readonly problem: Problem
  readonly owner: ObjectId
}

/** What objects have claimed so far; claims are made in the order of preference. */
export class Claims {
  readonly #hosts = new Map<string, MeshObject>()

  /** Takes what the object claims, or says what is taken already (then nothing is taken). */
  claim(object: MeshObject): Conflict[] {
    if (!isKind(object, 'VirtualService')) return []
    let claims = claimsOf.get(object)
    if (claims === undefined) claimsOf.set(object, (claims = hostClaims(object)))
    const conflicts: Conflict[] = []
    for (const { key, path, host } of claims) {
      const owner = this.#hosts.get(key)
      if (owner === undefined || objectKey(owner.id) === objectKey(object.id)) continue
      // Taken for requests and for connections by one other is told once.
      if (conflicts.some((one) => one.owner === owner.id && one.problem.field === path)) continue
      conflicts.push({ problem: hostTaken(object, owner, { path, host }), owner: owner.id })
    }
    if (conflicts.length === 0) for (const { key } of claims) this.#hosts.set(key, object)
    return conflicts
  }
}

/** Whether one object claims what another does, so that it may take its place among all others. */
export function claimsTheSame(a: MeshObject, b: MeshObject): boolean {
  const keysOf = (object: MeshObject): string =>
    isKind(object, 'VirtualService')
      ? hostClaims(object)
          .map(({ key }) => key)
          .join('\n')
      : ''
  return keysOf(a) === keysOf(b)
}

interface HostClaim {
  readonly key: string
  readonly path: string
  readonly host: string
}

/** An object claims the same whenever it is asked. */
const claimsOf = new WeakMap<MeshObject, readonly HostClaim[]>()

/**
 * One claim per host, namespace that sees it (`*` is all of them), and what its rules are about: requests or connections. One VirtualService may
 * rule those and another these, as in Istio. Inside the mesh only: at a gateway the rules of all VirtualServices for a host are served together.
 */
function hostClaims(object: MeshObject<VirtualServiceSpec>): HostClaim[] {
  const { namespace } = object.id
  if (!object.spec.gateways.includes('mesh')) return []
  const scopes = object.spec.exportTo
    .filter((scope) => scope !== '~')
    .map((scope) => (scope === '.' ? namespace : scope))
  const ruled = ruledTraffic(object.spec)
  return object.spec.hosts.flatMap((written, index) => {
    const host = resolveHost(written, namespace)
    const path = `spec.hosts[${index}]`
    return scopes.flatMap((scope) => ruled.map((traffic) => ({ key: `${scope} ${host} ${traffic}`, path, host })))
  })
}

function hostTaken(object: MeshObject, owner: MeshObject, claim: Omit<HostClaim, 'key'>): Problem {
  const at = owner.positionOf('')
  const where = at === undefined ? '' : ` (${at.file}:${at.line})`
  return {
    severity: 'error',
    code: 'duplicate-host',
    message: `${claim.host} is routed inside the mesh by ${describeObject(owner.id)}${where} already`,
    position: object.positionOf(claim.path),
    objectId: object.id,
    field: claim.path,
    mend: 'Write the routes of one host in one VirtualService, or remove this one.',
  }
}

/** The finding for an object that another one of the same name precedes. */
export function duplicateObject(id: ObjectId, second: MeshObject | undefined, first: Problem['position']): Problem {
  const where = first === undefined ? '' : ` in ${first.file}:${first.line}`
  return {
    severity: 'error',
    code: 'duplicate-object',
    message: `is defined${where} already`,
    position: second?.positionOf(''),
    objectId: id,
    field: '',
    mend: 'Remove one of the two, or give it another name.',
  }
}

/** Objects in a fixed order, independent of files. */
export function byKey(a: MeshObject, b: MeshObject): number {
  const keyA = objectKey(a.id)
  const keyB = objectKey(b.id)
  return keyA < keyB ? -1 : keyA > keyB ? 1 : 0
}
