// The certificates that listeners show and the authorities by which they verify clients.
import type { ObjectReference, SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Fault, PlacedListener } from './listeners.ts'
import type { ApiGateway, ListenerSet } from './objects.ts'
import { mayRefer, type ReferenceGrant } from './references.ts'

/** A Secret or ConfigMap that is named somewhere. */
export interface NamedObject {
  readonly kind: string
  readonly namespace: string
  readonly name: string
}

/** Where certificates are looked up. */
export interface CertificateSources {
  readonly secrets: readonly SnapshotObject<SpecByKind['Secret']>[]
  readonly configMaps: readonly SnapshotObject<SpecByKind['ConfigMap']>[]
  readonly grants: readonly ReferenceGrant[]
}

/** What a listener shows and asks of its clients. */
export interface ListenerTls {
  /** `namespace/name` of Secrets that hold a certificate and its key. */
  readonly certificates: readonly NamedObject[]
  /** Objects that hold authorities of client certificates; undefined: clients need none. */
  readonly clients?: { readonly authorities: readonly NamedObject[]; readonly required: boolean }
  /** What cannot be used. */
  readonly faults: readonly Fault[]
  /** Why clients could not be verified at all: nobody may come in then. */
  readonly noAuthority?: Fault
}

/** Every Secret and ConfigMap that a Gateway or one of its ListenerSets names for itself. */
export function certificateRefs(owner: ApiGateway | ListenerSet, gateway: ApiGateway): NamedObject[] {
  const { namespace } = owner.id
  const shown = owner.spec.listeners.flatMap(({ tls }) => tls?.certificateRefs ?? [])
  const frontend = gateway.spec.tls?.frontend
  const asked = [frontend?.default, ...(frontend?.perPort ?? []).map(({ tls }) => tls)].flatMap(
    (one) => one?.validation?.caCertificateRefs ?? [],
  )
  const client = gateway.spec.tls?.backend?.clientCertificateRef
  return [...shown, ...asked, ...(client === undefined ? [] : [client])].map((ref) => ({
    kind: ref.kind,
    namespace: ref.namespace ?? namespace,
    name: ref.name,
  }))
}

/** Looks up what a listener that ends TLS needs; undefined for one that does not. */
export function listenerTls(
  { spec, owner }: PlacedListener,
  gateway: ApiGateway,
  sources: CertificateSources,
): ListenerTls | undefined {
  const ends = spec.protocol === 'HTTPS' || (spec.protocol === 'TLS' && spec.tls?.mode !== 'Passthrough')
  if (!ends) return undefined
  const faults: Fault[] = []
  const certificates: NamedObject[] = []
  for (const ref of spec.tls?.certificateRefs ?? []) {
    const found = certificateOf(ref, owner, sources)
    if ('reason' in found) faults.push(found)
    else certificates.push(found)
  }
  if ((spec.tls?.certificateRefs ?? []).length === 0) {
    faults.push({ reason: 'InvalidCertificateRef', message: `listener ${spec.name} has no tls.certificateRefs` })
  }
  const clients = clientValidation(spec.port, gateway, sources)
  return { certificates, faults: [...faults, ...clients.faults], ...clients.asked }
}

/** The certificate of the Gateway towards its backends, or why it has none. */
export function backendCertificate(gateway: ApiGateway, sources: CertificateSources): NamedObject | Fault | undefined {
  const ref = gateway.spec.tls?.backend?.clientCertificateRef
  if (ref === undefined) return undefined
  return clientCertificate(ref, gateway, sources)
}

/** The certificate that an object names to be shown to servers, or why it cannot be. */
export function clientCertificate(
  ref: ObjectReference,
  owner: Pick<SnapshotObject, 'id'>,
  sources: CertificateSources,
): NamedObject | Fault {
  const found = certificateOf(ref, owner, sources)
  return 'reason' in found
    ? { ...found, reason: found.reason === 'RefNotPermitted' ? found.reason : 'InvalidClientCertificateRef' }
    : found
}

