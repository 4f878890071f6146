import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import {
  encodeDeltaResponse,
  encodeSotwResponse,
  newServerState,
  onDeltaRequest,
  onSotwRequest,
  onTable,
  passThroughService,
  resourceTable,
  type ServerEffect,
  typeUrl,
} from '@weft/xds'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { newNode, readDeltaDiscoveryRequest, readDiscoveryRequest } from '@weft/xds/lean'
import { sdsDialer } from '../../packages/proxy/src/xds/grpc-dialer.ts'
import { startSubscriber } from '../../packages/proxy/src/xds/xds-subscriber.ts'
import { testRuntime, until } from './test-runtime.ts'

/** A minimal SDS server: one secret, `default`, whose content can be changed. */
async function sdsServer(socketPath: string) {
  const push = new Set<() => void>()
  const refused: string[] = []
  let version = 1
  const table = () => {
    const body = toBinary(
      SecretSchema,
      create(SecretSchema, {
        name: 'default',
        type: {
          case: 'genericSecret',
          value: { secret: { specifier: { case: 'inlineString', value: `key ${version}` } } },
        },
      }),
    )
    const secrets = new Map([['default', { name: 'default', version: String(version), body }]])
    return resourceTable(new Map([[typeUrl.secret, secrets]]), (text) => text)
  }
  const serve = (kind: 'delta' | 'sotw') => (call: ServerDuplexStream<Buffer, Uint8Array>) => {
    const state = newServerState(kind)
    const perform = (effects: readonly ServerEffect[]): void => {
      for (const effect of effects) {
        if (effect.kind === 'send')
          call.write(kind === 'delta' ? encodeDeltaResponse(effect) : encodeSotwResponse(effect))
        else if (effect.kind === 'refused') refused.push(effect.refusal.reason)
      }
    }
    perform(onTable(state, table()))
    push.add(() => perform(onTable(state, table())))
    call.on('data', (bytes: Buffer) => {
      if (kind === 'delta') perform(onDeltaRequest(state, readDeltaDiscoveryRequest(bytes, [])))
      else perform(onSotwRequest(state, readDiscoveryRequest(bytes, [])))
    })
    call.on('error', () => {})
  }
  const server = new Server()
  server.addService(
    passThroughService('envoy.service.secret.v3.SecretDiscoveryService', ['DeltaSecrets', 'StreamSecrets']),
    { DeltaSecrets: serve('delta'), StreamSecrets: serve('sotw') },
  )
  await new Promise((resolve) => server.bindAsync(`unix:${socketPath}`, ServerCredentials.createInsecure(), resolve))
  return {
    refused,
    rotate() {
      version += 1
      for (const each of push) each()
    },
    close: () => server.forceShutdown(),
  }
}

for (const kind of ['delta', 'sotw'] as const) {
  test(`secrets and their rotation arrive over the agent's Unix socket (${kind})`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'weft-sds-'))
    const socketPath = join(dir, 'sds.sock')
    const server = await sdsServer(socketPath)
    const keys: unknown[] = []
    let bad: string | undefined
    const subscriber = startSubscriber({
      runtime: testRuntime,
      dial: sdsDialer(testRuntime, socketPath, kind),
      kind,
      node: newNode({ id: 'proxy-1' }),
      consumer: {
        async onUpdate(type, added) {
          await Promise.resolve()
          assert.equal(type, typeUrl.secret)
          for (const { name, value } of added) {
            assert.equal(name, 'default')
            const secret = fromBinary(SecretSchema, value)
            if (secret.type.case === 'genericSecret') keys.push(secret.type.value.secret?.specifier.value)
          }
          return bad === undefined ? [] : added.map(({ name }) => ({ name, reason: String(bad) }))
        },
      },
    })
    try {
      subscriber.subscribe(typeUrl.secret, ['default'])
      await until(() => keys.length === 1, 'the secret')
      server.rotate()
      await until(() => keys.length === 2, 'the rotated secret')
      assert.deepEqual(keys, ['key 1', 'key 2'])
      bad = 'key does not match'
      server.rotate()
      await until(() => server.refused.length === 1, 'the refusal')
      assert.match(server.refused[0] ?? '', /key does not match/)
    } finally {
      subscriber.close()
      server.close()
      rmSync(dir, { recursive: true })
    }
  })
}

test('a socket nobody listens on is tried again until somebody does', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-sds-'))
  const socketPath = join(dir, 'sds.sock')
  const reasons: string[] = []
  const subscriber = startSubscriber({
    runtime: testRuntime,
    dial: sdsDialer(testRuntime, socketPath),
    kind: 'delta',
    node: newNode({ id: 'proxy-1' }),
    backoffMs: { base: 5, max: 20 },
    consumer: {
      onUpdate: () => Promise.resolve([]),
      onConnection: (state) => {
        if (!state.connected) reasons.push(state.reason)
      },
    },
  })
  subscriber.subscribe(typeUrl.secret, ['default'])
  await until(() => reasons.length > 2, 'three attempts')
  assert.match(reasons[0] ?? '', /ENOENT/)
  const server = await sdsServer(socketPath)
  await until(() => subscriber.connected, 'the connection')
  subscriber.close()
  server.close()
  rmSync(dir, { recursive: true })
})
