// The share of an endpoint that has just joined, on real sockets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { assignment, everythingTo, httpListener, startProxy } from './proxy-under-test.ts'
import { answering, converse, type RawBackend } from './raw-http.ts'

const get = 'GET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n'
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const requestsOf = (backend: RawBackend): number => backend.received.join('').split('GET ').length - 1

for (const [lbPolicy, config] of [
  ['ROUND_ROBIN', 'roundRobinLbConfig'],
  ['LEAST_REQUEST', 'leastRequestLbConfig'],
] as const) {
  test(`an endpoint that joins a ${lbPolicy} cluster with slow start begins with a small share`, async (t) => {
    const [old, young] = await Promise.all([answering(ok), answering(ok)])
    const cluster = (slow: JsonObject): JsonObject => ({
      name: 'b',
      type: 'EDS',
      lbPolicy,
      edsClusterConfig: { edsConfig: { ads: {} } },
      [config]: slow,
    })
    const listeners = [httpListener('in', everythingTo('b'))]
    const proxy = await startProxy({ listeners, clusters: [cluster({})] })
    t.after(async () => {
      await proxy.close()
      await Promise.all([old.close(), young.close()])
    })
    proxy.setEndpoints('b', assignment('b', [old.port]))
    const slowStartConfig = { slowStartWindow: '600s', minWeightPercent: { value: 5 } }
    proxy.apply({ listeners, clusters: [cluster({ slowStartConfig })] })
    proxy.setEndpoints('b', assignment('b', [old.port, young.port]))
    for (let at = 0; at < 80; at++) await converse(proxy.portOf('in'), [get])
    const share = requestsOf(young)
    assert.equal(requestsOf(old) + share, 80)
    assert.ok(share < 20, `${share} of 80`)
  })
}
