// Schema of the TLS that a client speaks.
import { boolean, doc, type Finding, list, object, type Schema, text, word } from '../../schema/schema.ts'

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
    credentialName: doc(
      "Secret with authorities and, for MUTUAL, key and certificate, in the proxy's namespace; sidecars read it where the rule has a `workloadSelector`.",
      text('dns-name'),
    ),
    subjectAltNames: doc('Names of which the certificate of the server must bear one.', list(text('not-empty'))),
    sni: doc('Server name to ask for; the name of the host unless written.', text('not-empty')),
    insecureSkipVerify: doc('Believes whoever answers to be the host, in modes SIMPLE and MUTUAL.', boolean),
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
  readonly subjectAltNames?: readonly string[]
  readonly insecureSkipVerify?: boolean
}

const files = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl'] as const

function* checkTls(value: WrittenTls): Iterable<Finding> {
  if (value.mode === 'DISABLE' || value.mode === 'ISTIO_MUTUAL') {
    for (const field of [...files, 'credentialName'] as const) {
      if (value[field] === undefined) continue
      const message = `has no effect with mode ${value.mode}`
      yield { at: [field], code: 'conflicting-fields', message, mend: 'Remove it, or use mode SIMPLE or MUTUAL.' }
    }
    if (value.insecureSkipVerify === true) {
      const message = `has no effect with mode ${value.mode}`
      const mend = 'Remove it: servers of the mesh are always verified.'
      yield { at: ['insecureSkipVerify'], code: 'conflicting-fields', message, mend }
    }
    return
  }
  yield* checkVerification(value)
  if (value.credentialName !== undefined) {
    for (const field of files) {
      if (value[field] === undefined) continue
      const message = 'stands beside `credentialName`, which brings all of it'
      yield { at: [field], code: 'conflicting-fields', message, mend: 'Remove one of the two.' }
    }
    return
  }
  const own = value.mode === 'MUTUAL' ? [] : (['clientCertificate', 'privateKey'] as const)
  for (const field of own) {
    if (value[field] === undefined) continue
    const message = 'has no effect with mode SIMPLE'
    yield { at: [field], code: 'conflicting-fields', message, mend: 'Use mode MUTUAL, or remove it.' }
  }
  if (value.mode !== 'MUTUAL') return
  for (const field of ['clientCertificate', 'privateKey'] as const) {
    if (value[field] !== undefined) continue
    yield { code: 'missing-field', message: `has no \`${field}\`, which MUTUAL needs`, mend: `Add \`${field}\`.` }
  }
}

/** Not to verify is allowed, and told each time it is read. */
function* checkVerification(value: WrittenTls): Iterable<Finding> {
  if (value.insecureSkipVerify !== true) return
  const message = 'lets anybody who is in the way answer for the host, and read what is sent'
  const mend = 'Name the authorities of the server in `caCertificates`, and remove it.'
  yield { at: ['insecureSkipVerify'], severity: 'warning', code: 'not-verified', message, mend }
  for (const field of ['caCertificates', 'caCrl', 'subjectAltNames'] as const) {
    if (value[field] === undefined) continue
    const idle = 'has no effect with `insecureSkipVerify`'
    yield { at: [field], severity: 'warning', code: 'no-effect', message: idle, mend: 'Remove one of the two.' }
  }
}
