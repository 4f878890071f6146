// The checks of identity are worth something only if they fail where a listener is careless: here are listeners of every carelessness.
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { openCheckContext } from '../../examples/bookstore/check.ts'
import { identityChecks } from '../../examples/bookstore/checks/identity.ts'
import type { IssuedIdentity, MeshAccess, MeshInstance } from '../../examples/bookstore/checks/mesh-access.ts'
import { openTestSigner, writeTestRoot } from '../../packages/local/src/check/test-signer.ts'

const directory = mkdtempSync(join(tmpdir(), 'weft-identity-'))
const wanted = /^spiffe:\/\/cluster\.local\/ns\/bookstore\/sa\/\w+$/
let issue: MeshAccess['issue']
let own: IssuedIdentity
const servers: Server[] = []

type Judge = (uri: string) => number | undefined

/** Checks by name that fail when all workloads listen like this. */
async function failing(make: () => Server): Promise<string[]> {
  const instances: MeshInstance[] = []
  for (const app of ['web', 'catalog', 'customers', 'orders', 'payments', 'delivery', 'inventory', 'reviews']) {
    const server = make()
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const ports = [{ name: 'http', port }]
    const common = { namespace: 'bookstore', proxy: 'sidecar' as const, outboundTcp: {}, ready: true, draining: false }
    const address = '127.0.0.1'
    instances.push({
      ...common,
      name: `${app}-0`,
      workload: app,
      labels: { app },
      serviceAccount: app,
      address,
      appAddress: address,
      ports,
    })
  }
  const addInstance = (): never => assert.fail('no check of identity adds an instance')
  const mesh: MeshAccess = { proxyKind: 'weft', issue, addInstance, instances: async () => instances }
  const context = openCheckContext('http://127.0.0.1:1', mesh)
  const failed: string[] = []
  // The TCP service is left out: everyone listens with HTTP here.
  for (const check of identityChecks.filter(({ name }) => !name.includes('TCP'))) {
    const { ok } = await check.run(context)
    if (!ok) failed.push(check.name)
  }
  context.close()
  return failed
}

// Answers 200 to whom it lets in, 403 to payments, and ends the connection of whom `judge` does not name a status for.
function tlsListener(options: ServerOptions, judge: Judge): Server {
  const handle: RequestListener = (request, response) => {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate()
    const status = judge(certificate?.subjectAltName ?? '')
    if (status === undefined) request.socket.destroy()
    else response.writeHead(status, { connection: 'close' }).end()
  }
  return createTlsServer(
    { ...own, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3', ...options },
    handle,
  )
}

const strict: Judge = (names) => {
  const uri = names.replace(/^URI:/, '')
  if (!wanted.test(uri)) return undefined
  return uri.endsWith('/payments') ? 403 : 200
}

describe('the checks of identity', () => {
  before(async () => {
    await writeTestRoot(directory)
    const signer = await openTestSigner(directory)
    issue = (options) => signer.issue(options)
    own = await issue({ uris: ['spiffe://cluster.local/ns/bookstore/sa/catalog'] })
  })
  after(() => {
    for (const server of servers) server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('pass where a listener is strict', async () => {
    assert.deepEqual(await failing(() => tlsListener({}, strict)), [])
  })

  test('notice plaintext, and that nobody is known there', async () => {
    const failed = await failing(() => createServer((_request, response) => response.end('hello')))
    assert.ok(failed.some((name) => name.startsWith('plaintext')))
    assert.ok(failed.some((name) => name.startsWith('web’s id')))
  })

  test('notice that no certificate is asked for', async () => {
    const failed = await failing(() => tlsListener({ requestCert: false }, () => 200))
    assert.ok(failed.some((name) => name.startsWith('TLS without a certificate')))
  })

  test('notice that any CA will do', async () => {
    const failed = await failing(() => tlsListener({ rejectUnauthorized: false }, strict))
    assert.deepEqual(failed, ['a certificate of a foreign CA, everywhere'])
  })

  test('notice that any trust domain will do', async () => {
    const judge: Judge = (names) => strict(names.replace('elsewhere.example', 'cluster.local'))
    assert.deepEqual(await failing(() => tlsListener({}, judge)), ['an id of a foreign trust domain, everywhere'])
  })

  test('notice that a name other than a SPIFFE id will do', async () => {
    const judge: Judge = (names) => (names.startsWith('DNS:') ? 200 : strict(names))
    assert.deepEqual(await failing(() => tlsListener({}, judge)), [
      'a certificate of ours without a SPIFFE id, everywhere',
    ])
  })

  test('notice that everyone known is allowed', async () => {
    const judge: Judge = (names) => (strict(names) === undefined ? undefined : 200)
    assert.deepEqual(await failing(() => tlsListener({}, judge)), ['payments’ id, known but not allowed, at catalog'])
  })

  test('a stranger’s certificate bears the mesh’s name but not its signature', async () => {
    const { cert, ca } = await issue({ uris: ['spiffe://cluster.local/ns/bookstore/sa/web'], signedBy: 'stranger' })
    const [leaf, root] = [new X509Certificate(cert), new X509Certificate(ca)]
    assert.equal(leaf.issuer, root.subject)
    assert.equal(leaf.verify(root.publicKey), false)
  })
})
