// Someone edits a Telemetry while the mesh serves: what Prometheus reads from the proxies changes with it, on both sides of a call.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { eventually, lockMachine } from './mesh-under-test.ts'
import { type SmallMesh, smallMeshDirectory, startSmallMesh } from './small-mesh.ts'

const telemetry = (who: string): string => `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: counted, namespace: small }
spec:
  metrics:
    - overrides:
        - match: { metric: REQUEST_COUNT, mode: SERVER }
          tagOverrides:
            reader: { value: "'x-user' in request.headers ? request.headers['x-user'] : 'nobody'" }
            port: { value: string(destination.port) }
            who: { value: ${who} }
            instance: { value: "node.metadata['NAME']" }
            response_flags: { operation: REMOVE }
        - match: { metric: RESPONSE_SIZE, mode: CLIENT }
          disabled: true
`

const echo = `import { createServer } from 'node:net'
const { HOST } = process.env
createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(9000, HOST)
`
const echoing = `
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: small }
spec: { selector: { app: echo }, ports: [{ name: tcp, port: 9000 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: echo, namespace: small, labels: { app: echo } }
spec: { command: [node, echo.mjs], ports: [{ name: tcp, port: 9000 }], serviceAccount: echo, readiness: { tcpSocket: { port: 9000 } } }
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: often, namespace: small }
spec: { selector: { matchLabels: { app: echo } }, metrics: [{ reportingInterval: 200ms }] }
`

let mesh: SmallMesh
let unlock: () => Promise<void>

describe('metrics that a Telemetry changes', () => {
  before(async () => {
    unlock = await lockMachine()
    const directory = await smallMeshDirectory()
    directory.replace('echo.mjs', echo)
    directory.replace('mesh/echo.yaml', echoing)
    mesh = await startSmallMesh(directory)
  })
  after(async () => {
    await mesh?.run.stop()
    mesh?.directory.remove()
    await unlock()
  })

  test('labels are added and removed where the call is taken, and a metric is left out where it is made', async () => {
    mesh.directory.replace('mesh/telemetry.yaml', telemetry('downstream_peer.workload'))
    const line = await eventually('a count by reader', async () => {
      const answer = await fetch(`${mesh.url}/through`, { headers: { 'x-user': 'jason' } })
      assert.equal(answer.status, 200)
      await answer.text()
      return (await scrape('front-0')).find(
        (each) => each.startsWith('istio_requests_total{reporter="destination"') && each.includes('reader="jason"'),
      )
    })
    assert.match(line, /port="8080"/)
    assert.match(line, /who="gateway"/)
    assert.match(line, /instance="front-0"/)
    assert.match(line, /source_workload="gateway"/)
    assert.doesNotMatch(line, /response_flags/)
    const before = sum(await scrape('front-0'), 'istio_response_bytes_count', 'source')
    const requests = sum(await scrape('front-0'), 'istio_requests_total', 'source')
    assert.equal(await (await fetch(`${mesh.url}/through`)).text().then((text) => text.split(' ')[0]), 'one')
    const told = await scrape('front-0')
    assert.equal(sum(told, 'istio_requests_total', 'source'), requests + 1)
    assert.equal(sum(told, 'istio_response_bytes_count', 'source'), before, 'left out at the caller')
    assert.ok(told.some((each) => each.includes('reader="nobody"')))
  })

  test('an expression that cannot be computed is refused with file, line and mend, and the last good one goes on', async () => {
    const from = mesh.run.lines.length
    mesh.directory.replace('mesh/telemetry.yaml', telemetry('downstream_peer.worklod'))
    const line = await mesh.run.waitForLine(/downstream_peer\.worklod/, from)
    assert.match(line, /telemetry\.yaml:\d+/)
    assert.match(line, /character 1 of the expression/)
    await (await fetch(mesh.url, { headers: { 'x-user': 'still' } })).text()
    assert.ok((await scrape('front-0')).some((each) => each.includes('reader="still"')))
  })

  test('bytes of a connection are counted while it is open, and each once', async () => {
    const socket = connect(9000, mesh.addressOf('echo-0'))
    after(() => void socket.destroy())
    let echoed = 0
    socket.on('data', (part: Buffer) => (echoed += part.length))
    const counted = async (): Promise<number> =>
      sum(await scrape('echo-0'), 'istio_tcp_sent_bytes_total', 'destination')
    for (const total of [5, 10]) {
      socket.write('hello')
      await eventually(`${total} bytes are here and counted`, async () =>
        echoed === total && (await counted()) === total ? true : undefined,
      )
      assert.equal(sum(await scrape('echo-0'), 'istio_tcp_connections_closed_total', 'destination'), 0)
    }
    socket.end()
    await eventually('the connection is counted as closed', async () =>
      sum(await scrape('echo-0'), 'istio_tcp_connections_closed_total', 'destination') === 1 ? true : undefined,
    )
    assert.equal(await counted(), 10)
  })

  test('without what it says of metrics they are the usual ones again', async () => {
    mesh.directory.replace('mesh/telemetry.yaml', telemetry('x').replace(/spec:[^]*/, 'spec: { metrics: [] }\n'))
    await eventually('a request that is counted without a reader', async () => {
      const before = usual(await scrape('front-0'))
      await (await fetch(mesh.url)).text()
      return usual(await scrape('front-0')) > before ? true : undefined
    })
  })
})

/** Requests that were taken and counted with the usual labels alone. */
function usual(lines: readonly string[]): number {
  return sum(
    lines.filter((line) => !line.includes('reader=')),
    'istio_requests_total',
    'destination',
  )
}

function sum(lines: readonly string[], name: string, reporter: string): number {
  return lines
    .filter((line) => line.startsWith(`${name}{reporter="${reporter}"`))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function scrape(instance: string): Promise<string[]> {
  const response = await fetch(`http://${mesh.addressOf(instance)}:15020/stats/prometheus`, {
    signal: AbortSignal.timeout(5_000),
  })
  return (await response.text()).split('\n')
}
