import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { compileCluster } from './cluster.ts'

test('probes of idle connections have the defaults of Linux, stay within its bounds, and are off with a 0', () => {
  const keepAlive = (tcpKeepalive: JsonObject) => {
    const json = { name: 'c', upstreamConnectionOptions: { tcpKeepalive } }
    const result = compileCluster(toBinary(ClusterSchema, fromJson(ClusterSchema, json)), {})
    assert.ok(result.ok)
    assert.deepEqual(result.value.unlisted, [])
    return result.value.keepAlive
  }
  assert.deepEqual(keepAlive({}), { idleSeconds: 7_200, intervalSeconds: 75, probes: 9 })
  assert.deepEqual(keepAlive({ keepaliveTime: 30, keepaliveInterval: 40_000, keepaliveProbes: 4_294_967_295 }), {
    idleSeconds: 30,
    intervalSeconds: 32_767,
    probes: 127,
  })
  for (const off of [{ keepaliveTime: 0 }, { keepaliveInterval: 0 }, { keepaliveProbes: 0 }])
    assert.equal(keepAlive(off), undefined)
})
