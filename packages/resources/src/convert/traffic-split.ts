// SMI's TrafficSplit as an HTTPRoute (or TCPRoute) whose parent is the Service that clients call.
import { isHttpPort } from '../core/service/protocol.ts'
import type { ServicePort } from '../core/service/types.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { SmiHttpMatch, TrafficSplitSpec } from '../smi/types.ts'
import type { MeshLookup } from './mesh-lookup.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import { unbound } from './smi-expressions.ts'

type Split = MeshObject<TrafficSplitSpec>

/** One route per port of the Service. */
export function convertSplit(split: Split, mesh: MeshLookup, notes: ConversionNotes): ConvertedObject[] {
  const { namespace, name } = split.id
  const service = serviceName(split.spec.service, namespace)
  const root = mesh.find('Service', namespace, service)
  if (root === undefined) {
    notes.lost(['spec', 'service'], `there is no Service ${service}, so its ports are not known`, 'Add the Service.')
    return []
  }
  const several = root.spec.ports.length > 1
  return root.spec.ports.map((port) => {
    const http = isHttpPort(port)
    const spec = http ? httpSpec(split, service, port, mesh, notes) : tcpSpec(split, service, port, notes)
    return {
      kind: http ? 'HTTPRoute' : 'TCPRoute',
      namespace,
      name: several ? nameOf(name, port.port) : name,
      spec,
      from: split.id,
      origins: [
        ['spec.rules[0]', split.spec.matches.length > 0 ? 'spec.matches' : 'spec.backends'],
        ['spec.rules[1]', 'spec.service'],
        ...split.spec.backends.map(
          (_, index) => [`spec.rules[0].backendRefs[${index}]`, `spec.backends[${index}]`] as const,
        ),
      ],
    }
  })
}

/** `service` may be written as a full name. */
function serviceName(written: string, namespace: string): string {
  const suffix = [`.${namespace}.svc.cluster.local`, `.${namespace}.svc`, `.${namespace}`].find((each) =>
    written.endsWith(each),
  )
  return suffix === undefined ? written : written.slice(0, -suffix.length)
}

function parent(service: string, port: ServicePort): object {
  return { group: '', kind: 'Service', name: service, port: port.port }
}

function backends(split: Split, port: ServicePort): object[] {
  return split.spec.backends.map(({ service, weight }) => ({
    name: serviceName(service, split.id.namespace),
    port: port.port,
    weight,
  }))
}

function tcpSpec(split: Split, service: string, port: ServicePort, notes: ConversionNotes): object {
  if (split.spec.matches.length > 0) {
    const message = `port ${port.port} carries no HTTP, so that its connections are all split`
    notes.lost(['spec', 'matches'], message, 'Declare the protocol of the port, or remove `matches`.')
  }
  return { parentRefs: [parent(service, port)], rules: [{ backendRefs: backends(split, port) }] }
}

function httpSpec(split: Split, service: string, port: ServicePort, mesh: MeshLookup, notes: ConversionNotes): object {
  const shares = backends(split, port)
  if (split.spec.matches.length === 0) return { parentRefs: [parent(service, port)], rules: [{ backendRefs: shares }] }
  const matches = split.spec.matches.flatMap(({ name }, index) => {
    const group = mesh.find('HTTPRouteGroup', split.id.namespace, name)
    if (group === undefined) {
      const mend = 'Add the group, or remove it from `matches`.'
      notes.lost(['spec', 'matches', index, 'name'], `there is no HTTPRouteGroup ${name}`, mend)
    }
    return (group?.spec.matches ?? []).flatMap(httpMatches)
  })
  const whole = { backendRefs: [{ name: service, port: port.port }] }
  const rules = matches.length === 0 ? [whole] : [{ matches, backendRefs: shares }, whole]
  return { parentRefs: [parent(service, port)], rules }
}

/** A match per method, since the Gateway API has one method per match. */
function httpMatches(match: SmiHttpMatch): object[] {
  const { pathRegex, methods = ['*'], headers } = match
  const conditions = {
    ...(pathRegex === undefined ? {} : { path: { type: 'RegularExpression', value: pathExpression(pathRegex) } }),
    ...(Object.keys(headers).length === 0
      ? {}
      : {
          headers: Object.entries(headers).map(([name, value]) => ({ name, type: 'RegularExpression', value })),
        }),
  }
  if (methods.includes('*')) return [conditions]
  return methods.map((method) => ({ ...conditions, method }))
}

/** SMI binds an expression to the start of the path only; the Gateway API to both ends. */
function pathExpression(expression: string): string {
  const body = unbound(expression)
  return body.endsWith('$') && !body.endsWith('\\$') ? body.slice(0, -1) : `(?:${body}).*`
}
