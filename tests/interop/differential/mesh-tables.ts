// A generated mesh as the resources of its three proxies, at addresses that stay the same from mesh to mesh.
import { formatProblem, loadFiles, meshWorkloads, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import type { ResourceTable } from '@weft/xds'
import { buildOffline, type OfflineMesh } from '../../../packages/control/src/build-offline.ts'
import { type MeshOptions, outsideAddresses } from './generate-mesh.ts'
import { edgeGateway } from './generate-gateway-api.ts'
import { Dice } from '../matchers/random.ts'
import { type BareTable, bareTable } from './bare-tables.ts'
import { type MeshSide, perSide, type Side } from './generate-request.ts'

/** Port of the explicit HTTP proxy. */
const outboundPort = 15001

/** Where a proxy of the mesh listens. */
export interface ListenAt {
  readonly host: string
  readonly port: number
}

/** What is handed to every proxy. */
export interface MeshTables {
  readonly mesh: OfflineMesh
  readonly tables: Readonly<Record<Side, ResourceTable>>
  readonly listenAt: Readonly<Record<Side, ListenAt>>
  /** Addresses at which applications have to answer. */
  readonly applications: readonly string[]
  readonly bare: BareTable
}

/** Proxy ids by side. */
export const proxyIds: Readonly<Record<MeshSide, string>> = {
  outbound: 'client-0.default',
  gateway: 'gateway-0.default',
  edge: `${edgeGateway}-weft-0.default`,
  inbound: 'target-0.default',
}

/** Hands out one address per instance name. */
export class AddressBook {
  readonly #hosts = new Map<string, number>()
  readonly octet: number

  /** `octet`: the third octet of all addresses. */
  constructor(octet: number) {
    this.octet = octet
  }

  /**
   * `target` moves with every mesh: a caller's connection stays with the filter chain it was accepted by, so one kept open
   * would go on meeting the policies of the mesh before.
   */
  place(instance: WorkloadInstance, version: number): WorkloadInstance {
    const host =
      instance.workload === 'target' ? 100 + (version % 150) : (this.#hosts.get(instance.name) ?? this.#hosts.size + 1)
    if (instance.workload !== 'target') this.#hosts.set(instance.name, host)
    const address = `127.66.${this.octet}.${host}`
    return {
      ...instance,
      address,
      appAddress: instance.proxy === 'none' ? address : `127.67.${this.octet}.${host}`,
      ready: true,
    }
  }
}

/** Translates; throws when the generator wrote something that is refused. */
export function meshTables(
  { yaml, dice }: { readonly yaml: string; readonly dice: number },
  addresses: AddressBook,
  { port, version }: Omit<MeshOptions, 'octet'>,
): MeshTables {
  const files = [{ name: 'mesh.yaml', text: yaml }]
  const { objects } = loadFiles(files)
  const instances = planInstances(meshWorkloads(objects), ofKind(objects, 'Service')).map((one) =>
    addresses.place(one, version),
  )
  const mesh = buildOffline(files, { flavor: 'envoy', instances })
  const errors = mesh.problems.filter(({ severity }) => severity === 'error').map(formatProblem)
  if (errors.length > 0) throw new Error(`the generated mesh is refused:\n${errors.join('\n')}`)
  const bareAt = { host: `127.68.${addresses.octet}.${1 + (version % 250)}`, port }
  const bare = bareTable(new Dice(dice), bareAt, addresses.octet)
  const tableOf = (side: Side): ResourceTable => {
    if (side === 'bare') return bare.table
    const table = mesh.resourcesFor(proxyIds[side])
    if (table === undefined) throw new Error(`no proxy ${proxyIds[side]}`)
    return table
  }
  const hostOf = (side: MeshSide): string =>
    instances.find((one) => `${one.name}.${one.namespace}` === proxyIds[side])?.address ?? ''
  return {
    mesh,
    tables: perSide(tableOf),
    listenAt: perSide((side) =>
      side === 'bare' ? bareAt : { host: hostOf(side), port: side === 'outbound' ? outboundPort : port },
    ),
    bare,
    applications: [
      ...bare.applications,
      ...outsideAddresses(addresses.octet),
      ...instances.filter(({ ports }) => ports.length > 0).map(({ appAddress }) => appAddress),
    ],
  }
}
