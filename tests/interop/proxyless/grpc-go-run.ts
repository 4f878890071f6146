// grpc-go's xDS interop client and server without a proxy. They listen on all addresses, so the test runs this file in a network
// namespace of its own. Prints one line of JSON per case.
import { type ChildProcess, spawn } from 'node:child_process'
import { until } from '@weft/testkit/until'
import { findPeer } from '../peers/peer.ts'
import { startEcho } from './echo-server.ts'
import { type ProxylessMesh, startProxylessMesh } from './proxyless-mesh.ts'
import { rules, shop, split } from './shop.ts'

const children = new Set<ChildProcess>()

/** A running peer and what it has said. */
interface Peer {
  readonly child: ChildProcess
  text: string
}

function start(name: string, args: readonly string[], bootstrap: string): Peer {
  const env = { ...process.env, GRPC_XDS_BOOTSTRAP: bootstrap }
  const child = spawn(findPeer(name) ?? '', [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const peer: Peer = { child, text: '' }
  children.add(child)
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (peer.text += chunk.toString()))
  return peer
}

/** The client, which calls ten times a second and ends as soon as a call fails after one has succeeded. */
function startClient(target: string, bootstrap: string, ...more: readonly string[]): Peer {
  const args = [
    '-server',
    target,
    '-qps',
    '10',
    '-print_response',
    '-fail_on_failed_rpc',
    '-stats_port',
    '9900',
    ...more,
  ]
  return start('grpc-xds-interop-client', args, bootstrap)
}

/** Who answered the last calls. */
function lastServers({ text }: Peer, count: number): string[] {
  return [...text.matchAll(/this is (\S+?),/g)].slice(-count).map(([, server = '']) => server)
}

async function allFrom(peer: Peer, server: string): Promise<void> {
  const from = lastServers(peer, Infinity).length
  await until(
    () => lastServers(peer, Infinity).length >= from + 5 && lastServers(peer, 5).every((name) => name === server),
    () => `not all calls went to ${server}: ${peer.text.slice(-800)}`,
  )
}

async function stop({ child }: Peer): Promise<void> {
  children.delete(child)
  if (child.exitCode === null) {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('close', resolve))
  }
}

function mustLive({ child, text }: Peer): void {
  if (child.exitCode !== null) throw new Error(`the client ended: a call failed: ${text.slice(-800)}`)
}

async function followsChanges(mesh: ProxylessMesh, bootstrap: string): Promise<void> {
  mesh.write('rules.yaml', rules(split(100, 0)))
  const client = startClient('xds:///inventory.shop:9000', bootstrap)
  await allFrom(client, 'inventory-v1')
  mesh.write('rules.yaml', rules(split(0, 100)))
  await allFrom(client, 'inventory-v2')
  mesh.write('rules.yaml', rules('{ route: [{ destination: { host: inventory } }] }'))
  await until(() => new Set(lastServers(client, 10)).size === 2)
  mesh.setReady('inventory-v2', false)
  await allFrom(client, 'inventory-v1')
  mustLive(client)
  await stop(client)
}

async function speaksMutualTls(mesh: ProxylessMesh, bootstrap: string): Promise<void> {
  const server = start(
    'grpc-xds-interop-server',
    [
      '-port',
      '9443',
      '-maintenance_port',
      '9901',
      '-secure_mode',
      '-server_id',
      'vault',
      '-host_name_override',
      'vault',
    ],
    await mesh.bootstrapFor('vault'),
  )
  const client = startClient('xds:///vault.shop:9000', bootstrap, '-secure_mode')
  await until(
    () => lastServers(client, 5).length === 5,
    () => `${client.text.slice(-800)}\n${server.text.slice(-800)}`,
  )
  mustLive(client)
  await stop(client)
  const plaintext = startClient('xds:///vault.shop:9000', bootstrap, '-rpc_timeout', '2s')
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  if (lastServers(plaintext, 1).length > 0) throw new Error('plaintext was answered')
  await stop(plaintext)
  mesh.write('deny.yaml', deny)
  await until(async () => {
    const refused = startClient('xds:///vault.shop:9000', bootstrap, '-secure_mode', '-rpc_timeout', '2s')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await stop(refused)
    return lastServers(refused, 1).length === 0
  })
  mesh.write('deny.yaml', undefined)
  await stop(server)
}

const deny = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: vault, namespace: shop }
spec: { selector: { matchLabels: { app: vault } }, action: DENY, rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/caller] } }] }] }
`

async function main(): Promise<void> {
  const mesh = await startProxylessMesh(shop, 190)
  const names = ['inventory-v1', 'inventory-v2']
  const echoes = await Promise.all(names.map((name) => startEcho(name, mesh.instanceOf(name).appAddress, 9000)))
  const bootstrap = await mesh.bootstrapFor('caller')
  for (const [name, play] of Object.entries({ followsChanges, speaksMutualTls })) {
    const why = await play(mesh, bootstrap).then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    console.log(JSON.stringify({ name, passed: why === '', why }))
  }
  for (const echo of echoes) echo.stop()
  await mesh.close()
}

const limit = setTimeout(() => process.exit(3), 200_000)
try {
  await main()
} finally {
  clearTimeout(limit)
  for (const child of children) child.kill('SIGKILL')
}
process.exit(0)
