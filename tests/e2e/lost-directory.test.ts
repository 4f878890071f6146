// The directory with the configuration is away while the control plane is killed: what was in force serves on.
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { eventually, lockMachine } from './mesh-under-test.ts'
import { type SmallMesh, smallMeshDirectory, startSmallMesh } from './small-mesh.ts'

const routes = (status: number): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: back, namespace: small }
spec:
  hosts: [back]
  http: [{ directResponse: { status: ${status} } }]
`

let mesh: SmallMesh
let unlock: () => Promise<void>

describe('a directory that is renamed away while the control plane restarts', () => {
  before(async () => {
    unlock = await lockMachine()
    const directory = await smallMeshDirectory()
    directory.replace('mesh/routes.yaml', routes(418))
    mesh = await startSmallMesh(directory)
  })
  after(async () => {
    await mesh?.run.stop()
    mesh?.directory.remove()
    await unlock()
  })

  const answers = (status: number): Promise<true> =>
    eventually(`requests are answered with ${status}`, async () =>
      (await fetch(`${mesh.url}/through`)).status === status ? true : undefined,
    )

  test('the last good configuration serves, other files beside it are not taken for it, and it is followed once it is back', async () => {
    const { path } = mesh.directory
    const { pid } = JSON.parse(mesh.directory.read('.weft/run/control.json')) as { readonly pid: number }
    await answers(418)
    writeFileSync(join(path, 'other.yaml'), routes(500))
    renameSync(join(path, 'mesh'), join(path, 'away'))
    process.kill(pid, 'SIGKILL')
    const again = await eventually(
      'the control plane is back',
      async () => {
        const now = JSON.parse(mesh.directory.read('.weft/run/control.json')) as { readonly pid: number }
        return now.pid === pid ? undefined : now.pid
      },
      30_000,
    )
    // A proxy that is started anew has nothing but what this control plane says.
    const restarted = await mesh.weft(['restart-proxy', 'front'])
    assert.equal(restarted.code, 0, restarted.stderr)
    await answers(418)
    const status = await mesh.weft(['status'])
    assert.match(status.stdout, new RegExp(`the configuration directory ${path}/mesh is gone; what was read before`))
    assert.doesNotMatch(status.stdout, /other\.yaml/)
    renameSync(join(path, 'away'), join(path, 'mesh'))
    mesh.directory.replace('mesh/routes.yaml', routes(417))
    await answers(417)
    // The proxy that answers may have the change before the others have.
    await eventually('all is well', async () => ((await mesh.weft(['status'])).code === 0 ? true : undefined))
    const now = JSON.parse(mesh.directory.read('.weft/run/control.json')) as { readonly pid: number }
    assert.equal(now.pid, again, 'by the same control plane')
  })
})
