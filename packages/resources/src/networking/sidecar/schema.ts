// Schema of Istio's Sidecar.
import {
  doc,
  type Finding,
  list,
  object,
  pending,
  portNumber,
  refused,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { connectionPool } from '../destination-rule/connection-schema.ts'
import { serverTls } from '../gateway/schema.ts'
import { destination, serverPort, workloadLabels } from '../match-schema.ts'

const ports = {
  ...serverPort,
  properties: {
    ...serverPort.properties,
    targetPort: doc('Old: port behind it.', pending('the port itself is meant', portNumber)),
  },
}

/** Applications are spoken to as their ports say, whatever comes in. */
const pool = without(connectionPool, ['useClientProtocol', 'h2UpgradePolicy'])

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
      'TLS of the port.',
      refused('A port without the TLS that was asked for would be open; remove the field.', serverTls),
    ),
    connectionPool: doc('Limits towards the application.', pool),
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
  inboundConnectionPool: doc('Limits towards the application.', pool),
  outboundTrafficPolicy: doc(
    'What happens to calls of unknown hosts.',
    object({
      mode: doc(
        'REGISTRY_ONLY: refused; ALLOW_ANY: passed on where traffic is redirected.',
        word(['REGISTRY_ONLY', 'ALLOW_ANY']),
      ),
      egressProxy: doc('Where they are sent.', pending('calls of unknown hosts are passed on directly', destination)),
    }),
  ),
})

interface WrittenIngress {
  readonly port?: { readonly number?: number }
  readonly defaultEndpoint?: string
}

function* checkIngress({ port, defaultEndpoint: endpoint }: WrittenIngress): Iterable<Finding> {
  if (port?.number === undefined) {
    yield { at: ['port'], code: 'missing-field', message: 'has no `number`', mend: 'Add the port to serve.' }
  }
  if (endpoint === undefined) return
  const fits = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):([1-9]\d{0,4})$/.exec(endpoint)
  if (fits !== null && Number(fits[1]) <= 65_535) return
  if (/^unix:\/\/(?:\/|@)[^\0]+$/.test(endpoint)) return
  const message = `${JSON.stringify(endpoint)} is no endpoint of the application`
  const mend = 'Write 127.0.0.1:PORT, 0.0.0.0:PORT or unix:///path/of/socket.'
  yield { at: ['defaultEndpoint'], code: 'bad-format', message, mend }
}

/** A pool of which some fields have no effect. */
function without(schema: Schema, names: readonly string[]): Schema {
  const properties = Object.entries(schema.properties ?? {}).map(([name, field]): [string, Schema] => {
    if (names.includes(name)) return [name, pending('the application is spoken to as its port says', field)]
    return [name, field.properties === undefined ? field : without(field, names)]
  })
  return { ...schema, properties: Object.fromEntries(properties) }
}
