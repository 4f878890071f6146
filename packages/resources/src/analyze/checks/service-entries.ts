// What a ServiceEntry needs so that it can be called, and ServiceEntries that disagree.
import type { Check, Fault } from '../check.ts'
import { meshConfigOf } from '../mesh-config.ts'
import type { MeshView } from '../mesh-view.ts'
import { hostsOf, topic } from '../topics.ts'
import { dig, fullKind, itemsOf, listOf, nameOf, textOf, type WrittenObject } from '../written-object.ts'

function* checkAddresses({ spec }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (listOf(spec['addresses']).length > 0) return
  const settings = dig(meshConfigOf(mesh), 'defaultConfig', 'proxyMetadata')
  if (String(dig(settings, 'ISTIO_META_DNS_AUTO_ALLOCATE')) === 'true') return
  for (const [i, { protocol }] of itemsOf(spec['ports']).entries()) {
    if (textOf(protocol) !== '' && textOf(protocol).toUpperCase() !== 'TCP') continue
    const message = 'speaks TCP, and without `addresses` a connection does not say which host it is for'
    const mend = 'Add `addresses`, or a protocol that names the host, such as HTTP or TLS.'
    yield { code: 'IST0134', field: `spec.ports[${i}]`, message, mend }
  }
}

function* checkProtocols(entry: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const [i, { number, protocol }] of itemsOf(entry.spec['ports']).entries()) {
    const mine = textOf(protocol).toUpperCase()
    const rival = hostsOf(entry)
      .flatMap((host) => mesh.at(topic.host(host)))
      .find((other) => other !== entry && isEntry(other) && differs(other, number, mine))
    if (rival === undefined) continue
    const message = `ServiceEntry ${nameOf(rival)} gives port ${String(number)} of the same host another protocol, and one of the two is not obeyed`
    yield { code: 'IST0177', field: `spec.ports[${i}].protocol`, message, mend: 'Use the same protocol in both.' }
  }
}

function isEntry({ id }: WrittenObject): boolean {
  return fullKind(id) === 'ServiceEntry.networking.istio.io'
}

function differs({ spec }: WrittenObject, number: unknown, protocol: string): boolean {
  return itemsOf(spec['ports']).some(
    (port) => port['number'] === number && textOf(port['protocol']).toUpperCase() !== protocol,
  )
}

const kinds = ['ServiceEntry.networking.istio.io']

/** Checks of ServiceEntries. */
export const serviceEntries: readonly Check[] = [
  { name: 'service-entry-addresses', kinds, run: checkAddresses },
  { name: 'service-entry-protocols', kinds, run: checkProtocols },
]
