// The backends that a data plane's routes send to in another way than the mesh does, each once.
import { authorizersOf, callerOf } from '../../gateway-api/authorizers.ts'
import { resolveBackend, type Target } from '../../gateway-api/backends.ts'
import { gatewayModel } from '../../gateway-api/gateway-model.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import { backendRefsOf } from '../../gateway-api/route-backends.ts'
import { backendCluster, externalCluster, isPlain, type Variant, variantOf } from './clusters-of-backends.ts'

/** A Service port, and how it is spoken to. */
export interface UsedService {
  readonly target: Extract<Target, { kind: 'service' }>
  readonly variant: Variant
}

/** Targets that need clusters of their own. */
export interface UsedTargets {
  readonly services: readonly UsedService[]
  readonly backends: readonly Extract<Target, { kind: 'backend' }>[]
}

/** Finds them, in the order of their clusters' names. */
export function usedTargets(refs: GatewayRefs): UsedTargets {
  const services = new Map<string, UsedService>()
  const backends = new Map<string, Extract<Target, { kind: 'backend' }>>()
  for (const gateway of refs.gateways) {
    const routes = new Set(gatewayModel(gateway, refs).attached.map(({ route }) => route))
    for (const route of routes) {
      const plain = backendRefsOf(route).map((ref) => ({ ref, caller: route }))
      const asked = authorizersOf(route).map((auth) => ({ ref: auth.backendRef, caller: callerOf(route, auth) }))
      // An authorizer is a backend, too: which of the two it is decides how it is spoken to.
      const authorizers = new Set(asked.map(({ ref }) => ref))
      for (const { ref, caller } of [...plain.filter(({ ref }) => !authorizers.has(ref)), ...asked]) {
        const resolved = resolveBackend(route, ref, refs)
        if (!resolved.ok) continue
        const { target } = resolved
        if (target.kind === 'backend') backends.set(externalCluster(target), target)
        else {
          const variant = variantOf(caller, target, { ...refs, gateways: [gateway] })
          if (!isPlain(variant)) services.set(backendCluster(target, variant), { target, variant })
        }
      }
    }
  }
  return { services: sorted(services), backends: sorted(backends) }
}

function sorted<T>(map: ReadonlyMap<string, T>): T[] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}
