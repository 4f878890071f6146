// The Workloads of a mesh: those written, and one for each Gateway of the Gateway API that none of them serves, as a controller
// would deploy one in a cluster.
import { contentHash } from '../content-hash.ts'
import { gatewayClassLabel, gatewayNameLabel, isOurClass, servesGateway } from '../gateway-api/data-plane.ts'
import type { GatewayAPIGatewaySpec } from '../gateway-api/gateway/types.ts'
import { ofKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { WorkloadSpec } from '../weft/workload/types.ts'

/** Every Workload, written or implied. */
export function meshWorkloads(objects: readonly MeshObject[]): MeshObject<WorkloadSpec>[] {
  const written = ofKind(objects, 'Workload')
  const implied = ownApiGateways(objects)
    .filter((gateway) => !written.some((workload) => serves(workload, gateway)))
    .map(workloadFor)
    .filter(({ id }) => !written.some((workload) => sameName(workload, id)))
  return [...written, ...implied]
}

/** The Gateways of the Gateway API whose class is ours. */
export function ownApiGateways(objects: readonly MeshObject[]): MeshObject<GatewayAPIGatewaySpec>[] {
  const gateways = ofKind(objects, 'GatewayAPIGateway')
  if (gateways.length === 0) return gateways
  const classes = new Map(ofKind(objects, 'GatewayClass').map(({ id, spec }) => [id.name, spec]))
  return gateways.filter(({ spec }) => isOurClass(spec.gatewayClassName, classes.get(spec.gatewayClassName)))
}

function serves({ id, labels, spec }: MeshObject<WorkloadSpec>, gateway: MeshObject<GatewayAPIGatewaySpec>): boolean {
  return spec.proxy === 'gateway' && servesGateway({ namespace: id.namespace, labels }, gateway)
}

function sameName({ id }: MeshObject, other: MeshObject['id']): boolean {
  return id.namespace === other.namespace && id.name === other.name
}

/** `<gateway>-<class>`, as other controllers name what they deploy. */
function workloadFor(gateway: MeshObject<GatewayAPIGatewaySpec>): MeshObject<WorkloadSpec> {
  const { gatewayClassName, addresses, infrastructure } = gateway.spec
  const name = `${gateway.id.name}-${gatewayClassName}`
  const id = { ...gateway.id, group: 'weft.dev', kind: 'Workload', name }
  const labels = {
    ...infrastructure?.labels,
    [gatewayNameLabel]: gateway.id.name,
    [gatewayClassLabel]: gatewayClassName,
  }
  // Only loopback addresses can be had without anybody's help.
  const address = addresses?.find(
    ({ type, value }) => type === 'IPAddress' && value?.startsWith('127.') === true,
  )?.value
  const spec: WorkloadSpec = {
    ports: [],
    serviceAccount: name,
    env: {},
    replicas: 1,
    proxy: 'gateway',
    ...(address === undefined ? {} : { address }),
  }
  return {
    id,
    apiVersion: 'weft.dev/v1alpha1',
    labels,
    annotations: {},
    spec,
    hash: contentHash({ id, labels, annotations: {}, spec }),
    positionOf: () => gateway.positionOf(''),
  }
}
