// Schema of a listener, of Gateway and of ListenerSet.
import {
  byDefault,
  doc,
  type Finding,
  list,
  mapOf,
  object,
  pending,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { labelSelector } from '../label-selector.ts'
import { gatewayGroup, repeated, secretReference, sectionName } from '../references.ts'
import type { GatewayListener, ListenerTls } from './types.ts'

const kinds = list(
  object(
    {
      group: doc('API group of the routes.', byDefault(gatewayGroup, text('reference-group'))),
      kind: doc('Kind of the routes.', text('reference-kind')),
    },
    { required: ['kind'] },
  ),
  { max: 8 },
)

const allowedRoutes = object({
  namespaces: doc(
    'Namespaces whose routes are taken.',
    byDefault(
      { from: 'Same' },
      object({
        from: doc(
          'All, only that of the Gateway, or those that a selector fits.',
          byDefault('Same', word(['All', 'Selector', 'Same'])),
        ),
        selector: labelSelector('Labels of the namespaces, for Selector.'),
      }),
    ),
  ),
  kinds: doc('Kinds of routes that are taken; those that fit the protocol unless written.', kinds),
})

const tls = object(
  {
    mode: doc(
      'Whether TLS ends here or goes on to the backend.',
      byDefault('Terminate', word(['Terminate', 'Passthrough'])),
    ),
    certificateRefs: doc('Secrets with certificates and keys.', list(secretReference, { max: 64 })),
    options: pending(
      'Weft knows no option',
      doc('Settings of one implementation; Weft knows none.', mapOf(text('text-4096'), 'no-nul', { max: 16 })),
    ),
  },
  { check: checkTls },
)

const listener = object(
  {
    name: sectionName('Name of the listener, by which routes and status refer to it.'),
    hostname: doc('Host name that is served, with wildcard; all unless written.', text('hostname')),
    port: doc('Port that is served.', portNumber),
    protocol: doc('HTTP, HTTPS, TLS, TCP or UDP.', text('listener-protocol')),
    tls: doc('TLS of the listener, for HTTPS and TLS.', tls),
    allowedRoutes: doc(
      'Routes that may attach themselves.',
      byDefault({ namespaces: { from: 'Same' } }, allowedRoutes),
    ),
  },
  { required: ['name', 'port', 'protocol'] },
)

/** Listeners of a Gateway or a ListenerSet. */
export const listeners: Schema = doc('What is served.', list(listener, { min: 1, max: 64, check: checkListeners }))

function* checkTls(settings: ListenerTls): Iterable<Finding> {
  if (settings.mode !== 'Terminate') return
  if ((settings.certificateRefs ?? []).length > 0 || Object.keys(settings.options ?? {}).length > 0) return
  const mend = 'Name a Secret in `certificateRefs`, or write mode: Passthrough.'
  yield { code: 'missing-field', message: 'ends TLS but has no `certificateRefs`', mend }
}

const withoutTls = ['HTTP', 'TCP', 'UDP']
const withoutHostname = ['TCP', 'UDP']

function* checkListeners(items: readonly GatewayListener[]): Iterable<Finding> {
  for (const [index, each] of items.entries()) yield* checkProtocol(index, each)
  yield* repeated(items, (each) => each.name, 'name', ['name'])
  yield* repeated(items, (each) => [each.port, each.protocol, each.hostname ?? ''], 'port, protocol and hostname', [
    'port',
  ])
}

function* checkProtocol(index: number, { protocol, tls: settings, hostname }: GatewayListener): Iterable<Finding> {
  if (withoutTls.includes(protocol) && settings !== undefined) {
    const message = `is written, but ${protocol} has no TLS`
    yield { at: [index, 'tls'], code: 'conflicting-fields', message, mend: 'Remove `tls`, or write HTTPS or TLS.' }
  }
  if (protocol === 'HTTPS' && settings !== undefined && settings.mode !== 'Terminate') {
    const message = `${settings.mode} does not go with HTTPS`
    const mend = 'Write mode: Terminate, or protocol: TLS with TLSRoutes.'
    yield { at: [index, 'tls', 'mode'], code: 'conflicting-fields', message, mend }
  }
  if (protocol === 'TLS' && settings === undefined) {
    const message = 'has no `tls`, which protocol TLS needs'
    yield { at: [index], code: 'missing-field', message, mend: 'Add `tls` with its mode.' }
  }
  if (withoutHostname.includes(protocol) && hostname !== undefined) {
    const message = `is written, but ${protocol} carries no host names`
    yield { at: [index, 'hostname'], code: 'conflicting-fields', message, mend: 'Remove `hostname`.' }
  }
}
