// Connections made of the same words as the rules.
import type { SeededRandom } from '../differential/seeded-random.ts'
import type { StreamTables } from './stream-tables.ts'
import {
  callers,
  clientAddresses,
  edgePorts,
  gatewayPorts,
  outsideAddresses,
  plainServices,
  serverNames,
  type StreamPorts,
  streamServices,
} from './stream-vocabulary.ts'
import type { ClientTls, StreamSide, TestConnection } from './test-connection.ts'

/** Where connections of a side may go. */
export interface Door {
  readonly host: string
  readonly port: number
  /** Share of the connections that speak TLS. */
  readonly tls: number
  /** What else they ask for than the names of rules. */
  readonly names?: readonly string[]
}

/** Every place that connections to a side are made to. */
export function doorsOf(
  { addresses, services }: StreamTables,
  side: StreamSide,
  { ports, octet }: { readonly ports: StreamPorts; readonly octet: number },
): readonly Door[] {
  const host = addresses[side]
  if (side === 'outbound') return both(services, ports, 0.25, 0.7)
  if (side === 'inbound') return both([host], ports, 0.7, 0.7, passedNames(ports))
  if (side === 'gateway')
    return [
      { host, port: gatewayPorts.bytes, tls: 0.1 },
      { host, port: gatewayPorts.bytes, tls: 0.1 },
      { host, port: gatewayPorts.idle, tls: 0 },
      ...Array.from({ length: 4 }, () => ({ host, port: gatewayPorts.tls, tls: 0.92 })),
      { host, port: gatewayPorts.passed, tls: 0.95, names: passedNames(ports) },
    ]
  if (side === 'edge')
    return [
      { host, port: edgePorts.bytes, tls: 0.1 },
      { host, port: edgePorts.tls, tls: 0.92 },
      { host, port: edgePorts.tls, tls: 0.92 },
    ]
  const { inWide, narrow, inDirect, wildcard, unknown, services: called } = outsideAddresses(octet)
  const names = ['named.out.test', 'www.wild.test', ...streamServices.map((one) => `${one}.default.svc.cluster.local`)]
  return both([inWide, narrow, inDirect, wildcard, unknown, ...called], ports, 0.2, 0.8, names)
}

function both(
  hosts: readonly string[],
  { tcp, tls }: StreamPorts,
  ...[onTcp, onTls, names]: [number, number, (readonly string[])?]
): readonly Door[] {
  const more = names === undefined ? {} : { names }
  return hosts.flatMap((host) => [
    { host, port: tcp, tls: onTcp, ...more },
    { host, port: tls, tls: onTls, ...more },
  ])
}

/** What sidecars ask AUTO_PASSTHROUGH for. */
function passedNames({ tcp, tls }: StreamPorts): readonly string[] {
  const of = (port: number, host: string, subset = ''): string =>
    `outbound_.${port}_.${subset}_.${host}.default.svc.cluster.local`
  return [
    of(tcp, 'target'),
    of(tcp, 'target'),
    of(tls, 'target'),
    of(tcp, plainServices[0]),
    of(tls, plainServices[1], 'v1'),
  ]
}

/** One connection to one of the doors. */
export function generateStream(random: SeededRandom, doors: readonly Door[]): TestConnection {
  const { host, port, tls, names } = random.pick(doors)
  const source = random.pick(clientAddresses)
  if (random.chance(tls)) return { host, port, source, tls: clientTls(random, names) }
  return { host, port, source, ...(random.chance(0.12) ? { silent: true } : {}) }
}

function clientTls(random: SeededRandom, names: readonly string[] | undefined): ClientTls {
  const serverName = names !== undefined && random.chance(0.75) ? random.pick(names) : random.pick(serverNames)
  return { serverName, identity: random.chance(0.65) ? random.pick(callers) : undefined }
}
