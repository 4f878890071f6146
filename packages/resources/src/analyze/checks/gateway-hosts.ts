// Which hosts a gateway serves, Istio's or that of the Gateway API.
import { hostCovers, resolveHost } from '../../networking/host-names.ts'
import { fullKind, itemsOf, textOf, textsOf, type WrittenObject } from '../written-object.ts'

/** A host as a gateway writes it: `namespace/host`, whose VirtualServices may bind (`*` for all). */
export interface BoundHost {
  readonly namespace: string
  readonly host: string
}

/** Reads `host`, `namespace/host`, `./host` and `*\/host`. */
export function boundHost(text: string, gateway: WrittenObject): BoundHost {
  const slash = text.indexOf('/')
  const namespace = slash < 0 ? '*' : text.slice(0, slash)
  return {
    namespace: namespace === '.' ? gateway.id.namespace : namespace,
    host: text.slice(slash + 1).toLowerCase(),
  }
}

/** All hosts of a gateway. */
export function servedHosts(gateway: WrittenObject): BoundHost[] {
  const { spec, id } = gateway
  if (fullKind(id) === 'Gateway.gateway.networking.k8s.io') {
    return itemsOf(spec['listeners']).map(({ hostname }) => ({ namespace: '*', host: textOf(hostname) || '*' }))
  }
  return itemsOf(spec['servers']).flatMap(({ hosts }) => textsOf(hosts).map((host) => boundHost(host, gateway)))
}

/** Whether a gateway serves a host of a VirtualService in `namespace`. */
export function servesHost(gateway: WrittenObject, host: string, namespace: string): boolean {
  const fqdn = resolveHost(host, namespace)
  const plain = host.toLowerCase()
  return servedHosts(gateway)
    .filter((served) => served.namespace === '*' || served.namespace === namespace)
    .some((served) => hostCovers(served.host, fqdn) || hostCovers(served.host, plain) || hostCovers(fqdn, served.host))
}
