// Certificates and authorities that Gateways, Sidecars and DestinationRules name, from Secrets in the namespace of the workload that needs them.
// They go to gateways, and to sidecars that a Sidecar or a rule selects, and nowhere but over the stream that every proxy proves its identity on.
import { originOf } from '@weft/core'
import { type SecretSpec, selectsLabels } from '@weft/resources'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { credentialsOf } from '../snapshot/topics.ts'
import { encodeResource } from './encode.ts'
import { authoritiesName, certificateNames } from './gateway-tls.ts'
import { type BuiltResource, generator, type GeneratorProblem, makeView, type ProxyRef } from './generator.ts'
import { authoritiesSecret, certificateSecret } from './secret-names.ts'
import { entryPortsOf } from './sidecar-scope.ts'

type Secret = SnapshotObject<SecretSpec>

interface SecretView {
  /** As the Gateway writes it. */
  readonly name: string
  readonly kind: 'certificate' | 'authorities'
}

/** `kubernetes://<secret>`, `kubernetes://<secret>-cacert` */
export const credentialSecrets = generator({
  name: 'credential-secrets',
  scope(mesh, proxy) {
    const { namespace, labels } = proxy.instance
    const taker = { namespace, labels, gateway: proxy.instance.proxy === 'gateway' }
    const [shown, asked] = [shownBy(mesh, proxy), askedBy(mesh, taker)]
    const certificates = unique([...shown.certificates, ...asked.certificates])
    const authorities = unique([...shown.authorities, ...asked.authorities])
    // Most proxies need none, and are all alike.
    return { namespace: authorities.length + certificates.length === 0 ? '' : namespace, certificates, authorities }
  },
  views(mesh, { namespace, certificates, authorities }) {
    const view = (kind: SecretView['kind'], name: string, names: readonly string[]) =>
      makeView<SecretView, { secrets: readonly Secret[] }>({ name, kind }, { secrets: found(mesh, namespace, names) })
    return [
      ...certificates.map((name) => view('certificate', name, [name])),
      ...authorities.map((name) => view('authorities', name, [`${name}-cacert`, name])),
    ]
  },
  build({ scope, refs }) {
    const { name, kind } = scope
    const problems: GeneratorProblem[] = []
    const resources: BuiltResource[] = refs.secrets.flatMap((secret) => {
      const read = kind === 'certificate' ? certificateOf(name, secret) : authoritiesOf(name, secret)
      return read ?? []
    })
    const [first] = refs.secrets
    if (resources.length === 0 && first !== undefined) {
      const message = `holds no ${kind === 'certificate' ? 'certificate and key (tls.crt, tls.key)' : 'authorities (ca.crt)'}, which a Gateway, Sidecar or DestinationRule names it for`
      problems.push({ origin: originOf(first.id, ''), message })
    }
    return { resources: resources.slice(0, 1), problems, losers: [] }
  },
})

interface Taker {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly gateway: boolean
}

interface Names {
  readonly certificates: readonly string[]
  readonly authorities: readonly string[]
}

/** The Secrets that servers of Gateways name, or ports of a Sidecar. */
function shownBy(mesh: MeshQuery, proxy: ProxyRef): Names {
  const { labels, proxy: kind } = proxy.instance
  const all =
    kind === 'gateway'
      ? mesh.gatewaysFor(labels).flatMap(({ spec }) => spec.servers.flatMap(({ tls }) => tls ?? []))
      : entryPortsOf(mesh, proxy).flatMap(({ tls }) => tls ?? [])
  return {
    certificates: all.flatMap(certificateNames),
    authorities: all.flatMap((tls) => authoritiesName(tls) ?? []),
  }
}

/** The Secrets that DestinationRules name for a proxy. */
function askedBy(mesh: MeshQuery, { namespace, labels, gateway }: Taker): Names {
  const all = mesh.rulesNamingSecrets().flatMap(({ id, spec }) => {
    const { workloadSelector: selector } = spec
    const selected = selector !== undefined && id.namespace === namespace && selectsLabels(selector.matchLabels, labels)
    return selected || (gateway && selector === undefined) ? credentialsOf(spec) : []
  })
  return {
    certificates: all.flatMap(({ mode, credentialName = '' }) => (mode === 'MUTUAL' ? [credentialName] : [])),
    authorities: all.flatMap(({ credentialName = '', insecureSkipVerify = false }) =>
      insecureSkipVerify ? [] : [credentialName],
    ),
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort()
}

function found(mesh: MeshQuery, namespace: string, names: readonly string[]): Secret[] {
  return names.flatMap((name) => mesh.named('Secret', namespace, name) ?? [])
}

/** Istio's names for generic Secrets count too. */
function certificateOf(name: string, { id, spec: { data } }: Secret): BuiltResource | undefined {
  const chain = (data['tls.crt'] ?? data['cert'])?.reveal()
  const key = (data['tls.key'] ?? data['key'])?.reveal()
  if (chain === undefined || key === undefined || chain === '' || key === '') return undefined
  const resource = certificateSecret(name)
  return encodeResource(
    SecretSchema,
    resource,
    {
      name: resource,
      type: { case: 'tlsCertificate', value: { certificateChain: inline(chain), privateKey: inline(key) } },
    },
    [originOf(id, '')],
  )
}

function authoritiesOf(name: string, { id, spec: { data } }: Secret): BuiltResource | undefined {
  const pem = (data['ca.crt'] ?? data['cacert'])?.reveal()
  if (pem === undefined || pem === '') return undefined
  const revoked = data['ca.crl']?.reveal()
  const resource = authoritiesSecret(name)
  return encodeResource(
    SecretSchema,
    resource,
    {
      name: resource,
      type: {
        case: 'validationContext',
        value: { trustedCa: inline(pem), ...(revoked === undefined ? {} : { crl: inline(revoked) }) },
      },
    },
    [originOf(id, '')],
  )
}

function inline(value: string): { specifier: { case: 'inlineString'; value: string } } {
  return { specifier: { case: 'inlineString', value } }
}
