// VirtualServices that claim the same host inside the mesh before the same eyes: one of them has no effect there.
import { hostCovers, isVisible, resolveHost } from '../../networking/host-names.ts'
import { ruledTraffic } from '../../networking/virtual-service/ruled-traffic.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { gatewaysOf, hostsOf, topic } from '../topics.ts'
import { listOf, nameOf, textsOf, type WrittenObject } from '../written-object.ts'

function* checkMeshHosts(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (!gatewaysOf(object).includes('mesh')) return
  for (const [i, written] of textsOf(object.spec['hosts']).entries()) {
    const host = resolveHost(written, object.id.namespace)
    const wild = host.startsWith('*')
    const rivals = mesh.at(wild ? topic.wildMeshHosts : topic.meshHost(host))
    const rival = rivals.find(
      (other) => other !== object && sameTraffic(object, other) && seenTogether(object, other) && claims(other, host),
    )
    if (rival === undefined) {
      if (wild && host !== '*') yield* shadowed(host, `spec.hosts[${i}]`, object, mesh)
      continue
    }
    const message = `${written} is claimed by VirtualService ${nameOf(rival)} too, before the same workloads`
    const mend = 'Write the routes of one host in one VirtualService, or narrow `exportTo`.'
    yield { code: 'IST0109', field: `spec.hosts[${i}]`, message, mend }
  }
}

/** The exact host wins over the wildcard, whole: rules of the latter do not fill gaps of the former. */
function* shadowed(host: string, field: string, object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const service of mesh.at(topic.hostsBelow(host.slice(2)))) {
    for (const name of hostsOf(service)) {
      const other = mesh
        .at(topic.meshHost(name))
        .find((each) => each !== object && sameTraffic(object, each) && seenTogether(object, each))
      if (other === undefined || !hostCovers(host, name)) continue
      const message = `does not hold for ${name}, which VirtualService ${nameOf(other)} routes: its rules alone count there`
      const mend = 'Write the rules there too if they are meant for it.'
      yield { code: 'WEFT0106', severity: 'info', field, message, mend }
      return
    }
  }
}

/** One may rule the requests for a host and another its connections. */
function sameTraffic(a: WrittenObject, b: WrittenObject): boolean {
  const [mine = [], theirs = []] = [a, b].map(({ spec }) =>
    ruledTraffic({ http: listOf(spec['http']), tls: listOf(spec['tls']), tcp: listOf(spec['tcp']) }),
  )
  return mine.some((traffic) => theirs.includes(traffic))
}

function claims({ spec, id }: WrittenObject, host: string): boolean {
  return textsOf(spec['hosts'])
    .map((name) => resolveHost(name, id.namespace))
    .some((name) => name === host || (name.startsWith('*') && host.startsWith('*') && overlap(name, host)))
}

function overlap(a: string, b: string): boolean {
  return hostCovers(a, b.replace('*', 'x')) || hostCovers(b, a.replace('*', 'x'))
}

/** Whether some namespace sees both: one that either names, or any other. */
function seenTogether(a: WrittenObject, b: WrittenObject): boolean {
  const toA = exportsOf(a)
  const toB = exportsOf(b)
  const named = [a.id.namespace, b.id.namespace, ...toA, ...toB]
  return (
    (toA.includes('*') && toB.includes('*')) ||
    named.some((namespace) => isVisible(toA, a.id.namespace, namespace) && isVisible(toB, b.id.namespace, namespace))
  )
}

function exportsOf({ spec }: WrittenObject): string[] {
  const written = textsOf(spec['exportTo'])
  return written.length === 0 ? ['*'] : written
}

/** The check. */
export const virtualServiceHostConflicts: readonly Check[] = [
  { name: 'virtual-service-host-conflicts', kinds: ['VirtualService.networking.istio.io'], run: checkMeshHosts },
]
