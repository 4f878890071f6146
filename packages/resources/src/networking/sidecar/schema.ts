// Schema of Istio's Sidecar.
import { doc, list, object, pending, refused, type Schema, text, word } from '../../schema/schema.ts'
import { connectionPool } from '../destination-rule/connection-schema.ts'
import { serverTls } from '../gateway/schema.ts'
import { destination, serverPort, workloadLabels } from '../match-schema.ts'

const noListeners = 'listeners follow from the Services of the workload'
const seesAll = 'every workload sees every host that is exported to it'
const capture = word(['DEFAULT', 'IPTABLES', 'NONE'])

const ingress = object(
  {
    port: doc('Port that is served.', serverPort),
    bind: doc('Address to bind.', text('not-empty')),
    captureMode: doc('How connections reach it.', capture),
    defaultEndpoint: doc('Where the application listens.', text('not-empty')),
    tls: doc(
      'TLS of the port.',
      refused('A port without the TLS that was asked for would be open; remove the field.', serverTls),
    ),
    connectionPool: doc('Limits towards the application.', connectionPool),
  },
  { required: ['port'] },
)

const egress = object(
  {
    port: doc('Port that is served.', serverPort),
    bind: doc('Address to bind.', text('not-empty')),
    captureMode: doc('How connections reach it.', capture),
    hosts: doc('Hosts it may call, as namespace/host.', list(text('egress-host'), { min: 1 })),
  },
  { required: ['hosts'] },
)

/** Schema of `spec`. */
export const sidecarSchema: Schema = object({
  workloadSelector: doc(
    'Workloads it is for; without it all of the namespace.',
    pending('nothing of this object is applied to any workload', workloadLabels),
  ),
  ingress: doc('Listeners towards the application.', pending(noListeners, list(ingress))),
  egress: doc('Which hosts the workloads may call.', pending(seesAll, list(egress))),
  inboundConnectionPool: doc('Limits towards the application.', pending('there are no such limits', connectionPool)),
  outboundTrafficPolicy: doc(
    'What happens to calls of unknown hosts.',
    pending(
      'unknown hosts are refused in explicit mode and passed through when traffic is redirected',
      object({
        mode: doc('REGISTRY_ONLY: refused; ALLOW_ANY: passed through.', word(['REGISTRY_ONLY', 'ALLOW_ANY'])),
        egressProxy: doc('Where they are sent.', destination),
      }),
    ),
  ),
})
