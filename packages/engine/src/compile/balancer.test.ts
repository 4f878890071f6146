import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { compileCluster } from './cluster.ts'

const compiled = (json: JsonObject) =>
  compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, { name: 'c', ...json })), {})

test('slow start of both policies is kept, with the defaults of Envoy; without a window there is none', () => {
  const balancer = (json: JsonObject) => {
    const result = compiled(json)
    assert.ok(result.ok, JSON.stringify(result))
    assert.deepEqual(result.value.unlisted, [])
    return result.value.balancer
  }
  assert.deepEqual(balancer({ roundRobinLbConfig: { slowStartConfig: { slowStartWindow: '30s' } } }), {
    policy: 'round-robin',
    slowStart: { windowMs: 30_000, aggression: 1, minWeightPercent: 10 },
  })
  const slowStartConfig = {
    slowStartWindow: '5s',
    aggression: { defaultValue: 2, runtimeKey: 'a' },
    minWeightPercent: { value: 0 },
  }
  assert.deepEqual(balancer({ lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { slowStartConfig } }), {
    policy: 'least-request',
    choiceCount: 2,
    activeRequestBias: 1,
    slowStart: { windowMs: 5_000, aggression: 2, minWeightPercent: 0 },
  })
  assert.deepEqual(balancer({ roundRobinLbConfig: { slowStartConfig: {} } }), { policy: 'round-robin' })
})

test('an aggression or a share that means nothing refuses the cluster', () => {
  const field = (slowStartConfig: JsonObject) => {
    const result = compiled({ roundRobinLbConfig: { slowStartConfig: { slowStartWindow: '1s', ...slowStartConfig } } })
    return result.ok ? 'accepted' : result.error.field
  }
  const at = 'round_robin_lb_config.slow_start_config'
  assert.equal(field({ aggression: { defaultValue: 0, runtimeKey: 'a' } }), `${at}.aggression`)
  assert.equal(field({ minWeightPercent: { value: 101 } }), `${at}.min_weight_percent`)
})

test('rates that eject are read, with the defaults of Envoy, and none is left unread', () => {
  const result = compiled({
    outlierDetection: { successRateRequestVolume: 7, enforcingFailurePercentageLocalOrigin: 3 },
  })
  assert.ok(result.ok)
  assert.deepEqual(result.value.unlisted, [])
  const rates = {
    successRateMinimumHosts: 5,
    successRateVolume: 7,
    successRateStdevFactor: 1_900,
    enforcingSuccessRatePercent: 100,
    failureThresholdPercent: 85,
    failureMinimumHosts: 5,
    failureVolume: 50,
    enforcingFailurePercent: 0,
  }
  assert.deepEqual(result.value.outlier?.rates, rates)
  assert.deepEqual(result.value.outlier?.localRates, { ...rates, enforcingFailurePercent: 3 })
})
