// WasmPlugins, run by real Envoys, each with its own configuration; Weft's own proxy runs none.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { testModule } from '../../../packages/control/src/golden/test-module.ts'
import { EnvoyMesh, skipWithoutEnvoy, until } from './envoy-mesh.ts'

const base = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { command: [web], serviceAccount: web, ports: [{ name: http, port: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog, namespace: shop, labels: { app: catalog } }
spec: { command: [catalog], serviceAccount: catalog, ports: [{ name: http, port: 8080 }, { name: http-b, port: 8081 }] }
---
apiVersion: v1
kind: Service
metadata: { name: catalog, namespace: shop }
spec: { selector: { app: catalog }, ports: [{ name: http, port: 80, targetPort: 8080 }, { name: http-b, port: 81, targetPort: 8081 }] }
`

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
  const mesh = new EnvoyMesh({ base })
  const dir = mkdtempSync(join(tmpdir(), 'weft-wasm-'))
  const file = (label: string): string => join(dir, `${label}.wasm`)

  before(async () => {
    for (const label of ['first', 'local', 'caller']) writeFileSync(file(label), testModule(label))
    await mesh.start(plugin('local', `url: file://${file('local')}`))
  })
  after(() => {
    mesh.close()
    rmSync(dir, { recursive: true })
  })

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

  test('a module that cannot be loaded is refused, and what was there goes on; with FAIL_OPEN requests pass without it', async () => {
    const broken = join(dir, 'broken.wasm')
    writeFileSync(broken, 'no module')
    mesh.edit(plugin('broken', `url: file://${broken}`))
    await until(async () => JSON.stringify(await mesh.refusals()).includes('shop.broken'))
    assert.equal(await names(80), '{"name":"local"}')
    mesh.edit(plugin('broken', `url: file://${broken}\n  failStrategy: FAIL_OPEN`))
    await until(async () => (await names(80)) === '')
  })
})

describe("modules on Weft's own proxy", () => {
  const mesh = new EnvoyMesh({ base, dataPlane: 'weft' })
  before(() => mesh.start())
  after(() => mesh.close())

  test('one that checks who asks is refused at the door, any other is told to have no effect', async () => {
    mesh.edit(plugin('check', 'url: file:///check.wasm\n  phase: AUTHZ'))
    const problems = async (): Promise<string> => JSON.stringify(await mesh.status())
    await until(async () => (await problems()).includes('spec.phase'))
    mesh.edit(plugin('other', 'url: file:///other.wasm'))
    await until(async () => (await problems()).includes('the module is not run'))
    assert.equal((await mesh.call('web-0', 'http://catalog/')).status, 200)
  })
})
