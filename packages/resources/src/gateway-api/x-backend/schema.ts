// Schema of XBackend.
import { doc, type Finding, object, portNumber, type Schema, text, word } from '../../schema/schema.ts'
import { tlsValidation } from '../backend-tls-policy/schema.ts'
import { secretReference } from '../references.ts'
import type { XBackendSpec } from './types.ts'

const tls = object(
  {
    mode: doc(
      'Whether TLS is spoken, and whether a client certificate is shown.',
      word(['None', 'ServerOnly', 'ClientAndServer']),
    ),
    clientCertificateRef: doc('Secret with the certificate that is shown.', secretReference),
    validation: doc('How the server is verified.', tlsValidation),
  },
  { required: ['mode'], check: checkTls },
)

/** Schema of `spec`. */
export const xBackendSchema: Schema = object(
  {
    type: doc('What the backend is.', word(['ExternalHostname'])),
    externalHostname: doc(
      'A host outside of the mesh.',
      object(
        { hostname: doc('Its name.', { ...text('precise-hostname'), 'x-check': checkHostname }) },
        { required: ['hostname'] },
      ),
    ),
    port: doc(
      'Port of the backend.',
      object(
        { port: doc('Number of the port.', portNumber), name: doc('Name of the port.', text('optional-dns-label')) },
        { required: ['port'] },
      ),
    ),
    protocol: doc('What the backend speaks.', word(['TCP', 'HTTP', 'HTTP2', 'HTTP11', 'H2C', 'MCP'])),
    tls: doc('TLS towards the backend.', tls),
  },
  { required: ['type', 'port'], check: checkType },
)

function* checkHostname(hostname: string): Iterable<Finding> {
  if (!hostname.endsWith('.cluster.local')) return
  const message = 'is a name inside of the mesh'
  yield { code: 'bad-format', message, mend: 'Refer to the Service instead.' }
}

function* checkTls(settings: NonNullable<XBackendSpec['tls']>): Iterable<Finding> {
  const shows = settings.mode === 'ClientAndServer'
  if (shows === (settings.clientCertificateRef !== undefined)) return
  if (shows) {
    const message = 'has no `clientCertificateRef`, which mode: ClientAndServer needs'
    yield { code: 'missing-field', message, mend: 'Add `clientCertificateRef`.' }
  } else {
    const message = `does not go with mode: ${settings.mode}`
    const mend = 'Remove it, or write mode: ClientAndServer.'
    yield { at: ['clientCertificateRef'], code: 'conflicting-fields', message, mend }
  }
}

function* checkType(spec: XBackendSpec): Iterable<Finding> {
  if (spec.type !== 'ExternalHostname' || spec.externalHostname !== undefined) return
  yield { code: 'missing-field', message: 'has no `externalHostname`', mend: 'Add `externalHostname`.' }
}
