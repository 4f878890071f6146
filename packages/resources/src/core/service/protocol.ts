// Istio's protocol selection: `appProtocol` first, then the port's name up to the first dash.
import type { ServicePort } from './types.ts'

/** What a port speaks, as far as the mesh cares. */
export type PortProtocol = 'http' | 'http2' | 'grpc' | 'https' | 'tls' | 'tcp' | 'undeclared'

const byName: Readonly<Record<string, PortProtocol>> = {
  http: 'http',
  http2: 'http2',
  grpc: 'grpc',
  'grpc-web': 'grpc',
  https: 'https',
  tls: 'tls',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
}

const byAppProtocol: Readonly<Record<string, PortProtocol>> = {
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'https',
}

/** The declared protocol of a port; `undeclared` when neither `appProtocol` nor the name says. */
export function protocolOf(port: Pick<ServicePort, 'name' | 'appProtocol'>): PortProtocol {
  const declared = port.appProtocol?.toLowerCase()
  if (declared !== undefined) return byAppProtocol[declared] ?? byPrefix(declared)
  return byPrefix(port.name.toLowerCase())
}

function byPrefix(name: string): PortProtocol {
  if (name === 'grpc-web' || name.startsWith('grpc-web-')) return 'grpc'
  const prefix = name.split('-', 1)[0] ?? ''
  return Object.hasOwn(byName, prefix) ? (byName[prefix] ?? 'undeclared') : 'undeclared'
}

/** Whether requests on this port are routed as HTTP. An undeclared port is plain TCP: `analyze` says so. */
export function isHttpPort(port: Pick<ServicePort, 'name' | 'appProtocol'>): boolean {
  const protocol = protocolOf(port)
  return protocol === 'http' || protocol === 'http2' || protocol === 'grpc'
}
