// `weft up` with a workload that says `proxy: grpc`: its environment names a bootstrap, and so does `weft bootstrap` for others.
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { until } from '@weft/testkit/until'
import { missingGoPeers, runPeer } from '../peers/peer.ts'

const root = join(import.meta.dirname, '../../..')
const main = join(root, 'packages/cli/src/main.ts')
const tell = 'require("fs").writeFileSync("told.txt", process.env.GRPC_XDS_BOOTSTRAP); setInterval(() => {}, 1000)'
const mesh = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: caller, namespace: shop, labels: { app: caller } }
spec: { command: [node, -e, ${JSON.stringify(tell)}], serviceAccount: caller, proxy: grpc }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: inventory, namespace: shop, labels: { app: inventory } }
spec:
  command: [node, --disable-warning=ExperimentalWarning, ${join(import.meta.dirname, 'run-echo.ts')}]
  env: { ECHO_NAME: inventory-0 }
  proxy: none
  ports: [{ name: grpc, port: 9000 }]
  readiness: { tcpSocket: { port: 9000 } }
---
apiVersion: v1
kind: Service
metadata: { name: inventory, namespace: shop }
spec: { selector: { app: inventory }, ports: [{ name: grpc, port: 9000 }] }
`

describe('weft up with gRPC in place of a proxy', { timeout: 180_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-grpc-up-'))
  let up: ChildProcess
  let said = ''

  before(async () => {
    writeFileSync(join(dir, 'mesh.yaml'), mesh)
    const ports = ['--xds-port', '0', '--api-port', '0', '--metrics-port', '0']
    up = spawn(process.execPath, [main, 'up', dir, ...ports], { cwd: root })
    for (const stream of [up.stdout, up.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until(
      () => /workloads are ready/.test(said) && existsSync(join(dir, 'told.txt')),
      () => said,
    )
  })

  after(async () => {
    if (up.exitCode === null) {
      const ended = new Promise((resolve) => up.once('close', resolve))
      up.kill('SIGTERM')
      await ended
    }
    rmSync(dir, { recursive: true })
  })

  function weft(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return promisify(execFile)(process.execPath, [main, ...args], { timeout: 60_000 }).catch(
      (error: { stdout: string; stderr: string }) => error,
    )
  }

  test('the bootstrap is printed, and is the one that the application was told of', async () => {
    const { stdout, stderr } = await weft('bootstrap', '--proxyless', 'caller', '--dir', dir)
    assert.equal(stderr, '')
    assert.equal(stdout, readFileSync(readFileSync(join(dir, 'told.txt'), 'utf8'), 'utf8'))
    const key = join(dir, '.weft/proxy/caller-0.shop/key.pem')
    assert.equal(statSync(key).mode & 0o777, 0o600)
    assert.match(said, /gRPC asks itself/)
  })

  test('a workload that does not say proxy: grpc has none, and is told how to get one', async () => {
    const { stdout, stderr } = await weft('bootstrap', '--proxyless', 'inventory', '--dir', dir)
    assert.equal(stdout, '')
    assert.match(stderr, /inventory says proxy: none; write proxy: grpc/)
    const nobody = await weft('bootstrap', '--proxyless', 'nobody', '--dir', dir)
    assert.match(nobody.stderr, /no workload or instance nobody runs/)
  })

  test('grpcurl reaches a service by it', { skip: missingGoPeers('grpcurl') }, async () => {
    const file = join(dir, 'bootstrap.json')
    writeFileSync(file, (await weft('bootstrap', '--proxyless', 'shop/caller', '--dir', dir)).stdout)
    process.env['GRPC_XDS_BOOTSTRAP'] = file
    const proto = ['-import-path', import.meta.dirname, '-proto', 'test-service.proto']
    const to = ['xds:///inventory.shop:9000', 'grpc.testing.TestService/UnaryCall']
    const { stdout, stderr } = await runPeer('grpcurl', ['-plaintext', '-max-time', '30', ...proto, ...to], '', 60_000)
    assert.match(stdout, /"serverId": "inventory-0"/, stderr)
  })
})
