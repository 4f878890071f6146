// Names of Services and how configuration refers to them.
import { isHttpPort, protocolOf, type ServicePort } from '@weft/resources'
import { hostName, type MeshHost } from '../snapshot/mesh-hosts.ts'

/** A Service, or a host of a ServiceEntry, with its content. */
export type Service = MeshHost

/** `<service>.<namespace>.svc.cluster.local`, or the host of a ServiceEntry. */
export function serviceHost(service: Service): string {
  return hostName(service)
}

/** Cluster name as Istio writes it: `outbound|80|v1|catalog.bookstore.svc.cluster.local`. */
export function outboundCluster(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`
}

/** The same as a server name, which is what sidecars ask for inside mutual TLS: `outbound_.80_.v1_.catalog.bookstore.svc.cluster.local`. */
export function sniCluster(host: string, port: number, subset = ''): string {
  return `outbound_.${port}_.${subset}_.${host}`
}

/** Cluster name of the application's own port: `inbound|8080||`. */
export function inboundCluster(port: number): string {
  return `inbound|${port}||`
}

/** What says how a port is treated. */
type DeclaredPort = Pick<ServicePort, 'name' | 'appProtocol'>

/** How a port is treated; one whose protocol is not declared is plain TCP. */
export function portKind(port: DeclaredPort): 'http' | 'tcp' {
  return isHttpPort(port) ? 'http' : 'tcp'
}

/** Whether the application behind a port speaks HTTP/2 only, so that requests to it may not be taken down to HTTP/1.1. */
export function speaksHttp2(port: DeclaredPort): boolean {
  const protocol = protocolOf(port)
  return protocol === 'http2' || protocol === 'grpc'
}

/**
 * The names under which a Service port can be reached from `namespace`; each also without the port when it is 80, since an
 * `http://` URL leaves that out.
 */
export function domainsOf(host: string, port: number, namespace: string): string[] {
  const match = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host)
  const names = [host]
  if (match !== null) {
    const [, name, ns] = match
    names.push(`${name}.${ns}.svc`, `${name}.${ns}`)
    if (ns === namespace) names.push(`${name}`)
  }
  return names.flatMap((name) => (port === 80 ? [name, `${name}:${port}`] : [`${name}:${port}`]))
}
