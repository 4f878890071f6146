// EnvoyFilters for BOOTSTRAP: an Envoy starts with what they say, `weft status` tells when it has been changed since, and what Envoy would not start with
// keeps nobody from starting.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { skipWithoutEnvoy as skip } from '../interop/envoy-on-path.ts'
import { eventually, lockMachine } from './mesh-under-test.ts'
import { type SmallMesh, smallMeshDirectory, startSmallMesh } from './small-mesh.ts'

const filter = (name: string, selector: string, value: string): string => `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: ${name}, namespace: small }
spec:
  workloadSelector: { labels: { app: ${selector} } }
  configPatches: [{ applyTo: BOOTSTRAP, patch: { operation: MERGE, value: ${value} } }]
`
const tagged = (value: string): string =>
  filter('tags', 'front', `{ stats_config: { stats_tags: [{ tag_name: mesh, fixed_value: ${value} }] } }`)
const unusable = filter('sink', 'back', '{ stats_sinks: [{ name: envoy.stat_sinks.no_such }] }')

let mesh: SmallMesh
let unlock: () => Promise<void>

describe('EnvoyFilters for BOOTSTRAP', { skip }, () => {
  before(async () => {
    unlock = await lockMachine()
    const directory = await smallMeshDirectory()
    directory.replace('mesh/filters.yaml', `${tagged('one')}---${unusable}`)
    mesh = await startSmallMesh(directory, ['--proxy', 'envoy'])
  })
  after(async () => {
    await mesh?.run.stop()
    mesh?.directory.remove()
    await unlock()
  })

  test('an Envoy that they select starts with what they say, others do not', async () => {
    assert.match(await statsOf('front-0'), /^envoy_server_live\{[^}]*mesh="one"/m)
    assert.doesNotMatch(await statsOf('gateway-0'), /mesh="one"/)
    assert.equal((await fetch(`${mesh.url}/through`)).status, 200)
  })

  test('what Envoy would not start with is told, and left out', async () => {
    const told = mesh.run.lines.find((line) => line.includes('Envoy would not start'))
    assert.match(told ?? '', /proxy of back-0: .*no_such/)
    assert.match(await statsOf('back-0'), /^envoy_server_live/m)
  })

  test('a change is told of by weft status until the proxy starts anew', async () => {
    assert.doesNotMatch((await mesh.weft(['status'])).stdout, /older bootstrap: front-0/)
    mesh.directory.replace('mesh/filters.yaml', `${tagged('two')}---${unusable}`)
    await eventually(
      'weft status tells of it',
      async () => ((await mesh.weft(['status'])).stdout.includes('older bootstrap: front-0.small') ? true : undefined),
      30_000,
    )
    assert.match(await statsOf('front-0'), /mesh="one"/)
    await mesh.run.stop()
    mesh = await startSmallMesh(mesh.directory, ['--proxy', 'envoy'])
    assert.match(await statsOf('front-0'), /mesh="two"/)
    assert.doesNotMatch((await mesh.weft(['status'])).stdout, /older bootstrap: front-0/)
  })
})

async function statsOf(instance: string): Promise<string> {
  const response = await fetch(`http://${mesh.addressOf(instance)}:15000/stats/prometheus`, {
    signal: AbortSignal.timeout(5_000),
  })
  return response.text()
}
