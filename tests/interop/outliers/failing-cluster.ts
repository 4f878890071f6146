// Clusters whose endpoints fail as requests tell them to, and what the engine makes of it.
import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import {
  type Cluster,
  compileCluster,
  type EndpointSet,
  makePicker,
  OutlierDetector,
  type Picker,
  plainHead,
  requestHash,
  type RequestResult,
} from '@weft/engine'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import type { Dice } from '../matchers/random.ts'

/** A request that decides what its endpoint does: a status, or `reset`. */
export interface Failing {
  readonly user: string
  readonly wish: string
}

/** A cluster and requests to it. */
export interface FailingCluster {
  readonly name: string
  readonly json: JsonObject
  readonly requests: readonly Failing[]
}

const requestsEach = 30
const users = ['jason', 'amy', 'bob', 'eve', 'x', '42', 'ann', 'zoe']

/** Makes one of some of the ports. Nobody comes back while a test runs. */
export function failingCluster(dice: Dice, name: string, ports: readonly number[]): FailingCluster {
  const share = (): number => dice.pick([0, 100, 100])
  const some = ports.slice(0, 2 + dice.below(ports.length - 1))
  const json: JsonObject = {
    name,
    type: 'STATIC',
    connectTimeout: '5s',
    lbPolicy: dice.pick(['RING_HASH', 'MAGLEV']),
    commonLbConfig: {
      // Else Envoy gathers changes for a second before its workers hear of the second one.
      updateMergeWindow: '0s',
      ...(dice.chance(0.5) ? { healthyPanicThreshold: { value: dice.pick([0, 30, 70]) } } : {}),
    },
    outlierDetection: {
      interval: '600s',
      baseEjectionTime: '600s',
      consecutive5xx: 1 + dice.below(4),
      consecutiveGatewayFailure: 1 + dice.below(4),
      enforcingConsecutive5xx: share(),
      enforcingConsecutiveGatewayFailure: share(),
      enforcingSuccessRate: 0,
      maxEjectionPercent: dice.pick([10, 34, 50, 60, 100, 100]),
      ...(dice.chance(0.3) ? { alwaysEjectOneHost: true } : {}),
      ...(dice.chance(0.4)
        ? {
            splitExternalLocalOriginErrors: true,
            consecutiveLocalOriginFailure: 1 + dice.below(3),
            enforcingConsecutiveLocalOriginFailure: share(),
            enforcingLocalOriginSuccessRate: 0,
          }
        : {}),
    },
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: some.map((portValue) => ({
            endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } },
          })),
        },
      ],
    },
  }
  // Mostly the same few, which mostly fail: else counts hardly ever come together.
  const few = users.slice(0, 2 + dice.below(users.length - 1))
  const wishes = dice.pick([
    ['500', '500', '503', '200'],
    ['502', '503', '504', '500', '404'],
    ['reset', 'reset', '503', '200'],
    ['501', '503', 'reset', '599'],
  ])
  const requests = dice.list(requestsEach, requestsEach, () => ({ user: dice.pick(few), wish: dice.pick(wishes) }))
  return { name, json, requests }
}

/** What the engine says becomes of each request. */
export class OutlierModel {
  readonly #cluster: Cluster
  readonly #endpoints: EndpointSet
  readonly #keys: readonly string[]
  readonly #detector: OutlierDetector
  readonly #told: string[] = []
  #picker: Picker
  /** Whether the last request went to an endpoint that is left out: most have failed. */
  wasLeftOut = false

  constructor({ json }: FailingCluster) {
    const compiled = compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json)), {})
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
    const { discovery, outlier } = compiled.value
    if (discovery.kind !== 'static' || outlier === undefined) throw new Error('a STATIC cluster with outlier detection')
    this.#cluster = compiled.value
    this.#endpoints = discovery.endpoints
    this.#keys = discovery.endpoints.localities.flatMap(({ endpoints }) => endpoints.map(({ key }) => key))
    this.#detector = new OutlierDetector(outlier)
    this.#picker = makePicker(this.#cluster, this.#endpoints)
    this.#told.push(JSON.stringify({ ...json, loadAssignment: undefined }))
  }

  /** How many are left out now. */
  get leftOut(): number {
    return this.#detector.ejected.size
  }

  /** Configuration and history. */
  get text(): string {
    return this.#told.join('\n')
  }

  ask({ user, wish }: Failing): { readonly status: number; readonly endpoint: number | undefined } {
    const head = plainHead({ method: 'GET', path: '/', authority: 'a', headers: { 'x-user': user } })
    const { hash } = requestHash([{ kind: 'header', name: 'x-user', rewrite: undefined, terminal: false }], {
      head,
      connection,
      random: 0,
    })
    const pick = this.#picker.pick({ random: () => 0, activeRequests: () => 0, previous: [], hash })
    if (pick.kind !== 'picked') {
      this.#told.push(`${user} ${wish}: ${pick.kind}`)
      return { status: 503, endpoint: undefined }
    }
    const { key } = pick.endpoint
    this.wasLeftOut = this.#detector.ejected.has(key)
    const told = (result: RequestResult): boolean =>
      this.#detector.onResult(key, result, { nowMs: 0, total: this.#keys.length, draw: () => 0 })
    told('connected')
    if (told(wish === 'reset' ? 'local-failure' : { status: Number(wish) }))
      this.#picker = makePicker(this.#cluster, this.#endpoints, this.#detector.ejected, this.#picker)
    const endpoint = this.#keys.indexOf(key)
    this.#told.push(`${user} ${wish}: endpoint ${endpoint}, ${this.leftOut} left out`)
    return { status: wish === 'reset' ? 503 : Number(wish), endpoint }
  }
}

const connection = {
  localAddress: '127.0.0.1',
  localPort: 80,
  remoteAddress: '127.0.0.1',
  remotePort: 40_000,
  sni: undefined,
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
  tls: false,
  peerNames: [],
} as const
