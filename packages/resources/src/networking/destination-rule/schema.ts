// Schema of Istio's DestinationRule.
import {
  boolean,
  duplicates,
  type Finding,
  integer,
  list,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { exportTo, labels } from '../match-schema.ts'

const count = integer(1, 2_147_483_647)
const noLocality = 'There are no localities yet; remove the field.'

const loadBalancer = object(
  {
    simple: word(['ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN', 'RANDOM', 'UNSPECIFIED'], {
      PASSTHROUGH: 'Use LEAST_REQUEST.',
    }),
  },
  {
    unsupported: {
      consistentHash: 'Use simple: LEAST_REQUEST.',
      localityLbSetting: noLocality,
      warmup: 'Remove the field.',
      warmupDurationSecs: 'Remove the field.',
    },
  },
)

const connectionPool = object({
  tcp: object(
    { maxConnections: count, connectTimeout: text('positive-duration') },
    {
      unsupported: {
        tcpKeepalive: 'Remove the field.',
        maxConnectionDuration: 'Remove the field.',
        idleTimeout: 'Write http.idleTimeout for HTTP; it is not supported for TCP yet.',
      },
    },
  ),
  http: object(
    {
      http1MaxPendingRequests: count,
      http2MaxRequests: count,
      maxRequestsPerConnection: integer(0, 2_147_483_647),
      maxRetries: integer(0, 2_147_483_647),
      idleTimeout: text('duration'),
      h2UpgradePolicy: word(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']),
      useClientProtocol: boolean,
      maxConcurrentStreams: count,
    },
    {
      unsupported: {
        http2KeepAlive: 'Remove the field.',
      },
    },
  ),
})

const ownCertificates = 'Only mutual TLS within the mesh is supported for now; use ISTIO_MUTUAL or DISABLE.'

const tls = object(
  { mode: word(['DISABLE', 'ISTIO_MUTUAL'], { SIMPLE: ownCertificates, MUTUAL: ownCertificates }) },
  {
    required: ['mode'],
    unsupported: Object.fromEntries(
      ['clientCertificate', 'privateKey', 'caCertificates', 'credentialName', 'subjectAltNames', 'sni', 'caCrl']
        .map((field) => [field, ownCertificates])
        .concat([['insecureSkipVerify', 'Verification of servers cannot be turned off; remove the field.']]),
    ),
  },
)

const perPort = { loadBalancer, connectionPool, tls }
const unsupportedPolicy = {
  outlierDetection: 'Remove the field.',
  tunnel: 'Remove the field.',
  proxyProtocol: 'Remove the field.',
  retryBudget: 'Remove the field.',
}

const portPolicy = object(
  { port: object({ number: portNumber }, { required: ['number'] }), ...perPort },
  { required: ['port'], unsupported: unsupportedPolicy },
)

const trafficPolicy = object(
  { ...perPort, portLevelSettings: list(portPolicy, { check: checkPortPolicies }) },
  { unsupported: unsupportedPolicy },
)

const subset = object({ name: text('dns-label'), labels, trafficPolicy }, { required: ['name'] })

/** Schema of `spec`. */
export const destinationRuleSchema: Schema = object(
  { host: text('host'), trafficPolicy, subsets: list(subset, { check: checkSubsets }), exportTo },
  { required: ['host'], unsupported: { workloadSelector: 'The rule applies to every client; remove the field.' } },
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
