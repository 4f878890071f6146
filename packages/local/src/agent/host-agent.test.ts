import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { X509Certificate } from 'node:crypto'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Client, credentials } from '@grpc/grpc-js'
import { bootstrapTokens, openCertificateAuthority, signService, startOwnSvid } from '@weft/control/ca'
import { nodeRuntime } from '@weft/core/node'
import { agentId } from '@weft/identity'
import { typeUrl } from '@weft/xds'
import { SecretSchema, type Secret } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '@weft/xds/es/envoy/service/discovery/v3/discovery'
import { once } from '@weft/testkit/once'
import { type AdsServer, startAdsServer } from '../../../control/src/serve/ads-server.ts'
import { HostAgent } from './host-agent.ts'
import { startXdsRelay } from './xds-relay.ts'

const web = 'spiffe://cluster.local/ns/shop/sa/web'
const late = 'spiffe://cluster.local/ns/shop/sa/late'
const hosted = new Set([web, late])
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const dir = mkdtempSync(join(tmpdir(), 'weft-agent-'))
const tokenFile = join(dir, 'bootstrap.json')
const runtime = { ...nodeRuntime(), log: silent }

interface Plane {
  readonly server: AdsServer
  readonly rootsPem: string
  stop(): void
}

async function startPlane(port: number): Promise<Plane> {
  mkdirSync(join(dir, 'ca'), { recursive: true })
  const ca = await openCertificateAuthority({
    runtime,
    dir: join(dir, 'ca'),
    trustDomain: 'cluster.local',
    lifetimeMs: 60_000,
  })
  assert.ok(ca.ok)
  const own = await startOwnSvid(ca.value, runtime, () => {})
  const tokens = bootstrapTokens(runtime.files, tokenFile)
  const bundles = new Map([['cluster.local', ca.value.roots]])
  const server = await startAdsServer({
    host: '127.0.0.1',
    port,
    material: own.material,
    clientRootsPem: ca.value.rootsPem,
    requireClientCertificate: false,
    services: [signService({ ca: ca.value, bundles, tokens, hosted: async () => hosted, runtime })],
    onStream: (stream) => stream.close('not here'),
    log: silent,
  })
  assert.ok(server.ok, server.ok ? '' : server.error)
  const stop = (): void => {
    own.close()
    server.value.close()
  }
  return { server: server.value, rootsPem: ca.value.rootsPem, stop }
}

let plane: Plane
let tokensMade = 0
let agent: HostAgent

before(async () => {
  plane = await startPlane(0)
  agent = new HostAgent({
    trustDomain: 'cluster.local',
    endpoint: () => ({
      target: `127.0.0.1:${plane.server.port}`,
      rootsPem: plane.rootsPem,
      trustDomain: 'cluster.local',
    }),
    freshToken() {
      const token = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')
      writeFileSync(tokenFile, JSON.stringify({ token }), { mode: 0o600 })
      tokensMade++
      return token
    },
    log: silent,
  })
})

after(() => {
  agent.stop()
  plane.stop()
  rmSync(dir, { recursive: true, force: true })
})

test('an xDS stream without a certificate is refused before it says anything', async () => {
  const trusting = credentials.createSsl(Buffer.from(plane.rootsPem), null, null, {
    checkServerIdentity: () => undefined,
  })
  const named = { 'grpc.ssl_target_name_override': 'control' }
  const client = new Client(`127.0.0.1:${plane.server.port}`, trusting, named)
  const call = client.makeBidiStreamRequest(
    '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources',
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => bytes,
  )
  call.on('data', () => {})
  const [error] = (await once(call, 'error')) as [{ readonly code: number; readonly details: string }]
  client.close()
  assert.deepEqual([error.code, error.details], [16, 'xDS asks for a client certificate'])
})

/** Subscribes to both secrets as a proxy does and yields each secret as it arrives. */
function sdsClient(path: string): { next(): Promise<Secret>; close(): void } {
  const client = new Client(`unix:${path}`, credentials.createInsecure())
  const call = client.makeBidiStreamRequest(
    '/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets',
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer): DeltaDiscoveryResponse => fromBinary(DeltaDiscoveryResponseSchema, bytes),
  )
  const arrived: Secret[] = []
  let wake = (): void => {}
  const send = (message: { resourceNamesSubscribe?: string[]; responseNonce?: string }): boolean =>
    call.write(
      toBinary(
        DeltaDiscoveryRequestSchema,
        create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrl.secret, node: { id: 'test' }, ...message }),
      ),
    )
  call.on('data', (response: DeltaDiscoveryResponse) => {
    for (const { resource } of response.resources) {
      if (resource !== undefined) arrived.push(fromBinary(SecretSchema, resource.value))
    }
    send({ responseNonce: response.nonce })
    wake()
  })
  call.on('error', () => {})
  send({ resourceNamesSubscribe: ['default', 'ROOTCA'] })
  return {
    async next() {
      while (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return arrived.shift() as Secret
    },
    close() {
      call.cancel()
      client.close()
    },
  }
}

function leafOf(secret: Secret): X509Certificate {
  assert.equal(secret.type.case, 'tlsCertificate')
  const specifier = secret.type.value?.certificateChain?.specifier
  assert.ok(specifier?.case === 'inlineBytes')
  return new X509Certificate(specifier.value)
}

