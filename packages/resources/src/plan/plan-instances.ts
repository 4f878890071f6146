// Which instances a set of Workloads means, and the loopback address of each. Pure and deterministic.
import { protocolOf } from '../core/service/protocol.ts'
import type { DatagramPort, ServiceSpec } from '../core/service/types.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { WorkloadSpec } from '../weft/workload/types.ts'
import { hasProxy } from '../weft/workload/has-proxy.ts'
import type { WorkloadInstance } from './workload-instance.ts'

const meshOctet = 66
const appOctet = 67
/** Where the application of an instance is started that takes over from one that still runs. */
const otherAppOctet = 65
const firstServiceOctet = 68

/** Instances per machine: 256 thirds of an address with 254 hosts each. */
export const instanceCapacity = 256 * 254

/** Options of the allocation. `firstIndex` moves all addresses, so that meshes can share a machine (multiples of 254). */
export interface PlanOptions {
  readonly firstIndex?: number
  /** Told of each Workload that has instances without an address, and how many: they are left out. */
  readonly onUnplaced?: (workload: MeshObject<WorkloadSpec>, count: number) => void
}

/**
 * The instances of all replicas of all Workloads, sorted by namespace and name. Instances of `previous` keep their
 * addresses and state (a restart of the planner moves nothing); new ones take the lowest free address and are not ready.
 * Those for which there is no address left are left out.
 */
export function planInstances(
  workloads: readonly MeshObject<WorkloadSpec>[],
  services: readonly MeshObject<ServiceSpec>[],
  previous: readonly WorkloadInstance[] = [],
  options: PlanOptions = {},
): WorkloadInstance[] {
  const known = new Map(previous.map((instance) => [`${instance.namespace}/${instance.name}`, instance]))
  const slots = new Slots(options.firstIndex ?? 0)
  for (const instance of previous) slots.take(instance.appAddress)
  const octets = serviceOctets(services, previous)
  const planned: WorkloadInstance[] = []
  for (const workload of [...workloads].sort(byNamespaceAndName)) {
    let unplaced = 0
    for (let replica = 0; replica < workload.spec.replicas; replica++) {
      const name = `${workload.id.name}-${replica}`
      const old = known.get(`${workload.id.namespace}/${name}`)
      const suffix = suffixOf(old) ?? slots.next()
      if (suffix === undefined) unplaced++
      else planned.push(instanceOf(workload, name, { old, suffix, octets }))
    }
    if (unplaced > 0) options.onUnplaced?.(workload, unplaced)
  }
  return planned
}

interface Slot {
  readonly old: WorkloadInstance | undefined
  readonly suffix: string
  readonly octets: ReadonlyMap<string, CalledService>
}

/** A Service that applications call by an address of its own. */
interface CalledService {
  readonly octet: number
  readonly tcp: readonly number[]
  readonly udp: readonly number[]
}

function instanceOf(workload: MeshObject<WorkloadSpec>, name: string, slot: Slot): WorkloadInstance {
  const { spec, id, labels } = workload
  const address = `127.${meshOctet}.${slot.suffix}`
  const outboundTcp: Record<string, string> = {}
  const outboundUdp: Record<string, string> = {}
  if (spec.proxy === 'sidecar') {
    for (const [service, { octet, tcp, udp }] of slot.octets) {
      for (const port of tcp) outboundTcp[`${service}:${port}`] = `127.${octet}.${slot.suffix}`
      for (const port of udp) outboundUdp[`${service}:${port}`] = `127.${octet}.${slot.suffix}`
    }
  }
  return {
    name,
    workload: id.name,
    namespace: id.namespace,
    labels,
    serviceAccount: spec.serviceAccount,
    proxy: spec.proxy,
    address,
    ...(spec.address === undefined ? {} : { listenAddress: spec.address }),
    appAddress: !hasProxy(spec) ? address : `127.${appOctetOf(slot.old)}.${slot.suffix}`,
    ports: spec.ports,
    outboundTcp,
    ...(Object.keys(outboundUdp).length === 0 ? {} : { outboundUdp }),
    ready: slot.old?.ready ?? false,
    draining: slot.old?.draining ?? false,
  }
}

