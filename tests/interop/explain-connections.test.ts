// `explain` is true of connections, too: for generated TCP and TLS connections to generated meshes, the engine's decisions and real proxies
// that hold the same bytes agree on filter chain, cluster and endpoint, or on the end of the connection. WEFT_DIFF_SEED, _FIRST, _MESHES
// and WEFT_DIFF_CONNECTIONS (per mesh and side) as for requests (explain-differential.test.ts).
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { freePort } from '@weft/testkit/ports'
import { runConnections, type Stage, type StreamArm } from './connections/run-connections.ts'
import { streamApplications } from './connections/stream-application.ts'
import { StreamLines } from './connections/stream-lines.ts'
import { doorName } from './connections/stream-gateways.ts'
import { applicationNames, clientFileName, originationFiles } from './connections/stream-origination.ts'
import { streamSides } from './connections/test-connection.ts'
import { startEnvoyArm } from './differential/envoy-arm.ts'
import { openGround } from './differential/field.ts'
import { startWeftArm } from './differential/weft-arm.ts'
import { testAuthority } from '../wire/test-certificates.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'

const inCi = process.env['CI'] !== undefined
const wanted = process.env['WEFT_DIFF_SEED'] ?? (inCi ? '1,2,3' : '1')
const seeds = wanted === 'random' ? [Math.floor(Math.random() * 1e9)] : wanted.split(',').map(Number)
const first = Number(process.env['WEFT_DIFF_FIRST'] ?? 1)
/** Per seed. */
const meshes = Number(process.env['WEFT_DIFF_MESHES'] ?? 10)
const connectionsPerSide = Number(process.env['WEFT_DIFF_CONNECTIONS'] ?? 17)
/** Parts of the rules that would be missed, and the least share of the connections that has to try each. */
const parts = [
  ...['no chain', 'no listener', 'handshake refused', 'led nowhere', 'server first', 'split', 'AUTO_PASSTHROUGH'],
  ...['tcp rule', 'tls rule', 'TCPRoute', 'TLSRoute', 'TCPRoute of a Service', 'TLSRoute of a Service'],
  ...['passed on (gateway)', 'passed on (edge)', 'passed on (outbound)', 'passed on (redirected)'],
  ...['ended at the gateway', 'through a tunnel', 'to a second proxy', 'passed through'],
  ...['ServiceEntry by address', 'ServiceEntry by name', 'denied (inbound)', 'denied (gateway)'],
  ...['begun TLS', 'begun TLS with a certificate', 'TLS in begun TLS'],
  ...['begun TLS that the application does not pass', 'begun TLS that a proxy refuses'],
  ...['not allowed (inbound)', 'not allowed (gateway)', 'allowed (inbound)', 'allowed (gateway)'],
]
const leastShare = 0.01

test("explain, Weft's proxy and real Envoy agree on generated connections, and counterfactuals are true", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const ground = await openGround()
  const newLines = (): StreamLines => new StreamLines()
  const arms: StreamArm[] = [
    startEnvoyArm(ground, streamSides, newLines),
    await startWeftArm(ground, streamSides, newLines),
  ]
  const ports = { tcp: await freePort(), tls: await freePort() }
  const server = await ground.authority.issue(doorName)
  const application = await ground.authority.issue(...applicationNames)
  const applications = streamApplications(Object.values(ports), application)
  after(async () => {
    for (const arm of arms) await arm.close()
    applications.close()
    ground.close()
  })
  const material = { server, rootPem: ground.authority.rootPem }
  const files = originationFiles(ground.attach.dir, {
    rootPem: ground.authority.rootPem,
    strangerPem: (await testAuthority()).rootPem,
    client: await ground.authority.issue(clientFileName),
  })
  const stage: Stage = { ground, applications, arms, options: { ports, octet: ground.octet, material, files } }
  const reports: string[] = []
  const undecided: string[] = []
  const exercises: Record<string, number> = {}
  let made = 0
  for (const [index, seed] of seeds.entries()) {
    const from = first + index * meshes
    const result = await runConnections(stage, { seed, first: from, meshes, connectionsPerSide })
    t.diagnostic(`seed ${seed}, meshes ${from} to ${from + meshes - 1}: ${JSON.stringify(result.counts)}`)
    made += (result.counts['connections'] ?? 0) + (result.counts['counterfactuals made'] ?? 0)
    for (const [name, count] of Object.entries(result.exercises)) exercises[name] = (exercises[name] ?? 0) + count
    reports.push(...result.reports)
    undecided.push(...result.undecided)
  }
  assert.equal(reports.length, 0, `${reports.length} differences, seeds ${seeds.join(',')}\n${shown(reports)}`)
  assert.equal(undecided.length, 0, `${undecided.length} undecided, seeds ${seeds.join(',')}\n${shown(undecided)}`)
  const shares = Object.entries(exercises).sort(([, a], [, b]) => a - b)
  const percent = (count: number): string => `${((100 * count) / made).toFixed(1)} %`
  t.diagnostic(`of ${made} connections: ${shares.map(([name, count]) => `${name} ${percent(count)}`).join(', ')}`)
  const plain = seeds.length * meshes * connectionsPerSide * streamSides.length
  // Of fewer the shares are chance.
  if (plain < 2500) return
  for (const name of parts)
    assert.ok(
      (exercises[name] ?? 0) >= made * leastShare,
      `hardly ever tried: ${name} (${exercises[name] ?? 0} of ${made})`,
    )
})

/** All of them in short, for there is often one cause, and the first as a whole. */
function shown(reports: readonly string[]): string {
  const heads = reports.slice(0, 40).map((report) => report.split('\n--- mesh\n')[0]?.slice(0, 1800))
  return [...heads, reports[0]].join('\n\n')
}
