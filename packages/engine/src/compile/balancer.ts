// How a cluster chooses endpoints: `lb_policy` and its settings, or `load_balancing_policy`, which takes their place.
import * as lean from '@weft/xds/lean'
import type { Balancer, Cluster, SlowStart } from '../model.ts'
import { type Context, readPart, refuse } from './refusal.ts'

/** What a cluster says about balancing. */
export type Balancing = Pick<Cluster, 'balancer' | 'localityShares'>

const ringLimit = 8_388_608
const tableLimit = 5_000_011

/** The balancing of a cluster. */
export function compileBalancing(context: Context, cluster: lean.Cluster): Balancing {
  if (cluster.loadBalancingPolicy !== undefined) return compileTyped(context, cluster.loadBalancingPolicy)
  const localityShares = cluster.commonLbConfig?.localityWeightedLbConfig !== undefined
  return { balancer: compileByName(context, cluster), localityShares }
}

function compileByName(context: Context, cluster: lean.Cluster): Balancer {
  switch (cluster.lbPolicy) {
    case 'ROUND_ROBIN':
      return { policy: 'round-robin', ...slowStart('round_robin_lb_config', cluster.roundRobinLbConfig) }
    case 'RANDOM':
      return { policy: 'random' }
    case 'CLUSTER_PROVIDED':
      return { policy: 'original-dst' }
    case 'LEAST_REQUEST':
      return leastRequest('least_request_lb_config', cluster.leastRequestLbConfig)
    case 'RING_HASH': {
      const { hashFunction, minimumRingSize, maximumRingSize } = cluster.ringHashLbConfig ?? {}
      if (hashFunction === 'MURMUR_HASH_2') murmur(context)
      const byHostname = hashesHostnames(context, cluster.commonLbConfig?.consistentHashingLbConfig)
      return ring('ring_hash_lb_config', { minimumRingSize, maximumRingSize, byHostname })
    }
    case 'MAGLEV': {
      const byHostname = hashesHostnames(context, cluster.commonLbConfig?.consistentHashingLbConfig)
      return maglev('maglev_lb_config', cluster.maglevLbConfig?.tableSize, byHostname)
    }
    default:
      return refuse('lb_policy', `${cluster.lbPolicy} is not supported`)
  }
}

/** The first policy we have, as Envoy takes the first it has. */
function compileTyped(context: Context, { policies }: lean.LoadBalancingPolicy): Balancing {
  for (const [index, { typedExtensionConfig }] of policies.entries()) {
    const at = `load_balancing_policy.policies[${index}].typed_extension_config.typed_config`
    const found = compileOne(context, at, typedExtensionConfig?.typedConfig)
    if (found !== undefined) return found
  }
  const types = policies.map((each) => each.typedExtensionConfig?.typedConfig?.typeUrl ?? 'nothing')
  return refuse('load_balancing_policy.policies', `none is known: ${types.join(', ')}`)
}

function compileOne(
  context: Context,
  at: string,
  any: { readonly typeUrl: string; readonly value: Uint8Array } | undefined,
): Balancing | undefined {
  switch (any?.typeUrl) {
    case lean.typeUrls.RoundRobinLb: {
      const policy = readPart(context, at, lean.readRoundRobinLb, any.value)
      const localityShares = sharesOf(context, policy.localityLbConfig)
      return { balancer: { policy: 'round-robin', ...slowStart(at, policy) }, localityShares }
    }
    case lean.typeUrls.LeastRequestLb: {
      const policy = readPart(context, at, lean.readLeastRequestLb, any.value)
      return { balancer: leastRequest(at, policy), localityShares: sharesOf(context, policy.localityLbConfig) }
    }
    case lean.typeUrls.RandomLb: {
      const policy = readPart(context, at, lean.readRandomLb, any.value)
      return { balancer: { policy: 'random' }, localityShares: sharesOf(context, policy.localityLbConfig) }
    }
    case lean.typeUrls.RingHashLb: {
      const policy = readPart(context, at, lean.readRingHashLb, any.value)
      if (policy.hashFunction === 'MURMUR_HASH_2') murmur(context)
      const byHostname =
        hashesHostnames(context, policy.consistentHashingLbConfig) || policy.useHostnameForHashing === true
      const localityShares = policy.localityWeightedLbConfig !== undefined
      return { balancer: ring(at, { ...policy, byHostname }), localityShares }
    }
    case lean.typeUrls.MaglevLb: {
      const policy = readPart(context, at, lean.readMaglevLb, any.value)
      const byHostname = hashesHostnames(context, policy.consistentHashingLbConfig)
      const localityShares = policy.localityWeightedLbConfig !== undefined
      return { balancer: maglev(at, policy.tableSize, byHostname), localityShares }
    }
    default:
      return undefined
  }
}

