// Schema of Istio's DestinationRule.
import {
  doc,
  duplicates,
  type Finding,
  list,
  number,
  object,
  portNumber,
  type Schema,
  text,
  uint32,
  word,
} from '../../schema/schema.ts'
import { exportTo, labels } from '../match-schema.ts'
import { selector } from '../../security/selector-schema.ts'
import { connectionPool, loadBalancer, outlierDetection } from './connection-schema.ts'
import { clientTls } from './tls-schema.ts'

const perPort = {
  loadBalancer: doc('How an endpoint is chosen.', loadBalancer),
  connectionPool: doc('Limits towards the host.', connectionPool),
  outlierDetection: doc('Leaves endpoints out for a while that fail.', outlierDetection),
  tls: doc('TLS towards the host; workloads of the mesh get mutual TLS without it.', clientTls),
}

const portPolicy = object(
  {
    port: doc('The port it is about.', object({ number: doc('Its number.', portNumber) }, { required: ['number'] })),
    ...perPort,
  },
  { required: ['port'] },
)

const tunnel = object(
  {
    protocol: doc('Method that asks for the tunnel; CONNECT unless written.', {
      ...word(['CONNECT', 'POST']),
      'x-refused-weft-values': { POST: 'Write CONNECT.' },
    }),
    targetHost: doc('Host at the end of the tunnel.', text('target-host')),
    targetPort: doc('Port at the end of the tunnel.', portNumber),
  },
  { required: ['targetHost', 'targetPort'] },
)

const trafficPolicy = object({
  ...perPort,
  portLevelSettings: doc(
    'Settings of single ports; each replaces all others for its port.',
    list(portPolicy, { max: 4096, check: checkPortPolicies }),
  ),
  tunnel: doc('Sends TCP and TLS on through the host, which is a forward proxy; HTTP is not.', tunnel),
  proxyProtocol: doc(
    'Tells the far end the address of the client.',
    object({ version: doc('Version of the PROXY protocol; V1 unless written.', word(['V1', 'V2'])) }),
  ),
  retryBudget: doc(
    'Limits retries to a share of the requests.',
    object({
      percent: doc('Share of active requests that may be retries; 20 unless written.', number(0, 100)),
      minRetryConcurrency: doc('Retries that are always allowed; 3 unless written.', uint32),
      budgetInterval: doc(
        'The share is that of the requests that began in this time, instead of those in flight.',
        text('duration'),
      ),
    }),
  ),
})

const subset = object(
  {
    name: doc('Name that routes use.', text('dns-label')),
    labels: doc('Labels of its workloads.', labels),
    trafficPolicy: doc('Settings of the subset, over those of the host.', trafficPolicy),
  },
  { required: ['name'] },
)

/** Schema of `spec`. */
export const destinationRuleSchema: Schema = object(
  {
    host: doc('Name of a Service or ServiceEntry; without dots one of the own namespace.', text('host')),
    trafficPolicy: doc('Settings of traffic to the host.', trafficPolicy),
    subsets: doc('Named sets of its workloads.', list(subset, { check: checkSubsets })),
    exportTo,
    workloadSelector: doc('Clients of the own namespace that it is for; all clients unless written.', selector),
  },
  { required: ['host'] },
)

function* checkPortPolicies(policies: readonly { readonly port: { readonly number: number } }[]): Iterable<Finding> {
  yield* duplicates(
    policies.map((policy) => policy.port.number),
    'port',
    ['port', 'number'],
  )
}

function* checkSubsets(subsets: readonly { readonly name: string }[]): Iterable<Finding> {
  yield* duplicates(
    subsets.map((each) => each.name),
    'name',
    ['name'],
  )
}
