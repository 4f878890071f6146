// envoy.config.endpoint.v3.ClusterLoadAssignment.
import type { Result } from '@weft/core'
import * as lean from '@weft/xds/lean'
import type { Endpoint, EndpointSet } from '../model.ts'
import { metadataOf } from './metadata.ts'
import { attempt, type CompileError, type Context, newContext, readPart, refuse } from './refusal.ts'

/** Compiles the bytes of a ClusterLoadAssignment. */
export function compileEndpoints(bytes: Uint8Array): Result<EndpointSet, CompileError> {
  return attempt(() => {
    const context = newContext({})
    return compileAssignment(context, '', readPart(context, '', lean.readClusterLoadAssignment, bytes))
  })
}

/** Compiles a decoded assignment; `at` is its place in an enclosing cluster. */
export function compileAssignment(context: Context, at: string, assignment: lean.ClusterLoadAssignment): EndpointSet {
  const dot = at === '' ? '' : `${at}.`
  if (assignment.policy !== undefined && assignment.policy.dropOverloads.length > 0) {
    context.unlisted.push('envoy.config.endpoint.v3.ClusterLoadAssignment.Policy.drop_overloads')
  }
  return {
    name: assignment.clusterName,
    localities: assignment.endpoints.map((group, index) => ({
      region: group.locality?.region ?? '',
      zone: group.locality?.zone ?? '',
      subZone: group.locality?.subZone ?? '',
      priority: group.priority,
      weight: group.loadBalancingWeight ?? 0,
      endpoints: group.lbEndpoints.map((one, i) =>
        compileEndpoint(`${dot}endpoints[${index}].lb_endpoints[${i}]`, one),
      ),
    })),
    overprovisioningPercent: assignment.policy?.overprovisioningFactor ?? 140,
    unlisted: context.unlisted,
  }
}

function compileEndpoint(at: string, from: lean.LbEndpoint): Endpoint {
  const address = from.endpoint?.address
  const weight = from.loadBalancingWeight ?? 1
  if (weight < 1) return refuse(`${at}.load_balancing_weight`, 'must be at least 1')
  const shared = {
    hostname: from.endpoint?.hostname ?? '',
    health: from.healthStatus.toLowerCase() as Endpoint['health'],
    weight,
    metadata: metadataOf(from.metadata),
  }
  const internal = address?.envoyInternalAddress
  if (internal?.serverListenerName !== undefined) {
    const { serverListenerName: listener, endpointId } = internal
    return { key: `internal:${listener}/${endpointId}`, target: { kind: 'internal', listener, endpointId }, ...shared }
  }
  const path = address?.pipe?.path
  // A Unix socket; names that no file has (`@name`) are not supported.
  if (path?.startsWith('/') === true)
    return { key: path, target: { kind: 'socket', address: path, port: 0 }, ...shared }
  const socket = address?.socketAddress
  if (socket?.portValue === undefined)
    return refuse(`${at}.endpoint.address`, 'is neither a socket address with a port, nor a path, nor internal')
  const host = socket.address.includes(':') ? `[${socket.address}]` : socket.address
  return {
    key: `${host}:${socket.portValue}`,
    target: { kind: 'socket', address: socket.address, port: socket.portValue },
    ...shared,
  }
}
