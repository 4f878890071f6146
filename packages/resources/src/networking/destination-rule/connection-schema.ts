// Schemas of connection pools, load balancing and outlier detection.
import {
  boolean,
  doc,
  exactlyOne,
  type Finding,
  integer,
  list,
  mapOf,
  number,
  object,
  type Schema,
  text,
  uint32,
  word,
} from '../../schema/schema.ts'

const count = integer(1, 2_147_483_647)
const ratio = number(0, 100)
/** What Envoy takes. */
const ringSize = integer(0, 8_388_608)

const failover = list(
  object({ from: doc('Region that fails.', text('no-nul')), to: doc('Region to use then.', text('no-nul')) }),
)
const locality = {
  failover: doc('Where a region fails over to.', failover),
  failoverPriority: doc('Labels whose values must agree, most important first.', list(text('not-empty'))),
  enabled: doc('Whether it applies.', boolean),
}

const consistentHash = object(
  {
    httpHeaderName: doc('Header to hash.', text('hashed-header')),
    httpCookie: doc(
      'Cookie to hash.',
      object(
        {
          name: doc('Its name.', text('not-empty')),
          path: doc('Its path when the proxy makes it.', text('no-nul')),
          ttl: doc('How long it lives when the proxy makes it; 0s: for the session.', text('duration')),
          attributes: doc(
            'Further attributes when the proxy makes it.',
            list(
              object(
                {
                  name: doc('Name of the attribute.', text('not-empty')),
                  value: doc('Its value.', text('no-nul')),
                },
                { required: ['name'] },
              ),
            ),
          ),
        },
        { required: ['name'] },
      ),
    ),
    useSourceIp: doc('Hashes the address of the client.', boolean),
    httpQueryParameterName: doc('Query parameter to hash.', text('not-empty')),
    ringHash: doc('Hash ring.', object({ minimumRingSize: doc('Least number of points on it.', ringSize) })),
    maglev: doc(
      'Maglev table.',
      object({
        tableSize: doc('Size of the table, a prime number.', { ...integer(0, 5_000_011), 'x-check': checkPrime }),
      }),
    ),
    minimumRingSize: doc('Old form of `ringHash.minimumRingSize`.', ringSize),
  },
  { check: checkHash },
)

function* checkHash(value: object): Iterable<Finding> {
  yield* exactlyOne(['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'], 0)(value)
  yield* exactlyOne(['ringHash', 'maglev'], 0)(value)
}

function* checkPrime(size: number): Iterable<Finding> {
  if (size === 0 || isPrime(size)) return
  const message = `${size} is not a prime number`
  yield { code: 'unknown-value', message, mend: 'Use one, such as 65537, which is the default.' }
}

function isPrime(candidate: number): boolean {
  if (candidate < 2) return false
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false
  return true
}

/** `localityLbSetting`, of a DestinationRule or the whole mesh. */
export const localityLbSetting: Schema = object({
  distribute: doc(
    'Shares of the traffic by locality.',
    list(
      object({
        from: doc('Locality of the client; `*` ends it.', text('no-nul')),
        to: doc('Percent by locality.', mapOf(integer(0, 100), 'not-empty')),
      }),
    ),
  ),
  ...locality,
})

/** `loadBalancer`. */
export const loadBalancer: Schema = object(
  {
    simple: doc(
      'How an endpoint is chosen; LEAST_REQUEST unless written. PASSTHROUGH: the address that the caller dialled, where the kernel redirects; who names a host instead gets LEAST_REQUEST.',
      word(['ROUND_ROBIN', 'LEAST_REQUEST', 'LEAST_CONN', 'RANDOM', 'UNSPECIFIED', 'PASSTHROUGH']),
    ),
    consistentHash: doc('Sends what has the same hash to the same endpoint.', consistentHash),
    localityLbSetting: doc('Which localities get traffic.', localityLbSetting),
    zoneAwareLbSetting: doc(
      'Keeps traffic in the zone of the client as far as its endpoints can bear it; goes before `localityLbSetting`.',
      object({
        ...locality,
        enabled: doc('Turns it on; off unless written.', boolean),
        minClusterSize: doc('With fewer endpoints all zones are alike; 6 unless written.', count),
      }),
    ),
    warmup: doc(
      'Lets the share of a new endpoint grow.',
      object(
        {
          duration: doc('How long it grows.', text('positive-duration')),
          minimumPercent: doc('Share it begins with, in percent; 10 unless written.', ratio),
          aggression: doc('How steeply it grows; 1 is a straight line.', number(0, Number.MAX_VALUE)),
        },
        { required: ['duration'] },
      ),
    ),
    warmupDurationSecs: doc('Old form of `warmup.duration`.', text('positive-duration')),
  },
  { check: exactlyOne(['simple', 'consistentHash'], 0) },
)

