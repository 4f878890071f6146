// Istio's Gateway as the Gateway API's, with an HTTPRoute where a port only redirects to HTTPS.
import type { MeshObject } from '../mesh-object.ts'
import type { GatewaySpec } from '../networking/gateway/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'

/** A server as written, with the fields that every version of the schema knows. */
interface Server {
  readonly name?: string
  readonly port: { readonly number: number; readonly name: string; readonly protocol: string }
  readonly hosts: readonly string[]
  readonly tls?: {
    readonly mode?: string
    readonly httpsRedirect?: boolean
    readonly credentialName?: string
    readonly credentialNames?: readonly string[]
  }
}

const protocols: Readonly<Record<string, string>> = {
  HTTP: 'HTTP',
  HTTP2: 'HTTP',
  GRPC: 'HTTP',
  'GRPC-WEB': 'HTTP',
  HTTPS: 'HTTPS',
  TLS: 'TLS',
  TCP: 'TCP',
  MONGO: 'TCP',
}

/** Converts one Gateway. */
export function convertGateway(gateway: MeshObject<GatewaySpec>, notes: ConversionNotes): ConvertedObject[] {
  const { namespace, name } = gateway.id
  const listeners: object[] = []
  const origins: [string, string][] = []
  const redirects: object[] = []
  const taken = new Set<string>()
  for (const [index, server] of (gateway.spec.servers as readonly Server[]).entries()) {
    const protocol = protocolOf(server)
    if (protocol === undefined) {
      const message = `the Gateway API has no protocol ${server.port.protocol} with this TLS`
      notes.lost(['spec', 'servers', index], message, 'Serve it otherwise.')
      continue
    }
    for (const [at, host] of server.hosts.entries()) {
      const listener = listenerOf(server, protocol, host, taken)
      origins.push([`spec.listeners[${listeners.length}]`, `spec.servers[${index}].hosts[${at}]`])
      listeners.push(listener)
      if (server.tls?.httpsRedirect === true) redirects.push({ name, sectionName: listener.name })
    }
    tlsNotes(server, index, notes)
  }
  if (listeners.length === 0) return []
  notes.lost(
    ['spec', 'selector'],
    'a Gateway of the Gateway API selects no workloads',
    `Give the gateway workload the label gateway.networking.k8s.io/gateway-name: ${name}.`,
  )
  const spec = { gatewayClassName: 'weft', listeners }
  const converted: ConvertedObject = { kind: 'GatewayAPIGateway', namespace, name, spec, from: gateway.id, origins }
  if (redirects.length === 0) return [converted]
  const redirect = { filters: [{ type: 'RequestRedirect', requestRedirect: { scheme: 'https', statusCode: 301 } }] }
  const route = { parentRefs: redirects, rules: [redirect] }
  return [
    converted,
    { kind: 'HTTPRoute', namespace, name: nameOf(name, 'to-https'), spec: route, from: gateway.id, origins: [] },
  ]
}

function protocolOf({ port, tls }: Server): string | undefined {
  const protocol = protocols[port.protocol.toUpperCase()]
  if (tls === undefined || protocol === 'HTTP') return protocol
  if (tls.mode === 'PASSTHROUGH') return 'TLS'
  if (tls.mode === 'AUTO_PASSTHROUGH' || tls.mode === 'ISTIO_MUTUAL') return undefined
  return protocol === 'TCP' ? 'TLS' : protocol
}

function listenerOf(
  { port, tls }: Server,
  protocol: string,
  written: string,
  taken: Set<string>,
): { readonly name: string } {
  const [scope, host] = written.includes('/') ? (written.split('/', 2) as [string, string]) : ['*', written]
  const secrets = tls?.credentialNames ?? (tls?.credentialName === undefined ? [] : [tls.credentialName])
  const terminate = {
    mode: 'Terminate',
    certificateRefs: secrets.map((secret) => {
      const [namespace, name] = secret.includes('/') ? secret.split('/', 2) : [undefined, secret]
      return { name, ...(namespace === undefined ? {} : { namespace }) }
    }),
  }
  const ends = protocol === 'HTTPS' || protocol === 'TLS'
  return {
    name: freeName(port.name, taken),
    ...(host === '*' || protocol === 'TCP' ? {} : { hostname: host }),
    port: port.number,
    protocol,
    ...(ends ? { tls: tls?.mode === 'PASSTHROUGH' ? { mode: 'Passthrough' } : terminate } : {}),
    allowedRoutes: { namespaces: namespacesOf(scope) },
  } as { readonly name: string }
}

/** The name of the port, with a number where another listener has it already. */
function freeName(port: string, taken: Set<string>): string {
  let name = nameOf(port)
  for (let number = 1; taken.has(name); number++) name = nameOf(port, number)
  taken.add(name)
  return name
}

/** Whose VirtualServices the hosts take: in the Gateway API a matter of namespaces. */
function namespacesOf(scope: string): object {
  if (scope === '*') return { from: 'All' }
  if (scope === '.') return { from: 'Same' }
  return { from: 'Selector', selector: { matchLabels: { 'kubernetes.io/metadata.name': scope } } }
}

const said = ['mode', 'httpsRedirect', 'credentialName', 'credentialNames']

function tlsNotes({ tls }: Server, index: number, notes: ConversionNotes): void {
  if (tls === undefined) return
  const at = ['spec', 'servers', index, 'tls']
  if (tls.mode === 'MUTUAL' || tls.mode === 'OPTIONAL_MUTUAL') {
    const mend = 'Add `tls.frontend` with the authorities of the clients to the Gateway.'
    notes.lost(
      [...at, 'mode'],
      'clients are verified by the Gateway as a whole, and their authorities are not known here',
      mend,
    )
  }
  for (const field of Object.keys(tls).filter((name) => !said.includes(name))) {
    notes.lost([...at, field], 'listeners of the Gateway API have no such setting', 'Put certificates into a Secret.')
  }
}
