// Schema of the TLS that a client speaks.
import { boolean, doc, type Finding, list, object, refused, type Schema, text, word } from '../../schema/schema.ts'

const noSecrets =
  'Secrets are not read yet; write paths of files (`caCertificates`, `clientCertificate`, `privateKey`).'

/** `trafficPolicy.tls`. Files are read by the client's proxy. */
export const clientTls: Schema = object(
  {
    mode: doc(
      'DISABLE: plaintext; ISTIO_MUTUAL: mutual TLS of the mesh; SIMPLE: TLS; MUTUAL: TLS with an own certificate.',
      word(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']),
    ),
    clientCertificate: doc('File of the own certificate, for MUTUAL.', text('path')),
    privateKey: doc('File of the own key, for MUTUAL.', text('path')),
    caCertificates: doc('File of the authorities that the server must be signed by.', text('path')),
    credentialName: doc('Secret with key and certificates.', refused(noSecrets, text('not-empty'))),
    subjectAltNames: doc('Names of which the certificate of the server must bear one.', list(text('not-empty'))),
    sni: doc('Server name to ask for; the name of the host unless written.', text('not-empty')),
    insecureSkipVerify: doc(
      'Turns the verification of the server off.',
      refused('Servers are always verified; remove the field.', boolean),
    ),
    caCrl: doc('File of revoked certificates, with a list of each authority of a chain.', text('path')),
  },
  { required: ['mode'], check: checkTls },
)

interface WrittenTls {
  readonly mode: string
  readonly clientCertificate?: string
  readonly privateKey?: string
  readonly caCertificates?: string
  readonly caCrl?: string
  readonly credentialName?: string
}

const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const

function* checkTls(value: WrittenTls): Iterable<Finding> {
  if (value.mode === 'DISABLE' || value.mode === 'ISTIO_MUTUAL') {
    for (const field of files) {
      if (value[field] === undefined) continue
      const message = `has no effect with mode ${value.mode}`
      yield { at: [field], code: 'conflicting-fields', message, mend: 'Remove it, or use mode SIMPLE or MUTUAL.' }
    }
    return
  }
  const own = value.mode === 'MUTUAL' ? [] : (['clientCertificate', 'privateKey'] as const)
  for (const field of own) {
    if (value[field] === undefined) continue
    const message = 'has no effect with mode SIMPLE'
    yield { at: [field], code: 'conflicting-fields', message, mend: 'Use mode MUTUAL, or remove it.' }
  }
  if (value.mode !== 'MUTUAL' || value.credentialName !== undefined) return
  for (const field of ['clientCertificate', 'privateKey'] as const) {
    if (value[field] !== undefined) continue
    yield { code: 'missing-field', message: `has no \`${field}\`, which MUTUAL needs`, mend: `Add \`${field}\`.` }
  }
}
