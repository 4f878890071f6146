// Names of Services and how configuration refers to them.
import type { ServicePort, ServiceSpec } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

/** A Service with its content. */
export type Service = SnapshotObject<ServiceSpec>

/** `<service>.<namespace>.svc.cluster.local` */
export function serviceHost(service: Service): string {
  return `${service.id.name}.${service.id.namespace}.svc.cluster.local`
}

/**
 * The full name of a host as written in an object of `namespace`: a name without dots is a Service of that namespace, as in
 * Istio; `name.namespace` and `name.namespace.svc` are completed when `isService` knows the result; others stand as they are.
 */
export function resolveHost(host: string, namespace: string, isService: (host: string) => boolean): string {
  if (!host.includes('.') && host !== '*') return `${host}.${namespace}.svc.cluster.local`
  for (const suffix of ['.svc.cluster.local', '.cluster.local']) {
    if (isService(`${host}${suffix}`)) return `${host}${suffix}`
  }
  return host
}

/** Cluster name as Istio writes it: `outbound|80|v1|catalog.bookstore.svc.cluster.local`. */
export function outboundCluster(host: string, port: number, subset = ''): string {
  return `outbound|${port}|${subset}|${host}`
}

/** Cluster name of the application's own port: `inbound|8080||`. */
export function inboundCluster(port: number): string {
  return `inbound|${port}||`
}

const tcpProtocols = new Set(['tcp', 'tls', 'https', 'mysql', 'redis', 'mongo'])

/** How a port is treated: its `appProtocol`, else its name up to the first dash, as Istio selects; undeclared is HTTP. */
export function protocolOf(port: Pick<ServicePort, 'name' | 'appProtocol'>): 'http' | 'tcp' {
  const declared = (port.appProtocol ?? port.name.split('-')[0] ?? '').toLowerCase()
  return tcpProtocols.has(declared) ? 'tcp' : 'http'
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

/** Whether all labels of a selector are on a workload. */
export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

/** Whether a Service stands for a workload; an empty selector selects nothing. */
export function serviceSelects(
  service: Service,
  workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  const { selector } = service.spec
  return (
    service.id.namespace === workload.namespace &&
    Object.keys(selector).length > 0 &&
    selects(selector, workload.labels)
  )
}

/** The workload port behind a Service port; undefined when it is a name that the workload does not have. */
export function targetPortOf(
  port: ServicePort,
  workload: { readonly ports: readonly { readonly name: string; readonly port: number }[] },
): number | undefined {
  if (typeof port.targetPort === 'number') return port.targetPort
  return workload.ports.find((candidate) => candidate.name === port.targetPort)?.port
}
