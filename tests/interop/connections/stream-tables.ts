// A generated mesh as the resources of its five proxies, at addresses of its own: who accepts there serves this mesh and no earlier one.
import { formatProblem, loadFiles, meshWorkloads, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import type { ProxyView } from '@weft/engine'
import type { ResourceTable } from '@weft/xds'
import { buildOffline, type OfflineMesh } from '../../../packages/control/src/build-offline.ts'
import { proxyView } from '../differential/engine-proxy.ts'
import { forEach } from '../differential/for-each.ts'
import type { ListenAt } from '../differential/mesh-tables.ts'
import { proxyIdentity } from '../differential/wire-arm.ts'
import { outsideAddresses } from './stream-vocabulary.ts'
import { type StreamSide, streamSides } from './test-connection.ts'
import { withToldChains } from './told-chains.ts'

/** What is handed to every proxy, and what the engine sees of it. */
export interface StreamTables {
  readonly mesh: OfflineMesh
  readonly tables: Readonly<Record<StreamSide, ResourceTable>>
  /** Of redirected traffic as the control plane made it: nobody dials its listeners. */
  readonly views: Readonly<Record<StreamSide, ProxyView>>
  /** Where each proxy is to listen. */
  readonly bound: Readonly<Record<StreamSide, readonly ListenAt[]>>
  /** Mesh address of each proxy. */
  readonly addresses: Readonly<Record<StreamSide, string>>
  /** Where the sidecar listens for each Service. */
  readonly services: readonly string[]
  /** Addresses at which applications have to answer. */
  readonly applications: readonly string[]
  /** Where the application is that a proxy at this address stands before. */
  applicationOf(meshAddress: string): string
}

const proxyIds: Readonly<Record<StreamSide, string>> = {
  outbound: 'client-0.default',
  gateway: 'gateway-0.default',
  edge: 'edge-weft-0.default',
  inbound: 'target-0.default',
  redirected: 'client-0.default',
}

/** So many meshes have addresses at the same time. */
const windows = 8
const addressesEach = 30

/** Translates; throws when the generator wrote something that is refused. */
export function streamTables(
  yaml: string,
  { octet, version }: { readonly octet: number; readonly version: number },
): StreamTables {
  const files = [{ name: 'mesh.yaml', text: yaml }]
  const { objects } = loadFiles(files)
  const first = 1 + (version % windows) * addressesEach
  const planned = planInstances(meshWorkloads(objects), ofKind(objects, 'Service'))
  const instances = planned.map((instance, index) => placed(instance, octet, first + index))
  const mesh = buildOffline(files, { flavor: 'envoy', instances })
  const redirecting = buildOffline(files, { flavor: 'envoy', interception: 'redirect', instances })
  const errors = mesh.problems.filter(({ severity }) => severity === 'error').map(formatProblem)
  if (errors.length > 0) throw new Error(`the generated mesh is refused:\n${errors.join('\n')}`)
  const own = forEach(streamSides, (side) => {
    const table = (side === 'redirected' ? redirecting : mesh).resourcesFor(proxyIds[side])
    if (table === undefined) throw new Error(`no proxy ${proxyIds[side]}`)
    return table
  })
  const instanceOf = (side: StreamSide): WorkloadInstance | undefined =>
    instances.find(({ name, namespace }) => `${name}.${namespace}` === proxyIds[side])
  // The sidecar has its own address for what is redirected to it.
  const redirectedAt = `127.66.${octet}.${first + addressesEach - 1}`
  const addresses = forEach(streamSides, (side) =>
    side === 'redirected' ? redirectedAt : (instanceOf(side)?.address ?? ''),
  )
  const views = forEach(streamSides, (side) => proxyView(side, addresses[side], proxyIdentity, own[side]))
  return {
    mesh,
    bound: forEach(streamSides, (side) => boundBy(views[side], side === 'redirected' ? redirectedAt : undefined)),
    tables: forEach(streamSides, (side) => withToldChains(own[side], side === 'redirected' ? redirectedAt : undefined)),
    views,
    addresses,
    services: [...new Set(Object.values(instanceOf('outbound')?.outboundTcp ?? {}))],
    applications: [
      ...instances.filter(({ ports }) => ports.length > 0).map(({ appAddress }) => appAddress),
      ...outsideApplications(octet),
    ],
    applicationOf: (address) => instances.find((one) => one.address === address)?.appAddress ?? address,
  }
}

/** `movedTo`: where what nobody dials is bound, and nothing else is. */
function boundBy({ config }: ProxyView, movedTo: string | undefined): readonly ListenAt[] {
  return [...config.listeners.values()].flatMap(({ address, bindToPort }) => {
    if (address.kind !== 'socket' || bindToPort !== (movedTo === undefined)) return []
    return [{ host: movedTo ?? address.host, port: address.port }]
  })
}

function placed(instance: WorkloadInstance, octet: number, last: number): WorkloadInstance {
  const address = `127.66.${octet}.${last}`
  // Only one instance is a client: the Services are numbered from its own address.
  const called = instance.workload === 'client' ? Object.keys(instance.outboundTcp) : []
  const services = [...new Set(called.map(serviceOf))]
  const outboundTcp = Object.fromEntries(
    called.map((name) => [name, `127.68.${octet}.${last + services.indexOf(serviceOf(name))}`]),
  )
  // Applications stay, proxies come to other addresses: none may get one that an application of an earlier mesh has.
  const appAddress = `127.67.${octet}.${last}`
  return {
    ...instance,
    address: instance.proxy === 'none' ? appAddress : address,
    appAddress,
    outboundTcp,
    ready: true,
  }
}

/** `name.namespace:port` without its port. */
function serviceOf(name: string): string {
  return name.slice(0, name.lastIndexOf(':'))
}

function outsideApplications(octet: number): readonly string[] {
  const { inWide, narrow, inDirect, wildcard, unknown, endpoints, services } = outsideAddresses(octet)
  return [inWide, narrow, inDirect, wildcard, unknown, ...endpoints, ...services]
}