function sharesOf(context: Context, config: lean.LocalityLbConfig | undefined): boolean {
  if (config?.zoneAwareLbConfig !== undefined)
    context.unlisted.push('envoy.extensions.load_balancing_policies.common.v3.LocalityLbConfig.zone_aware_lb_config')
  return config?.localityWeightedLbConfig !== undefined
}

interface SlowStartHolder {
  readonly slowStartConfig:
    | {
        readonly slowStartWindow: number | undefined
        readonly aggression: { readonly defaultValue: number } | undefined
        readonly minWeightPercent: { readonly value: number } | undefined
      }
    | undefined
}

function slowStart(at: string, holder: SlowStartHolder | undefined): { readonly slowStart?: SlowStart } {
  const config = holder?.slowStartConfig
  // As in Envoy: without a window nothing starts slowly.
  if (config?.slowStartWindow === undefined || config.slowStartWindow <= 0) return {}
  const aggression = config.aggression?.defaultValue ?? 1
  if (!(aggression > 0)) return refuse(`${at}.slow_start_config.aggression`, 'must be more than 0')
  const minWeightPercent = config.minWeightPercent?.value ?? 10
  if (!(minWeightPercent >= 0 && minWeightPercent <= 100))
    return refuse(`${at}.slow_start_config.min_weight_percent`, 'must be 0 to 100')
  return { slowStart: { windowMs: config.slowStartWindow, aggression, minWeightPercent } }
}

function murmur(context: Context): void {
  context.unlisted.push('envoy.config.cluster.v3.Cluster.RingHashLbConfig.hash_function=MURMUR_HASH_2')
}

interface HashingConfig {
  readonly useHostnameForHashing: boolean
  readonly hashBalanceFactor: number | undefined
}

function hashesHostnames(context: Context, config: HashingConfig | undefined): boolean {
  if (config?.hashBalanceFactor !== undefined)
    context.unlisted.push(
      'envoy.config.cluster.v3.Cluster.CommonLbConfig.ConsistentHashingLbConfig.hash_balance_factor',
    )
  return config?.useHostnameForHashing === true
}

interface LeastRequestConfig extends SlowStartHolder {
  readonly choiceCount: number | undefined
  readonly activeRequestBias: { readonly defaultValue: number } | undefined
}

function leastRequest(at: string, config: LeastRequestConfig | undefined): Balancer {
  const choiceCount = config?.choiceCount ?? 2
  if (choiceCount < 2) return refuse(`${at}.choice_count`, 'must be at least 2')
  const bias = config?.activeRequestBias?.defaultValue ?? 1
  if (!(bias >= 0)) return refuse(`${at}.active_request_bias`, 'must not be negative')
  return { policy: 'least-request', choiceCount, activeRequestBias: bias, ...slowStart(at, config) }
}

interface RingConfig {
  readonly minimumRingSize: number | bigint | undefined
  readonly maximumRingSize: number | bigint | undefined
  readonly byHostname: boolean
}

function ring(at: string, { minimumRingSize, maximumRingSize, byHostname }: RingConfig): Balancer {
  const minimumSize = Number(minimumRingSize ?? 1024)
  const maximumSize = Number(maximumRingSize ?? ringLimit)
  if (minimumSize > ringLimit) return refuse(`${at}.minimum_ring_size`, `must be at most ${ringLimit}`)
  if (maximumSize > ringLimit) return refuse(`${at}.maximum_ring_size`, `must be at most ${ringLimit}`)
  if (minimumSize > maximumSize) return refuse(`${at}.minimum_ring_size`, 'is more than maximum_ring_size')
  return { policy: 'ring-hash', minimumSize, maximumSize, byHostname }
}

function maglev(at: string, size: number | bigint | undefined, byHostname: boolean): Balancer {
  const tableSize = Number(size ?? 65_537)
  if (tableSize > tableLimit) return refuse(`${at}.table_size`, `must be at most ${tableLimit}`)
  if (!isPrime(tableSize)) return refuse(`${at}.table_size`, `${tableSize} is not a prime number`)
  return { policy: 'maglev', tableSize, byHostname }
}

function isPrime(candidate: number): boolean {
  if (candidate < 3) return false
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false
  return true
}
