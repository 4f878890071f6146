import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { Http2ProtocolOptionsSchema } from '@weft/xds/es/envoy/config/core/v3/protocol'
import { readHttp2ProtocolOptions } from '@weft/xds/lean'
import { compileHttp2Options, defaultHttp2Options } from './http2-options.ts'
import { attempt } from './refusal.ts'

const compiled = (json: JsonObject, unlisted: string[] = []) =>
  attempt(() => {
    const bytes = toBinary(Http2ProtocolOptionsSchema, fromJson(Http2ProtocolOptionsSchema, json))
    return compileHttp2Options('o', readHttp2ProtocolOptions(bytes, unlisted))
  })

test('what is set is kept, what is not is left to the codec', () => {
  assert.deepEqual(compiled({}), { ok: true, value: defaultHttp2Options })
  const all = compiled({
    ...{ hpackTableSize: 0, maxConcurrentStreams: 7, initialStreamWindowSize: 65_535, allowConnect: true },
    ...{ maxOutboundFrames: 9, maxOutboundControlFrames: 8, maxInboundPriorityFramesPerStream: 0 },
    ...{ connectionKeepalive: { interval: '30s', timeout: '5s', connectionIdleInterval: '10s' } },
  })
  assert.deepEqual(all, {
    ok: true,
    value: {
      ...defaultHttp2Options,
      ...{ hpackTableBytes: 0, maxConcurrentStreams: 7, initialStreamWindowBytes: 65_535, allowConnect: true },
      ...{ maxOutboundFrames: 9, maxOutboundControlFrames: 8, maxPriorityFramesPerStream: 0 },
      keepAlive: { intervalMs: 30_000, idleMs: 10_000, timeoutMs: 5_000 },
    },
  })
})

test("Envoy's bounds are ours, and what nobody reads is listed", () => {
  const field = (json: JsonObject): string => {
    const result = compiled(json)
    return result.ok ? 'accepted' : result.error.field
  }
  assert.equal(field({ maxConcurrentStreams: 0 }), 'o.max_concurrent_streams')
  assert.equal(field({ initialStreamWindowSize: 65_534 }), 'o.initial_stream_window_size')
  assert.equal(field({ initialConnectionWindowSize: 2 ** 31 }), 'o.initial_connection_window_size')
  assert.equal(field({ maxOutboundControlFrames: 0 }), 'o.max_outbound_control_frames')
  assert.equal(field({ connectionKeepalive: { interval: '1s' } }), 'o.connection_keepalive.timeout')
  const unlisted: string[] = []
  assert.ok(compiled({ connectionKeepalive: { timeout: '1s', intervalJitter: { value: 5 } } }, unlisted).ok)
  assert.match(unlisted.join(), /KeepaliveSettings\.interval_jitter/)
})
