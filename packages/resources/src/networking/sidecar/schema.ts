// Schema of Istio's Sidecar.
import { doc, type Finding, list, object, pending, portNumber, type Schema, text, word } from '../../schema/schema.ts'
import { connectionPool } from '../destination-rule/connection-schema.ts'
import { sidecarTls } from '../gateway/schema.ts'
import { destination, serverPort, workloadLabels } from '../match-schema.ts'

const ports = {
  ...serverPort,
  properties: {
    ...serverPort.properties,
    targetPort: doc('Old: port behind it.', pending('the port itself is meant', portNumber)),
  },
}

const capture = word(['DEFAULT', 'IPTABLES', 'NONE'])

const ingress = object(
  {
    port: doc('Port that is served.', ports),
    bind: doc(
      'Address to bind instead of the one of the workload; where traffic is redirected, with captureMode NONE only.',
      text('ip-address'),
    ),
    captureMode: doc('How connections reach it: NONE binds a port of its own where others are redirected.', capture),
    defaultEndpoint: doc(
      'Where the application listens: 127.0.0.1:PORT, 0.0.0.0:PORT or unix:///path.',
      text('not-empty'),
    ),
    tls: doc(
      'TLS that ends at the sidecar, where a PeerAuthentication turns mutual TLS of the port off (DISABLE).',
      sidecarTls,
    ),
    connectionPool: doc('Limits towards the application.', connectionPool),
  },
  { required: ['port'], check: checkIngress },
)

const egress = object(
  {
    port: doc('Port of a listener for these hosts alone.', ports),
    bind: doc('Address to bind; the one of the workload unless written.', text('ip-address')),
    captureMode: doc('How connections reach it: NONE binds a port of its own where others are redirected.', capture),
    hosts: doc('Hosts it may call, as namespace/host.', list(text('egress-host'), { min: 1 })),
  },
  { required: ['hosts'] },
)

/** Schema of `spec`. */
export const sidecarSchema: Schema = object({
  workloadSelector: doc('Workloads it is for; without it all of the namespace.', workloadLabels),
  ingress: doc('Listeners towards the application, instead of those that follow from its ports.', list(ingress)),
  egress: doc('Which hosts the workloads may call; all that they see unless written.', list(egress)),
  inboundConnectionPool: doc('Limits towards the application.', connectionPool),
  outboundTrafficPolicy: doc(
    'What happens to calls of unknown hosts.',
    object(
      {
        mode: doc(
          'REGISTRY_ONLY: refused; ALLOW_ANY: passed on where traffic is redirected.',
          word(['REGISTRY_ONLY', 'ALLOW_ANY']),
        ),
        egressProxy: doc('Where they are sent; not with REGISTRY_ONLY.', destination),
      },
      { check: checkUnknown },
    ),
  ),
})

interface WrittenIngress {
  readonly port?: { readonly number?: number; readonly protocol?: string }
  readonly defaultEndpoint?: string
  readonly tls?: object
}

function* checkIngress({ port, defaultEndpoint: endpoint, tls }: WrittenIngress): Iterable<Finding> {
  if (port?.number === undefined) {
    yield { at: ['port'], code: 'missing-field', message: 'has no `number`', mend: 'Add the port to serve.' }
  }
  if (tls !== undefined && !/^(?:https|tls)$/i.test(port?.protocol ?? '')) {
    const message = `says how TLS ends, but the port speaks ${port?.protocol ?? 'no declared protocol'}`
    yield { at: ['tls'], code: 'conflicting-fields', message, mend: 'Write protocol: HTTPS or TLS, or remove `tls`.' }
  }
  if (endpoint === undefined) return
  const fits = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):([1-9]\d{0,4})$/.exec(endpoint)
  if (fits !== null && Number(fits[1]) <= 65_535) return
  if (/^unix:\/\/(?:\/|@)[^\0]+$/.test(endpoint)) return
  const message = `${JSON.stringify(endpoint)} is no endpoint of the application`
  const mend = 'Write 127.0.0.1:PORT, 0.0.0.0:PORT or unix:///path/of/socket.'
  yield { at: ['defaultEndpoint'], code: 'bad-format', message, mend }
}

function* checkUnknown(policy: { readonly mode?: string; readonly egressProxy?: unknown }): Iterable<Finding> {
  if (policy.mode !== 'REGISTRY_ONLY' || policy.egressProxy === undefined) return
  const message = 'has no effect with mode REGISTRY_ONLY, which refuses calls of unknown hosts'
  yield { at: ['egressProxy'], code: 'conflicting-fields', message, mend: 'Write mode: ALLOW_ANY, or remove it.' }
}
