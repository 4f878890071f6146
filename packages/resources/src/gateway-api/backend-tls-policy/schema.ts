// Schema of BackendTLSPolicy.
import { doc, type Finding, list, mapOf, object, pending, type Schema, text, word } from '../../schema/schema.ts'
import { checkParents, localReference, targetReference } from '../references.ts'
import type { BackendTlsValidation } from './types.ts'

type AltName = NonNullable<BackendTlsValidation['subjectAltNames']>[number]

const altName = object(
  {
    type: doc('Which of the two fields holds.', word(['Hostname', 'URI'])),
    hostname: doc('A host name, with wildcard.', text('hostname')),
    uri: doc('A URI, as a SPIFFE id is.', text('absolute-uri')),
  },
  { required: ['type'], check: checkAltName },
)

/** How a server is verified. */
export const tlsValidation: Schema = object(
  {
    hostname: doc(
      'Name that is asked for, and that the certificate must bear unless `subjectAltNames` is written.',
      text('precise-hostname'),
    ),
    caCertificateRefs: doc(
      'Authorities that the server must be signed by: ConfigMaps or Secrets with `ca.crt`.',
      list(localReference, { max: 8 }),
    ),
    wellKnownCACertificates: doc('System: the authorities of the operating system.', text('known-authorities')),
    subjectAltNames: doc('Names of which the certificate must bear one.', list(altName, { max: 5 })),
  },
  { required: ['hostname'], check: checkAuthorities },
)

/** Schema of `spec`. */
export const backendTlsPolicySchema: Schema = object(
  {
    targetRefs: doc(
      'Services whose servers speak TLS.',
      list(targetReference, { min: 1, max: 16, check: checkParents }),
    ),
    validation: doc('How their certificates are verified.', tlsValidation),
    options: pending(
      'Weft knows no option',
      doc('Settings of one implementation; Weft knows none.', mapOf(text('text-4096'), 'no-nul', { max: 16 })),
    ),
  },
  { required: ['targetRefs', 'validation'] },
)

function* checkAltName(name: AltName): Iterable<Finding> {
  for (const [type, field] of [
    ['Hostname', 'hostname'],
    ['URI', 'uri'],
  ] as const) {
    const there = name[field] !== undefined && name[field] !== ''
    if (name.type === type && !there) {
      yield { code: 'missing-field', message: `has no \`${field}\``, mend: `Add \`${field}\`.` }
    } else if (name.type !== type && there) {
      const message = `does not go with type: ${name.type}`
      yield { at: [field], code: 'conflicting-fields', message, mend: `Remove it, or write type: ${type}.` }
    }
  }
}

function* checkAuthorities(validation: BackendTlsValidation): Iterable<Finding> {
  const own = (validation.caCertificateRefs ?? []).length > 0
  const known = (validation.wellKnownCACertificates ?? '') !== ''
  if (own !== known) return
  if (own) {
    const message = 'stands beside `caCertificateRefs`'
    const mend = 'Keep one of the two.'
    yield { at: ['wellKnownCACertificates'], code: 'conflicting-fields', message, mend }
  } else {
    const message = 'has neither `caCertificateRefs` nor `wellKnownCACertificates`'
    const mend = 'Name the authorities, or write wellKnownCACertificates: System.'
    yield { code: 'missing-field', message, mend }
  }
}
