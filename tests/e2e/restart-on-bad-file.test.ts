// `weft up` itself is ended and started again on a directory whose file went bad meanwhile: what was good serves on.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually, lockMachine, runMesh, type MeshDirectory } from './mesh-under-test.ts'
import { smallMeshDirectory, startSmallMesh } from './small-mesh.ts'

const routes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: back, namespace: small }
spec:
  hosts: [back]
  http: [{ directResponse: { status: 418 } }]
`

let directory: MeshDirectory
let unlock: () => Promise<void>

describe('weft up on a file that went bad', () => {
  before(async () => {
    unlock = await lockMachine()
    directory = await smallMeshDirectory()
  })
  after(async () => {
    directory?.remove()
    await unlock()
  })

  for (const [name, spoil] of [
    ['a field that does not exist', (text: string) => text.replace('directResponse', 'directRespons')],
    ['YAML that cannot be read', (text: string) => text.replace('[{ directResponse', '[{ { directResponse')],
    ['a file cut short', (text: string) => text.slice(0, text.indexOf('directResponse') + 6)],
  ] as const) {
    test(`${name}: it is told with file and line, and the last good version serves`, async () => {
      directory.replace('mesh/routes.yaml', routes)
      const first = await startSmallMesh(directory)
      const status = async (): Promise<number> => (await fetch(`${first.url}/through`)).status
      try {
        await eventually('the route serves', async () => ((await status()) === 418 ? true : undefined))
      } finally {
        await first.run.stop()
      }
      const bad = spoil(routes)
      assert.notEqual(bad, routes)
      directory.replace('mesh/routes.yaml', bad)
      const again = await startSmallMesh(directory)
      try {
        assert.match(again.run.lines.join('\n'), /routes\.yaml:\d+/)
        await eventually('the last good version serves', async () => ((await status()) === 418 ? true : undefined))
        const report = await again.weft(['status', '-o', 'json'])
        assert.equal(report.code, 1, 'the status is not good')
        assert.match(report.stdout, /VirtualService\/small\/back/)
      } finally {
        assert.equal((await again.run.stop()).code, 0)
      }
    })
  }

  test('without a last good version nothing is started', async () => {
    rmSync(join(directory.path, '.weft'), { recursive: true })
    const run = runMesh(directory)
    const { code } = await run.endsWithin(45_000)
    assert.equal(code, 1)
    assert.match(run.lines.join('\n'), /routes\.yaml:\d+/)
    assert.match(run.lines.join('\n'), /nothing was started/)
  })
})
