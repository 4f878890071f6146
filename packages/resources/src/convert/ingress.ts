// Ingresses as Gateways and HTTPRoutes: one Gateway per namespace and class, one HTTPRoute per Ingress and host.
import type { IngressBackend, IngressPath, IngressSpec } from '../ingress/types.ts'
import { ofKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { MeshLookup } from './mesh-lookup.ts'
import { type Conversion, type ConvertedObject, ConversionNotes, nameOf, type NotExpressed } from './conversion.ts'

type IngressObject = MeshObject<IngressSpec>

/** Converts the Ingresses of a mesh, or those that `serves` picks; the Services say which port a name means. */
export function convertIngress(mesh: MeshLookup, serves: (ingress: IngressObject) => boolean = () => true): Conversion {
  const notExpressed: NotExpressed[] = []
  const byGateway = new Map<string, IngressObject[]>()
  for (const ingress of ofKind(mesh.objects, 'Ingress')) {
    if (!serves(ingress)) continue
    const key = `${ingress.id.namespace}/${gatewayOf(ingress)}`
    byGateway.set(key, [...(byGateway.get(key) ?? []), ingress])
  }
  const converted = [...byGateway.values()].flatMap((ingresses) => [
    gateway(ingresses, notExpressed),
    ...ingresses.flatMap((each) => routes(each, mesh, new ConversionNotes(each, notExpressed))),
  ])
  return { objects: converted, notExpressed }
}

/** Name of the Gateway that stands for the class. */
function gatewayOf({ spec }: IngressObject): string {
  return spec.ingressClassName ?? 'ingress'
}

function hostsOf({ spec }: IngressObject): (string | undefined)[] {
  const hosts = (spec.rules ?? []).map(({ host }) => host)
  if (spec.defaultBackend !== undefined) hosts.push(undefined)
  return [...new Set(hosts)]
}

function listener(scheme: 'http' | 'https', host: string | undefined, secret?: string): object {
  return {
    name: nameOf(scheme, host ?? 'all'),
    ...(host === undefined ? {} : { hostname: host }),
    port: scheme === 'http' ? 80 : 443,
    protocol: scheme.toUpperCase(),
    ...(secret === undefined ? {} : { tls: { mode: 'Terminate', certificateRefs: [{ name: secret }] } }),
  }
}

function gateway(ingresses: readonly IngressObject[], notExpressed: NotExpressed[]): ConvertedObject {
  const listeners = new Map<string, object>()
  const origins: [string, string][] = []
  for (const ingress of ingresses) {
    for (const host of hostsOf(ingress)) {
      const key = `http ${host}`
      if (!listeners.has(key)) listeners.set(key, listener('http', host))
    }
    for (const [index, { hosts, secretName }] of (ingress.spec.tls ?? []).entries()) {
      if (secretName === undefined) {
        const mend = 'Write the name of a Secret with certificate and key.'
        const message = 'has no `secretName`: the Gateway API has no certificate by default'
        new ConversionNotes(ingress, notExpressed).lost(['spec', 'tls', index], message, mend)
        continue
      }
      for (const host of hosts ?? [undefined]) {
        if (listeners.has(`https ${host}`)) continue
        if (ingress === ingresses[0]) origins.push([`spec.listeners[${listeners.size}]`, `spec.tls[${index}]`])
        listeners.set(`https ${host}`, listener('https', host, secretName))
      }
    }
  }
  const [first] = ingresses as readonly [IngressObject]
  const spec = { gatewayClassName: 'weft', listeners: [...listeners.values()] }
  return {
    kind: 'GatewayAPIGateway',
    namespace: first.id.namespace,
    name: gatewayOf(first),
    spec,
    from: first.id,
    origins,
  }
}

function routes(ingress: IngressObject, mesh: MeshLookup, notes: ConversionNotes): ConvertedObject[] {
  const { namespace, name } = ingress.id
  const fallback = ingress.spec.defaultBackend
  return hostsOf(ingress).flatMap((host) => {
    const origins: [string, string][] = []
    const rules: object[] = []
    let whole = false
    for (const [at, rule] of (ingress.spec.rules ?? []).entries()) {
      if (rule.host !== host) continue
      for (const [index, path] of (rule.http?.paths ?? []).entries()) {
        const steps = ['spec', 'rules', at, 'http', 'paths', index, 'backend']
        origins.push([`spec.rules[${rules.length}]`, `spec.rules[${at}].http.paths[${index}]`])
        const match = matchOf(path)
        whole ||= match.type === 'PathPrefix' && match.value === '/'
        rules.push({
          matches: [{ path: match }],
          backendRefs: backendOf(path.backend, ingress, mesh, notes, steps),
        })
      }
    }
    if (fallback !== undefined && !whole) {
      origins.push([`spec.rules[${rules.length}]`, 'spec.defaultBackend'])
      rules.push({ backendRefs: backendOf(fallback, ingress, mesh, notes, ['spec', 'defaultBackend']) })
    }
    const spec = {
      parentRefs: parentsOf(ingress, host),
      ...(host === undefined ? {} : { hostnames: [host] }),
      rules,
    }
    // A host without paths is answered with 404 by both.
    if (rules.length === 0) return []
    return { kind: 'HTTPRoute', namespace, name: nameOf(name, host ?? 'all'), spec, from: ingress.id, origins }
  })
}

/** A route without a host belongs to the listeners without one: the others have their own default. */
function parentsOf(ingress: IngressObject, host: string | undefined): object[] {
  const name = gatewayOf(ingress)
  if (host !== undefined) return [{ name }]
  const secure = (ingress.spec.tls ?? []).some(
    ({ hosts, secretName }) => hosts === undefined && secretName !== undefined,
  )
  return ['http', ...(secure ? ['https'] : [])].map((scheme) => ({ name, sectionName: nameOf(scheme, 'all') }))
}

function matchOf({ path = '/', pathType }: IngressPath): { readonly type: string; readonly value: string } {
  return { type: pathType === 'Exact' ? 'Exact' : 'PathPrefix', value: path === '' ? '/' : path }
}

function backendOf(
  { service }: IngressBackend,
  ingress: IngressObject,
  mesh: MeshLookup,
  notes: ConversionNotes,
  at: readonly (string | number)[],
): object[] {
  if (service === undefined) return []
  const port = service.port?.number ?? namedPort(service.name, service.port?.name, ingress, mesh)
  if (port === undefined) {
    const message = `Service ${service.name} has no port ${service.port?.name}, or is not there`
    notes.lost([...at, 'service', 'port'], message, 'Write the number of the port.')
    return []
  }
  return [{ name: service.name, port }]
}

function namedPort(
  service: string,
  port: string | undefined,
  { id }: IngressObject,
  mesh: MeshLookup,
): number | undefined {
  return mesh.find('Service', id.namespace, service)?.spec.ports.find(({ name }) => name === port)?.port
}
