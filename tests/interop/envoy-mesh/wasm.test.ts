// WasmPlugins, run by real Envoys, each with its own configuration.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { testModule } from '../../../packages/control/src/golden/test-module.ts'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { service, workload } from './mesh-texts.ts'

const base = [
  workload('web'),
  workload('catalog', { ports: '{ name: http, port: 8080 }, { name: http-b, port: 8081 }' }),
  service('catalog', {
    ports: '{ name: http, port: 80, targetPort: 8080 }, { name: http-b, port: 81, targetPort: 8081 }',
  }),
].join('')

function plugin(name: string, rest: string): string {
  return `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  pluginConfig: { name: ${name} }
  ${rest}
`
}

describe('modules on real Envoys', { skip: skipWithoutEnvoy }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-wasm-'))
  const file = (label: string): string => join(dir, `${label}.wasm`)

  const mesh = startedMesh({ base }, () => {
    for (const label of ['first', 'local', 'caller']) writeFileSync(file(label), testModule(label))
    return plugin('local', `url: file://${file('local')}`)
  })
  after(() => rmSync(dir, { recursive: true }))

  async function answered(port: number): Promise<string> {
    const { status, headers } = await mesh.call('web-0', `http://catalog:${port}/`)
    return `${status} ${String(headers['x-module'] ?? '')}`
  }

  async function names(port: number): Promise<string> {
    const { status, headers } = await mesh.call('web-0', `http://catalog${port === 80 ? '' : `:${port}`}/`)
    assert.equal(status, 200)
    return String(headers['x-module'] ?? '')
  }

  test('a module from a file runs with its configuration where the workload is called', async () => {
    assert.equal(await names(80), '{"name":"local"}')
    assert.equal(await names(81), '{"name":"local"}')
  })

  test('a module runs on the side and for the ports it is for; a larger priority goes before', async () => {
    mesh.edit(
      [
        plugin(
          'first',
          `url: file://${file('first')}\n  priority: 5\n  match: [{ mode: SERVER, ports: [{ number: 8081 }] }]`,
        ),
        plugin('local', `url: file://${file('local')}\n  match: [{ mode: SERVER }]`),
        plugin('caller', `url: file://${file('caller')}\n  match: [{ mode: CLIENT }]`),
      ].join('\n---\n'),
    )
    // Responses pass the filters in the opposite order.
    await until(async () => (await names(81)) === '{"name":"local"}, {"name":"first"}')
    assert.equal(await names(80), '{"name":"local"}')
  })

  test('without a module that is never loaded requests are refused, or pass where its author says so', async () => {
    mesh.edit(
      [
        plugin('image', 'url: oci://registry.example/check:v1\n  match: [{ mode: SERVER, ports: [{ number: 8080 }] }]'),
        plugin(
          'optional',
          'url: https://modules.example/optional.wasm\n  failStrategy: FAIL_OPEN\n  match: [{ mode: SERVER, ports: [{ number: 8081 }] }]',
        ),
      ].join('\n---\n'),
    )
    await until(async () => (await mesh.call('web-0', 'http://catalog/')).status === 403)
    // Connections of replaced chains may still serve as before.
    await until(async () => (await names(81)) === '')
    mesh.edit(plugin('local', `url: file://${file('local')}`))
    for (const port of [80, 81]) await until(async () => (await answered(port)) === '200 {"name":"local"}')
  })

  test('a module that cannot be loaded is refused, and what was there goes on', async () => {
    const broken = join(dir, 'broken.wasm')
    writeFileSync(broken, 'no module')
    mesh.edit(plugin('broken', `url: file://${broken}`))
    let refused = ''
    await until(
      async () => (refused = JSON.stringify(await mesh.refusals())).includes('shop.broken'),
      () => refused,
    )
    assert.equal(await names(80), '{"name":"local"}')
  })
})
