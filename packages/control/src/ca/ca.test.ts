import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, test } from 'node:test'
import { credentials, Metadata, makeGenericClientConstructor, Server, type ServiceError, status } from '@grpc/grpc-js'
import { create } from '@bufbuild/protobuf'
import { nodeRuntime } from '@weft/core/node'
import { agentId } from '@weft/identity'
import { certificateFacts } from '@weft/identity'
import { certificateToPem, verifySvid } from '@weft/identity/node'
import { type SignResponse, SignRequestSchema } from '@weft/xds/es/weft/ca/v1/ca'
import { bootstrapTokens } from './bootstrap-tokens.ts'
import {
  type CaOptions,
  type CertificateAuthority,
  openCertificateAuthority,
  signCsr,
} from './certificate-authority.ts'
import { checkCsr } from './check-csr.ts'
import { signDefinition, signService } from './sign-service.ts'
import { testCsr } from './test-certificates.ts'

const dirs: string[] = []
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})

const web = 'spiffe://cluster.local/ns/shop/sa/web'
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

function options(): CaOptions & { runtime: { files: { remove(path: string): Promise<void> } } } {
  const dir = mkdtempSync(join(tmpdir(), 'weft-ca-'))
  dirs.push(dir)
  mkdirSync(join(dir, 'ca'))
  const runtime = nodeRuntime()
  return { runtime, dir: join(dir, 'ca'), trustDomain: 'cluster.local' }
}

async function open(given: CaOptions): Promise<CertificateAuthority> {
  const ca = await openCertificateAuthority(given)
  assert.ok(ca.ok, ca.ok ? '' : ca.error)
  return ca.value
}

test('the root is made once, readable by its owner only, and outlives a restart', async () => {
  const given = options()
  const first = await open(given)
  for (const name of ['root-key.pem', 'root-cert.pem']) {
    assert.equal(statSync(join(given.dir, name)).mode & 0o777, 0o600)
  }
  const second = await open(given)
  assert.equal(second.rootSha256, first.rootSha256)
  const signed = await signCsr(second, await testCsr([web]))
  assert.ok(signed.ok)
  assert.ok(verifySvid(signed.value.chain, new Map([['cluster.local', first.roots]]), Date.now()).ok)
})

test('a leaf is an X.509-SVID: one critical URI SAN, no CA, 128-bit serial, the asked lifetime', async () => {
  const ca = await open({ ...options(), lifetimeMs: 60_000 })
  const signed = await signCsr(ca, await testCsr([web]))
  assert.ok(signed.ok)
  const [leaf] = signed.value.chain
  const facts = certificateFacts(leaf as Uint8Array)
  assert.ok(facts.ok)
  assert.deepEqual(facts.value.uris, [web])
  assert.equal(facts.value.isCa, false)
  assert.deepEqual(facts.value.keyUsage, { digitalSignature: true, keyCertSign: false, crlSign: false })
  assert.equal(facts.value.serial.length, 32)
  assert.ok(Math.abs(facts.value.notAfterMs - Date.now() - 60_000) < 2_000)
  // 2.5.29.17, critical: the subject is empty (RFC 5280 4.2.1.6).
  assert.ok(Buffer.from(leaf as Uint8Array).includes(Buffer.from('0603551d110101ff', 'hex')))
  const longer = await signCsr(ca, await testCsr([web]), 3_600_000)
  assert.ok(longer.ok && longer.value.notAfterMs < Date.now() + 61_000, 'the limit of the authority wins')
})

test('half a root, a foreign key and a damaged key are refused with words, and nothing is overwritten', async () => {
  const given = options()
  await open(given)
  const other = options()
  await open(other)
  const keyFile = join(given.dir, 'root-key.pem')
  writeFileSync(keyFile, readFileSync(join(other.dir, 'root-key.pem')))
  const foreign = await openCertificateAuthority(given)
  assert.ok(!foreign.ok && /not the key of/.test(foreign.error))
  writeFileSync(keyFile, 'damaged')
  assert.equal((await openCertificateAuthority(given)).ok, false)
  rmSync(keyFile)
  const half = await openCertificateAuthority(given)
  assert.ok(!half.ok && /only one of/.test(half.error))
})