test('a proxy gets key, chain and roots over its socket, a new pair at each rotation, and the same again after its own restart', async () => {
  const path = join(dir, 'web.sock')
  assert.ok((await agent.serve(path, web)).ok)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const proxy = sdsClient(path)
  const secrets = [await proxy.next(), await proxy.next()]
  const own = secrets.find((secret) => secret.name === 'default') as Secret
  const roots = secrets.find((secret) => secret.name === 'ROOTCA') as Secret
  assert.equal(roots.type.case, 'validationContext')
  const first = leafOf(own)
  assert.equal(first.subjectAltName, `URI:${web}`)
  assert.ok(first.verify(new X509Certificate(plane.rootsPem).publicKey))
  agent.rotateAll()
  const second = leafOf(await proxy.next())
  assert.notEqual(second.serialNumber, first.serialNumber)
  proxy.close()
  const restarted = sdsClient(path)
  const again = [await restarted.next(), await restarted.next()].find((secret) => secret.name === 'default') as Secret
  assert.equal(leafOf(again).serialNumber, second.serialNumber)
  restarted.close()
})

test('a restarted control plane knows the agent by its certificate and needs no token', async () => {
  const before = tokensMade
  assert.equal(before, 1)
  const { port } = plane.server
  plane.stop()
  plane = await startPlane(port)
  const got = await agent.untilIssued(late, 10_000)
  assert.ok(got.ok, got.ok ? '' : got.error)
  assert.equal(tokensMade, before)
})

test('a rotation of all identities asks the CA over one connection, which ends with the last answer', async () => {
  let opened = 0
  const open = new Set<Socket>()
  const door = createServer((inside) => {
    opened += 1
    open.add(inside)
    const outside = connect(plane.server.port, '127.0.0.1')
    inside.pipe(outside).pipe(inside)
    for (const socket of [inside, outside]) socket.on('error', () => socket.destroy())
    inside.on('close', () => void (open.delete(inside), outside.destroy()))
  })
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  const { port } = door.address() as AddressInfo
  const { rootsPem } = plane
  const endpoint = { target: `127.0.0.1:${port}`, rootsPem, trustDomain: 'cluster.local' }
  const freshToken = (): string => {
    writeFileSync(tokenFile, JSON.stringify({ token: 'x'.repeat(43) }), { mode: 0o600 })
    return 'x'.repeat(43)
  }
  const rotating = new HostAgent({ trustDomain: 'cluster.local', endpoint: () => endpoint, freshToken, log: silent })
  const waiting = new Map<string, (serial: string) => void>()
  const stops = [web, late].map((id) => rotating.onSvid(id, ({ serial }) => waiting.get(id)?.(serial)))
  const next = (id: string): Promise<string> => new Promise((resolve) => waiting.set(id, resolve))
  const first = await Promise.all([next(web), next(late)])
  const before = opened
  const second = Promise.all([next(web), next(late)])
  rotating.rotateAll()
  assert.equal(new Set([...first, ...(await second)]).size, 4)
  assert.equal(opened, before + 1)
  for (const socket of open) if (!socket.destroyed) await once(socket, 'close')
  for (const stop of stops) stop()
  rotating.stop()
  await new Promise((resolve) => door.close(resolve))
})

test('an id the CA will not sign is reported with its reason', async () => {
  const got = await agent.untilIssued('spiffe://cluster.local/ns/weft-system/sa/weft-control', 1_000)
  assert.ok(!got.ok && /namespace weft-system/.test(got.error), got.ok ? 'issued' : got.error)
  assert.equal(agent.status()[0]?.id, agentId())
})

test('an id of no instance of this node is refused with its reason, and signed once the registry has one', async () => {
  const db = 'spiffe://cluster.local/ns/shop/sa/db'
  const refused = await agent.untilIssued(db, 1_000)
  assert.ok(!refused.ok && /no workload instance with the id .*\/sa\/db is registered/.test(refused.error))
  hosted.add(db)
  const issued = await agent.untilIssued(db, 10_000)
  assert.ok(issued.ok, issued.ok ? '' : issued.error)
})

test('who waits for a certificate when the agent stops, or asks later, is told at once', async () => {
  const stopped = new HostAgent({
    trustDomain: 'cluster.local',
    endpoint: () => undefined,
    freshToken: () => '',
    log: silent,
  })
  const aDayMs = 86_400_000
  const waiting = stopped.untilIssued(web, aDayMs)
  stopped.stop()
  const expected = { ok: false, error: 'the agent was stopped' }
  assert.deepEqual([await waiting, await stopped.untilIssued(web, aDayMs)], [expected, expected])
})

test('the xDS socket of a gRPC library leads to the control plane, with files that end with it', async () => {
  const folder = join(dir, 'library')
  await mkdir(folder)
  const path = join(dir, 'xds.sock')
  const served = await agent.serveXds(path, web, folder)
  assert.ok(served.ok, served.ok ? '' : served.error)
  assert.ok((await agent.untilIssued(web, 5_000)).ok)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  for (const name of ['key.pem', 'cert-chain.pem', 'root-cert.pem'])
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
  const client = new Client(`unix:${path}`, credentials.createInsecure())
  const call = client.makeBidiStreamRequest(
    '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  )
  const answered = await new Promise<string>((resolve) => call.once('error', (error) => resolve(error.message)))
  assert.match(answered, /not here/, 'the answer of the server itself, which takes no stream without a certificate')
  client.close()
  agent.close(path)
  assert.throws(() => statSync(join(folder, 'key.pem')), /ENOENT/)
})

test('where there is no way to the control plane, the xDS socket ends connections', async () => {
  const lost = await startXdsRelay(join(dir, 'lost.sock'), () => undefined, silent)
  assert.ok(lost.ok)
  const socket = connect(join(dir, 'lost.sock'))
  assert.equal(await new Promise((resolve) => socket.once('close', () => resolve('closed'))), 'closed')
  lost.value.close()
  const nowhere = await startXdsRelay(join(dir, 'no/such/folder.sock'), () => undefined, silent)
  assert.match(nowhere.ok ? '' : nowhere.error, /cannot serve xDS on .*folder.sock/)
})
