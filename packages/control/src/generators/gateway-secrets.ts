// Certificates and authorities that Gateways name, from Secrets in the namespace of the workload that serves them. They go to gateways only, and
// nowhere but over the stream that every proxy proves its identity on.
import { originOf } from '@weft/core'
import type { SecretSpec } from '@weft/resources'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { encodeResource } from './encode.ts'
import { authoritiesName, authoritiesSecret, certificateNames, certificateSecret } from './gateway-tls.ts'
import type { Gateway } from './gateways.ts'
import { type BuiltResource, generator, type GeneratorProblem, makeView } from './generator.ts'

type Secret = SnapshotObject<SecretSpec>

interface SecretView {
  /** As the Gateway writes it. */
  readonly name: string
  readonly kind: 'certificate' | 'authorities'
}

/** `kubernetes://<secret>`, `kubernetes://<secret>-cacert` */
export const gatewaySecrets = generator({
  name: 'gateway-secrets',
  scope: (_mesh, { instance }) => ({ namespace: instance.namespace, labels: instance.labels }),
  views(mesh, { namespace, labels }) {
    const { certificates, authorities } = credentialsOf(mesh.gatewaysFor(labels))
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
      const message = `holds no ${kind === 'certificate' ? 'certificate and key (tls.crt, tls.key)' : 'authorities (ca.crt)'} for a Gateway`
      problems.push({ origin: originOf(first.id, ''), message })
    }
    return { resources: resources.slice(0, 1), problems, losers: [] }
  },
})

/** The Secrets that servers of Gateways name. */
function credentialsOf(gateways: readonly Gateway[]): { certificates: string[]; authorities: string[] } {
  const all = gateways.flatMap(({ spec }) => spec.servers.flatMap(({ tls }) => tls ?? []))
  return {
    certificates: unique(all.flatMap(certificateNames)),
    authorities: unique(all.flatMap((tls) => authoritiesName(tls) ?? [])),
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