test('a full disk is an error that names the file', async () => {
  const given = options()
  const files = { ...given.runtime.files, writeAtomic: async () => ({ ok: false, error: 'ENOSPC' }) as const }
  const ca = await openCertificateAuthority({ ...given, runtime: { ...given.runtime, files } })
  assert.ok(!ca.ok && /root-key.pem: ENOSPC/.test(ca.error))
})

test('requests that are malformed, tampered with, nameless or of another key type are refused', async () => {
  const good = await testCsr([web])
  assert.ok((await checkCsr(good)).ok)
  const tampered = new Uint8Array(good)
  const at = Buffer.from(good).indexOf('sa/web')
  tampered[at + 3] = 'y'.charCodeAt(0)
  for (const [der, pattern] of [
    [new Uint8Array([1, 2, 3]), /decode/],
    [tampered, /signed by its own key/],
    [await testCsr([`${web}${'2'.repeat(10_000)}`]), /more than 8192 bytes/],
    [await testCsr([]), /exactly one URI SAN/],
    [await testCsr([web, `${web}2`]), /exactly one URI SAN/],
    [
      await testCsr([web], {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
      }),
      /key type/,
    ],
  ] as const) {
    const checked = await checkCsr(der)
    assert.ok(!checked.ok && pattern.test(checked.error), checked.ok ? 'accepted' : checked.error)
  }
})

test('over gRPC a token buys the agent once, and nobody else', async () => {
  const given = options()
  const ca = await open(given)
  const tokenFile = join(dirname(given.dir), 'bootstrap.json')
  const token = 'a'.repeat(43)
  writeFileSync(tokenFile, JSON.stringify({ token }), { mode: 0o600 })
  const service = signService({
    ca,
    bundles: new Map([['cluster.local', ca.roots]]),
    tokens: bootstrapTokens(given.runtime.files, tokenFile),
    hosted: async () => new Set([web]),
    runtime: { clock: given.runtime.clock, log: silent },
  })
  const server = new Server()
  server.addService(service.definition, service.implementation)
  const port = await bindInsecure(server)
  const Client = makeGenericClientConstructor(signDefinition, 'CertificateService')
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const ask = async (id: string, shown?: string): Promise<SignResponse | ServiceError> => {
    const metadata = new Metadata()
    if (shown !== undefined) metadata.set('authorization', `Bearer ${shown}`)
    const message = create(SignRequestSchema, { csrDer: await testCsr([id]) })
    return new Promise((resolve) => {
      const sign = client['Sign'] as (...args: unknown[]) => void
      sign.call(client, message, metadata, (error: ServiceError | null, answer: SignResponse) =>
        resolve(error ?? answer),
      )
    })
  }
  try {
    const none = await ask(web)
    assert.ok('code' in none && none.code === status.UNAUTHENTICATED)
    const guessed = await ask(agentId(), 'b'.repeat(43))
    assert.ok('code' in guessed && guessed.code === status.UNAUTHENTICATED)
    const agent = await ask(agentId(), token)
    assert.ok('chainDer' in agent, JSON.stringify(agent))
    const bundles = new Map([['cluster.local', agent.bundles['cluster.local']?.rootsDer ?? []]])
    const verified = verifySvid(agent.chainDer, bundles, Date.now())
    assert.ok(verified.ok && verified.value.id.uri === agentId())
    const again = await ask(agentId(), token)
    assert.ok('code' in again && again.code === status.UNAUTHENTICATED, 'a token works once')
    assert.match(certificateToPem(agent.chainDer[0] as Uint8Array), /^-----BEGIN/)
  } finally {
    client.close()
    server.forceShutdown()
  }
})

async function bindInsecure(server: Server): Promise<number> {
  const { ServerCredentials } = await import('@grpc/grpc-js')
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    )
  })
}