/** An instance has two application addresses; the one it uses now is kept. */
function appOctetOf(old: WorkloadInstance | undefined): number {
  return old?.appAddress.startsWith(`127.${otherAppOctet}.`) === true ? otherAppOctet : appOctet
}

/** The other application address of an instance that has a proxy: for an application beside the one that runs. */
export function otherAppAddress({ appAddress }: Pick<WorkloadInstance, 'appAddress'>): string {
  const [, now, ...rest] = appAddress.split('.')
  return ['127', now === String(otherAppOctet) ? appOctet : otherAppOctet, ...rest].join('.')
}

/** The last two octets an instance was given, wherever they can still be read. */
function suffixOf(instance: WorkloadInstance | undefined): string | undefined {
  for (const address of [instance?.appAddress, instance?.address]) {
    const suffix = /^127\.(?:65|66|67)\.(\d+\.\d+)$/.exec(address ?? '')?.[1]
    if (suffix !== undefined) return suffix
  }
  return undefined
}

/** Hands out `a.b` suffixes, lowest first. */
class Slots {
  readonly #taken = new Set<string>()
  #index: number
  #tried = 0

  constructor(firstIndex: number) {
    this.#index = firstIndex
  }

  take(address: string): void {
    this.#taken.add(address.split('.').slice(2).join('.'))
  }

  /** Undefined when all are taken. */
  next(): string | undefined {
    while (this.#tried < instanceCapacity) {
      this.#tried++
      const index = this.#index++ % instanceCapacity
      const suffix = `${Math.floor(index / 254)}.${(index % 254) + 1}`
      if (this.#taken.has(suffix)) continue
      this.#taken.add(suffix)
      return suffix
    }
    return undefined
  }
}

/** The second octet of each Service's outbound addresses: kept if it was given before, else the lowest free one; those with TCP ports first. Where all are given, Services have none. */
function serviceOctets(
  services: readonly MeshObject<ServiceSpec>[],
  previous: readonly WorkloadInstance[],
): ReadonlyMap<string, CalledService> {
  const kept = new Map<string, number>()
  for (const { outboundTcp, outboundUdp } of previous) {
    for (const [key, address] of Object.entries({ ...outboundUdp, ...outboundTcp })) {
      kept.set(key.slice(0, key.lastIndexOf(':')), Number(address.split('.')[1]))
    }
  }
  const taken = new Set(kept.values())
  const called = [...services].sort(byNamespaceAndName).map(({ id, spec }) => ({
    name: `${id.name}.${id.namespace}`,
    tcp: spec.ports.filter(isTcpPort).map(({ port }) => port),
    udp: spec.datagramPorts.filter(isUdpPort).map(({ port }) => port),
  }))
  const octets = new Map<string, CalledService>()
  const datagramsAlone = called.filter(({ tcp, udp }) => tcp.length === 0 && udp.length > 0)
  for (const { name, ...ports } of [...called.filter(({ tcp }) => tcp.length > 0), ...datagramsAlone]) {
    let octet = kept.get(name)
    for (let free = firstServiceOctet; octet === undefined && free <= 254; free++) if (!taken.has(free)) octet = free
    // More Services than a loopback network has octets for: those are reached through the HTTP proxy alone.
    if (octet === undefined) continue
    taken.add(octet)
    octets.set(name, { octet, ...ports })
  }
  return octets
}

/** Whether a Service port is carried as a TCP stream: everything that is not routed as HTTP. */
export function isTcpPort(port: Parameters<typeof protocolOf>[0]): boolean {
  const protocol = protocolOf(port)
  return protocol === 'tcp' || protocol === 'tls' || protocol === 'https' || protocol === 'undeclared'
}

/** Whether a port for datagrams is one that UDPRoutes are for. */
export function isUdpPort({ protocol }: Pick<DatagramPort, 'protocol'>): boolean {
  return protocol === 'UDP'
}

function byNamespaceAndName(a: MeshObject, b: MeshObject): number {
  const keyA = `${a.id.namespace}/${a.id.name}`
  const keyB = `${b.id.namespace}/${b.id.name}`
  return keyA < keyB ? -1 : keyA > keyB ? 1 : 0
}
