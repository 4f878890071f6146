// Rules that send to a wildcard whose names are looked up (`resolution: DYNAMIC_DNS`): they are for requests that name a host under it, at its port.
import { hostCovers, resolveHost } from '../../networking/host-names.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { gatewaysOf, topic } from '../topics.ts'
import { dig, type Fields, fieldsOf, itemsOf, textOf, textsOf, type WrittenObject } from '../written-object.ts'

function* checkRules(rules: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const [i, rule] of itemsOf(rules.spec['http']).entries()) {
    for (const [j, { destination }] of itemsOf(rule['route']).entries()) {
      const target = targetOf(fieldsOf(destination), rules, mesh)
      if (target === undefined || target.ports.includes(80)) continue
      const [port = 0] = target.ports
      if (rewritesTo(rule, target) || takesPort(rules, target, mesh)) continue
      const field = `spec.http[${i}].route[${j}].destination`
      const message = `requests are sent to ${target.host} at port ${port} only when they name that port, and those that come here name none: they are answered with 404`
      const mend = `Write the wildcard in \`hosts\` and have callers name the port, or rewrite the authority to a name with :${port}.`
      yield { code: 'WEFT0105', field, message, mend }
    }
  }
}

interface Target {
  /** The wildcard. */
  readonly host: string
  /** At which its names are called; the first as it is declared. */
  readonly ports: readonly number[]
}

/** What a destination means, if that is a wildcard whose names are looked up. */
function targetOf(destination: Fields, { id }: WrittenObject, mesh: MeshView): Target | undefined {
  const host = resolveHost(textOf(destination['host']), id.namespace)
  if (!host.startsWith('*.')) return undefined
  for (const { spec } of mesh.at(topic.host(host))) {
    if (spec['resolution'] !== 'DYNAMIC_DNS') continue
    const declared = itemsOf(spec['ports'])
    const asked = dig(destination, 'port', 'number')
    const port = asked === undefined ? declared[0] : declared.find(({ number }) => number === asked)
    const { number, targetPort } = port ?? {}
    if (typeof number !== 'number') continue
    return { host, ports: typeof targetPort === 'number' ? [number, targetPort] : [number] }
  }
  return undefined
}

/** Whether the rule itself names a host and the port. */
function rewritesTo(rule: Fields, { host, ports }: Target): boolean {
  const authority = textOf(dig(rule, 'rewrite', 'authority'))
  return ports.some((port) => authority.endsWith(`:${port}`) && hostCovers(host, authority.split(':')[0] ?? ''))
}

/** Whether requests that name the port come to the rules: inside the mesh to those for the wildcard itself, at a gateway to those on such a port. */
function takesPort(rules: WrittenObject, { host, ports }: Target, mesh: MeshView): boolean {
  return gatewaysOf(rules).some((name) => {
    if (name === 'mesh') return textsOf(rules.spec['hosts']).some((one) => one.toLowerCase() === host)
    const gateway = mesh.one('Gateway.networking.istio.io', name)
    // What is not there is told elsewhere.
    if (gateway === undefined) return true
    return itemsOf(gateway.spec['servers']).some((server) =>
      ports.some((port) => dig(server, 'port', 'number') === port),
    )
  })
}

/** The check. */
export const dynamicHosts: readonly Check[] = [
  { name: 'dynamic-hosts', kinds: ['VirtualService.networking.istio.io'], run: checkRules },
]
