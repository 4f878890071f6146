// TLS towards backends: whom a Gateway trusts there.
import type { BackendTlsValidation } from '@weft/resources'
import type { Backend } from './backends.ts'
import { authorityText, type CertificateSources, clientCertificate, type NamedObject } from './certificates.ts'
import type { Fault } from './listeners.ts'

/** Authorities of a validation: those of the operating system, or these as PEM; none when nobody can be trusted. */
export interface Authorities {
  readonly trusted: 'system' | string | undefined
  /** References that cannot be used. */
  readonly unresolved?: Fault
  /** Why nothing can be verified: backends are not spoken to then. */
  readonly unusable?: Fault
}

/** Looks up the authorities of a validation in a namespace. */
export function authoritiesOf(
  { caCertificateRefs = [], wellKnownCACertificates }: BackendTlsValidation,
  namespace: string,
  sources: Pick<CertificateSources, 'secrets' | 'configMaps'>,
): Authorities {
  if (caCertificateRefs.length === 0) {
    if (wellKnownCACertificates === 'System') return { trusted: 'system' }
    const message = `wellKnownCACertificates ${wellKnownCACertificates ?? ''} is not known; use System`
    return { trusted: undefined, unusable: { reason: 'Invalid', message } }
  }
  const faults: Fault[] = []
  const texts = caCertificateRefs.flatMap(({ group, kind, name }) => {
    if (group !== '' || (kind !== 'ConfigMap' && kind !== 'Secret')) {
      faults.push({ reason: 'InvalidKind', message: `${kind} ${name} is neither ConfigMap nor Secret` })
      return []
    }
    const text = authorityText({ kind, namespace, name }, sources)
    if (text !== undefined) return [text]
    const message = `there is no ${kind} ${namespace}/${name} with certificates as PEM in ca.crt`
    faults.push({ reason: 'InvalidCACertificateRef', message })
    return []
  })
  const unresolved = faults[0] === undefined ? {} : { unresolved: faults[0] }
  if (texts.length > 0) return { trusted: texts.join('\n'), ...unresolved }
  const message = 'none of caCertificateRefs can be used, so that no backend can be verified'
  return { trusted: undefined, ...unresolved, unusable: { reason: 'NoValidCACertificate', message } }
}

/** The certificate that an XBackend wants to be shown, or why it cannot be; undefined when it wants none. */
export function certificateFor(backend: Backend, sources: CertificateSources): NamedObject | Fault | undefined {
  const { tls } = backend.spec
  if (tls?.mode !== 'ClientAndServer') return undefined
  const { clientCertificateRef: ref } = tls
  if (ref !== undefined) return clientCertificate(ref, backend, sources)
  return { reason: 'InvalidClientCertificateRef', message: 'tls.mode ClientAndServer needs clientCertificateRef' }
}

/** Where the authorities and the certificate of an XBackend are. */
export function secretsOfBackend({ id, spec }: Backend): NamedObject[] {
  const own = (spec.tls?.validation?.caCertificateRefs ?? []).map(({ kind, name }) => ({
    kind,
    namespace: id.namespace,
    name,
  }))
  const client = spec.tls?.clientCertificateRef
  if (client === undefined) return own
  return [...own, { kind: client.kind, namespace: client.namespace ?? id.namespace, name: client.name }]
}
