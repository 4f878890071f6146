import assert from 'node:assert/strict'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { loadFiles, ofKind, ownApiGateways, planInstances } from '@weft/resources'
import { gatewayUrls } from './gateway-urls.ts'
import { commandProblems, portProblems } from './preflight.ts'
import type { MeshView } from './mesh-source.ts'

function viewOf(text: string): MeshView {
  const { objects, problems } = loadFiles([{ name: 'mesh.yaml', text }])
  assert.deepEqual(problems, [])
  return {
    workloads: ofKind(objects, 'Workload'),
    services: ofKind(objects, 'Service'),
    gateways: ofKind(objects, 'Gateway'),
    apiGateways: ownApiGateways(objects),
    proxyConfigs: ofKind(objects, 'ProxyConfig'),
  }
}

function workload(name: string, spec: string): string {
  return `apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: ${name}, namespace: shop, labels: { app: ${name} } }\nspec: ${spec}\n`
}

test('commands that are there pass; others are named with file, line and what to do', () => {
  const text = [
    workload('good', '{ command: [sh, -c, "true"], serviceAccount: a }'),
    workload('gone', '{ command: [no-such-program-here], serviceAccount: a }'),
    workload('lost', '{ command: [sh], workingDirectory: nowhere, serviceAccount: a }'),
    workload('path', '{ command: [./not-here.sh], serviceAccount: a }'),
  ].join('---\n')
  const problems = commandProblems(viewOf(text).workloads, import.meta.dirname, process.env['PATH'] ?? '')
  assert.equal(problems.length, 3)
  assert.match(
    problems.join('\n'),
    /mesh.yaml:\d+:\d+: Workload shop\/gone: command "no-such-program-here" is not found on PATH/,
  )
  assert.match(problems.join('\n'), /Workload shop\/lost: working directory .*nowhere does not exist/)
  assert.match(problems.join('\n'), /Workload shop\/path: command "\.\/not-here\.sh" is not found below/)
})

test("a gateway's port that is taken is named with its Gateway; free ports pass", async (t) => {
  const server = createServer()
  t.after(() => server.close())
  // An address that no other mesh or test of this machine uses: its ports are free but for the one taken here.
  const address = `127.94.${process.pid % 250}.${1 + (Math.floor(process.pid / 250) % 250)}`
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const { port } = server.address() as AddressInfo
  const view = viewOf(
    `${workload('door', `{ proxy: gateway, address: ${address}, serviceAccount: a }`)}---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec: { selector: { app: door }, servers: [{ port: { number: ${port}, name: http, protocol: HTTP }, hosts: ["*"] }] }
`,
  )
  const planned = ({ workloads, services }: MeshView) =>
    planInstances(workloads, services).map((instance) => ({ ...instance, address }))
  const instances = planned(view)
  assert.deepEqual(gatewayUrls(instances, view), [`http://${address}:${port}/`])
  const api = viewOf(
    `${workload('door', `{ proxy: gateway, address: ${address}, serviceAccount: a }`)}---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  gatewayClassName: weft
  infrastructure: { labels: { app: door } }
  listeners: [{ name: web, port: ${port}, protocol: HTTP }, { name: names, port: ${port + 1}, protocol: UDP }]
`,
  )
  assert.deepEqual(gatewayUrls(planned(api), api), [`http://${address}:${port}/`])
  assert.equal((await portProblems(planned(api), api, [])).length, 1)
  const taken = await portProblems(instances, view, [])
  assert.equal(taken.length, 1)
  assert.ok(taken[0]?.includes(`${address}:${port} (Gateway shop/front) is in use`))
  await new Promise((resolve) => server.close(resolve))
  assert.deepEqual(await portProblems(instances, view, []), [])
})
