// Schema of the Gateway API's Gateway.
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
import { formats } from '../../schema/formats.ts'
import { isIpAddress } from '../../schema/kubernetes-formats.ts'
import { shown } from '../../schema/shaped.ts'
import { labelSelector } from '../label-selector.ts'
import { localReference, objectReference, repeated, secretReference } from '../references.ts'
import { listeners } from './listener-schema.ts'
import type { GatewayAddress } from './types.ts'

const address = object(
  {
    type: doc('What the value is.', byDefault('IPAddress', text('address-type'))),
    value: doc('The address; chosen by the implementation unless written.', text('text-253')),
  },
  { check: checkAddress },
)

const frontendTls = object({
  validation: doc(
    'How clients are verified.',
    object(
      {
        caCertificateRefs: doc(
          'Authorities that clients must be signed by: ConfigMaps or Secrets with `ca.crt`.',
          list(objectReference, { min: 1, max: 16 }),
        ),
        mode: doc(
          'Whether clients without a valid certificate are let in all the same.',
          byDefault('AllowValidOnly', {
            ...word(['AllowValidOnly', 'AllowInsecureFallback']),
            'x-pending-values': {
              AllowInsecureFallback: { effect: 'clients are not asked for a certificate', proxies: 'weft' },
            },
          }),
        ),
      },
      { required: ['caCertificateRefs'] },
    ),
  ),
})

const frontend = object(
  {
    default: doc('For every port without settings of its own.', frontendTls),
    perPort: doc(
      'Settings of single ports.',
      list(
        object(
          { port: doc('The port.', portNumber), tls: doc('Its settings.', frontendTls) },
          { required: ['port', 'tls'] },
        ),
        {
          max: 64,
          check: (items: readonly { readonly port: number }[]) =>
            repeated(items, (each) => [each.port], 'port', ['port']),
        },
      ),
    ),
  },
  { required: ['default'] },
)

/** Schema of `spec`. */
export const gatewaySpecSchema: Schema = object(
  {
    gatewayClassName: doc('GatewayClass that says who serves it: `weft` for this mesh.', text('object-name')),
    listeners,
    addresses: doc('Addresses that are wanted.', list(address, { max: 16, check: checkAddresses })),
    infrastructure: doc(
      'What the serving workloads are to look like.',
      object({
        labels: doc('Labels of what is made for it.', mapOf(text('optional-label-value'), 'qualified-key', { max: 8 })),
        annotations: pending(
          'on one machine nothing bears annotations',
          doc('Annotations of what is made for it.', mapOf(text('text-4096'), 'qualified-key', { max: 16 })),
        ),
        parametersRef: doc(
          'ConfigMap about what a cluster makes for the Gateway, as Istio has it; with anything else the Gateway is not served.',
          localReference,
        ),
      }),
    ),
    allowedListeners: doc(
      'ListenerSets that may add listeners.',
      object({
        namespaces: doc(
          'Namespaces whose ListenerSets are taken.',
          byDefault(
            { from: 'None' },
            object({
              from: doc(
                'None, all, that of the Gateway, or those that a selector fits.',
                byDefault('None', word(['All', 'Selector', 'Same', 'None'])),
              ),
              selector: labelSelector('Labels of the namespaces, for Selector.'),
            }),
          ),
        ),
      }),
    ),
    tls: doc(
      'TLS of the whole Gateway.',
      object({
        backend: doc(
          'TLS towards backends.',
          object({
            clientCertificateRef: doc('Secret with the certificate that is shown to backends.', secretReference),
          }),
        ),
        frontend: doc('TLS towards clients.', frontend),
      }),
    ),
    defaultScope: doc('Whether routes that ask for default gateways attach themselves.', word(['All', 'None'])),
  },
  { required: ['gatewayClassName', 'listeners'] },
)

function* checkAddress({ type, value }: GatewayAddress): Iterable<Finding> {
  if (value === undefined) return
  if (type === 'IPAddress' && !isIpAddress(value)) {
    const mend = 'Write one like 10.1.2.3 or 2001:db8::1, or type: Hostname.'
    yield { at: ['value'], code: 'bad-format', message: `${shown(value)} is not an IP address`, mend }
  }
  const fault = type === 'Hostname' ? formats.hostname(value) : undefined
  if (fault !== undefined) yield { at: ['value'], ...fault }
}

function checkAddresses(addresses: readonly GatewayAddress[]): Iterable<Finding> {
  return repeated(
    addresses,
    ({ type, value }) =>
      value !== undefined && (type === 'IPAddress' || type === 'Hostname') ? [type, value] : undefined,
    'address',
    ['value'],
  )
}