function certificateOf(
  ref: ObjectReference,
  owner: Pick<SnapshotObject, 'id'>,
  { secrets, grants }: CertificateSources,
): NamedObject | Fault {
  const namespace = ref.namespace ?? owner.id.namespace
  const invalid = (message: string): Fault => ({ reason: 'InvalidCertificateRef', message })
  if (ref.group !== '' || ref.kind !== 'Secret') {
    return invalid(`${ref.group === '' ? 'core' : ref.group}/${ref.kind} ${ref.name} is no core/Secret`)
  }
  const { group, kind } = owner.id
  if (!mayRefer({ group, kind, namespace: owner.id.namespace }, { ...ref, namespace }, grants)) {
    const message = `no ReferenceGrant in namespace ${namespace} lets ${kind}s of ${owner.id.namespace} refer to Secret ${ref.name}`
    return { reason: 'RefNotPermitted', message }
  }
  const secret = secrets.find(({ id }) => id.namespace === namespace && id.name === ref.name)
  if (secret === undefined) return invalid(`there is no Secret ${namespace}/${ref.name}`)
  if (
    !isPem(secret.spec.data['tls.crt']?.reveal(), 'CERTIFICATE') ||
    !isPem(secret.spec.data['tls.key']?.reveal(), 'PRIVATE KEY')
  ) {
    return invalid(`Secret ${namespace}/${ref.name} holds no certificate and key as PEM (tls.crt, tls.key)`)
  }
  return { kind: 'Secret', namespace, name: ref.name }
}

function clientValidation(
  port: number,
  gateway: ApiGateway,
  sources: CertificateSources,
): { readonly asked: Pick<ListenerTls, 'clients' | 'noAuthority'>; readonly faults: readonly Fault[] } {
  const frontend = gateway.spec.tls?.frontend
  const own = frontend?.perPort?.find((one) => one.port === port)
  const validation = own === undefined ? frontend?.default.validation : own.tls.validation
  if (validation === undefined) return { asked: {}, faults: [] }
  const faults: Fault[] = []
  const authorities: NamedObject[] = []
  for (const ref of validation.caCertificateRefs) {
    const found = authorityOf(ref, gateway, sources)
    if ('reason' in found) faults.push(found)
    else authorities.push(found)
  }
  const required = validation.mode !== 'AllowInsecureFallback'
  if (authorities.length > 0 || !required) return { asked: { clients: { authorities, required } }, faults }
  const message = 'no client certificate can be verified: none of caCertificateRefs can be used'
  return { asked: { noAuthority: { reason: 'NoValidCACertificate', message } }, faults }
}

function authorityOf(ref: ObjectReference, gateway: ApiGateway, sources: CertificateSources): NamedObject | Fault {
  const namespace = ref.namespace ?? gateway.id.namespace
  const { group, kind } = gateway.id
  if (ref.group !== '' || (ref.kind !== 'ConfigMap' && ref.kind !== 'Secret')) {
    return { reason: 'InvalidCACertificateKind', message: `${ref.kind} ${ref.name} is neither ConfigMap nor Secret` }
  }
  if (!mayRefer({ group, kind, namespace: gateway.id.namespace }, { ...ref, namespace }, sources.grants)) {
    const message = `no ReferenceGrant in namespace ${namespace} lets ${kind}s of ${gateway.id.namespace} refer to ${ref.kind} ${ref.name}`
    return { reason: 'RefNotPermitted', message }
  }
  const named: NamedObject = { kind: ref.kind, namespace, name: ref.name }
  if (authorityText(named, sources) !== undefined) return named
  const message = `there is no ${ref.kind} ${namespace}/${ref.name} with certificates as PEM in ca.crt`
  return { reason: 'InvalidCACertificateRef', message }
}

/** The authorities that an object holds in `ca.crt`, as PEM. */
export function authorityText(
  { kind, namespace, name }: NamedObject,
  { secrets, configMaps }: Pick<CertificateSources, 'secrets' | 'configMaps'>,
): string | undefined {
  const is = ({ id }: SnapshotObject): boolean => id.namespace === namespace && id.name === name
  const text =
    kind === 'Secret' ? secrets.find(is)?.spec.data['ca.crt']?.reveal() : configMaps.find(is)?.spec.data['ca.crt']
  return isPem(text, 'CERTIFICATE') ? text : undefined
}

function isPem(text: string | undefined, what: string): text is string {
  if (text === undefined) return false
  const match = new RegExp(
    `-----BEGIN (?:\\w+ )?${what}-----\\s+([A-Za-z0-9+/=\\s]+)-----END (?:\\w+ )?${what}-----`,
  ).exec(text)
  return match !== null
}
