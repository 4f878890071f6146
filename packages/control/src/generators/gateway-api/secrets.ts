// The certificates that listeners show and the authorities they verify by, as secrets on the ADS stream of the gateway that needs them.
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { authorityText, backendCertificate, type NamedObject } from '../../gateway-api/certificates.ts'
import { certificateFor } from '../../gateway-api/backend-tls.ts'
import { gatewaysServedBy } from '../../gateway-api/data-plane.ts'
import { gatewayModel } from '../../gateway-api/gateway-model.ts'
import { encodeResource } from '../encode.ts'
import { type BuiltResource, generator, makeView } from '../generator.ts'
import type { GatewayRefs } from '../../gateway-api/gateway-refs.ts'
import { dataPlaneRefs } from './data-plane-refs.ts'
import { authoritiesSecret, certificateSecret } from './listener-socket.ts'
import { usedTargets } from './used-targets.ts'

/** `kubernetes://<namespace>/<name>`, `kubernetes://authorities/<kind>/<namespace>/<name>,...` */
export const gatewayApiSecrets = generator({
  name: 'gateway-api-secrets',
  scope: (_mesh, { instance }) => ({ namespace: instance.namespace, labels: instance.labels }),
  views(mesh, scope) {
    const gateways = gatewaysServedBy(mesh, scope)
    return gateways.length === 0 ? [] : [makeView({}, dataPlaneRefs(mesh, gateways))]
  },
  build({ refs }) {
    const found = new Map<string, BuiltResource>()
    const add = (secret: BuiltResource | undefined): void => {
      if (secret !== undefined) found.set(secret.name, secret)
    }
    for (const gateway of refs.gateways) {
      const { backends } = usedTargets({ ...refs, gateways: [gateway] })
      const shown = [backendCertificate(gateway, refs), ...backends.map(({ backend }) => certificateFor(backend, refs))]
      for (const client of shown) if (client !== undefined && !('reason' in client)) add(certificate(client, refs))
      for (const { certificates, clients } of gatewayModel(gateway, refs).tls.values()) {
        for (const one of certificates) add(certificate(one, refs))
        if (clients !== undefined && clients.authorities.length > 0) add(authorities(clients.authorities, refs))
      }
    }
    return { resources: [...found.values()], problems: [], losers: [] }
  },
})

/** A key and its certificate, as a secret. */
export function certificate(named: NamedObject, { secrets }: Pick<GatewayRefs, 'secrets'>): BuiltResource | undefined {
  const secret = secrets.find(({ id }) => id.namespace === named.namespace && id.name === named.name)
  const [chain, key] = ['tls.crt', 'tls.key'].map((name) => secret?.spec.data[name]?.reveal())
  if (secret === undefined || chain === undefined || key === undefined) return undefined
  const name = certificateSecret(named)
  return encodeResource(
    SecretSchema,
    name,
    {
      name,
      type: { case: 'tlsCertificate', value: { certificateChain: inline(chain), privateKey: inline(key) } },
    },
    [secret.key],
  )
}

function authorities(list: readonly NamedObject[], refs: GatewayRefs): BuiltResource {
  const name = authoritiesSecret(list)
  const trustedCa = inline(list.map((one) => authorityText(one, refs) ?? '').join('\n'))
  const origins = list.map(({ kind, namespace, name: object }) => `core/${kind}/${namespace}/${object}`)
  return encodeResource(
    SecretSchema,
    name,
    { name, type: { case: 'validationContext', value: { trustedCa } } },
    origins,
  )
}

function inline(text: string): { specifier: { case: 'inlineString'; value: string } } {
  return { specifier: { case: 'inlineString', value: text } }
}