/** Probes on idle connections. */
export const keepalive: Schema = object({
  probes: doc('Unanswered probes after which a connection counts as dead.', uint32),
  time: doc('Idle time before the first probe.', text('positive-duration')),
  interval: doc('Pause between probes.', text('positive-duration')),
})

const pings = object({
  interval: doc('Pause between pings.', text('positive-duration')),
  timeout: doc('How long to wait for the answer.', text('positive-duration')),
})

/** `connectionPool`. */
export const connectionPool: Schema = object({
  tcp: doc(
    'Limits of connections.',
    object({
      maxConnections: doc('Most connections at a time.', count),
      connectTimeout: doc('Time limit of connecting; 10s unless written.', text('positive-duration')),
      tcpKeepalive: doc('Probes on idle connections.', keepalive),
      maxConnectionDuration: doc('Oldest age at which a connection for HTTP is used.', text('positive-duration')),
      idleTimeout: doc('How long a TCP connection may be idle.', text('duration')),
    }),
  ),
  http: doc(
    'Limits of requests.',
    object({
      http1MaxPendingRequests: doc('Most requests that wait for a connection.', count),
      http2MaxRequests: doc('Most requests at a time.', count),
      maxRequestsPerConnection: doc(
        'Requests after which a connection is closed; 0: no limit.',
        integer(0, 536_870_912),
      ),
      maxRetries: doc('Most retries at a time.', integer(0, 2_147_483_647)),
      idleTimeout: doc('How long a connection may be idle.', text('duration')),
      h2UpgradePolicy: doc(
        'HTTP/2 towards HTTP ports: where both proxies can, never, or always.',
        word(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']),
      ),
      useClientProtocol: doc('Sends on in the protocol that the request came in.', boolean),
      maxConcurrentStreams: doc('Most streams at a time on one HTTP/2 connection.', count),
      http2KeepAlive: doc('Pings on HTTP/2 connections.', pings),
    }),
  ),
})

/** `outlierDetection`. */
export const outlierDetection: Schema = object({
  splitExternalLocalOriginErrors: doc('Counts failures to connect apart from bad answers.', boolean),
  consecutiveLocalOriginFailures: doc('Failures to connect in a row that eject; needs the split.', uint32),
  consecutiveGatewayErrors: doc('Answers 502, 503 or 504 in a row that eject; 0: never.', uint32),
  consecutive5xxErrors: doc('Answers 5xx in a row that eject; 5 unless written, 0: never.', uint32),
  consecutiveErrors: doc('Old form of `consecutiveGatewayErrors`.', integer(0, 2_147_483_647)),
  interval: doc('How often endpoints are looked at; 10s unless written.', text('positive-duration')),
  baseEjectionTime: doc('How long the first ejection lasts; 30s unless written.', text('positive-duration')),
  maxEjectionPercent: doc('Most endpoints ejected at a time, in percent; 10 unless written.', integer(0, 100)),
  minHealthPercent: doc('Share of healthy endpoints below which all are used.', integer(0, 100)),
  outlierDetectionHttpErrorCodes: doc(
    'Statuses that count as errors of an endpoint, like 500, and no others do; those of 5xx unless written.',
    list(integer(100, 599)),
  ),
})
