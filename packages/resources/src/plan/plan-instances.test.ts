import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatProblem } from '../format-problem.ts'
import { ofKind } from '../kinds.ts'
import { loadFiles } from '../parse/load-files.ts'
import { appEnvironment } from './app-environment.ts'
import { parseRegistry } from './parse-registry.ts'
import { otherAppAddress, planInstances, type PlanOptions } from './plan-instances.ts'
import { unaddressedServices } from './unaddressed-services.ts'
import { unplacedInstances } from './unplaced-instances.ts'
import { servingAddress, type WorkloadInstance } from './workload-instance.ts'

const mesh = `
apiVersion: v1
kind: Service
metadata: { name: catalog, namespace: shop }
spec: { selector: { app: catalog }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: stock-line, namespace: shop }
spec: { selector: { app: stock }, ports: [{ name: tcp-line, port: 7000 }, { name: http-admin, port: 81 }, { name: tcp-b, port: 7001 }] }
---
apiVersion: v1
kind: Service
metadata: { name: stock-line, namespace: other }
spec: { selector: { app: stock }, ports: [{ name: tcp, port: 9000 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog-v1, namespace: shop, labels: { app: catalog } }
spec: { command: [node], ports: [{ name: http, port: 8080 }], serviceAccount: catalog, replicas: 2 }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: gateway, namespace: infra }
spec: { proxy: gateway, address: 127.0.0.1 }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: bare, namespace: shop }
spec: { proxy: none, command: [node], ports: [{ name: http, port: 8080 }] }
`

function load(text: string) {
  const { objects, problems } = loadFiles([{ name: 'f', text }])
  assert.deepEqual(problems, [])
  return { workloads: ofKind(objects, 'Workload'), services: ofKind(objects, 'Service') }
}

test('instances get addresses of their own; a gateway listens where the user wrote it', () => {
  const { workloads, services } = load(mesh)
  const planned = planInstances(workloads, services)
  assert.deepEqual(
    planned.map(({ namespace, name, address, appAddress }) => [`${namespace}/${name}`, address, appAddress]),
    [
      ['infra/gateway-0', '127.66.0.1', '127.67.0.1'],
      ['shop/bare-0', '127.66.0.2', '127.66.0.2'],
      ['shop/catalog-v1-0', '127.66.0.3', '127.67.0.3'],
      ['shop/catalog-v1-1', '127.66.0.4', '127.67.0.4'],
    ],
  )
  assert.deepEqual(
    planned.map((instance) => [instance.listenAddress, servingAddress(instance)]),
    [
      ['127.0.0.1', '127.0.0.1'],
      [undefined, '127.66.0.2'],
      [undefined, '127.66.0.3'],
      [undefined, '127.66.0.4'],
    ],
  )
  assert.deepEqual(planned[2]?.outboundTcp, {
    'stock-line.other:9000': '127.68.0.3',
    'stock-line.shop:7000': '127.69.0.3',
    'stock-line.shop:7001': '127.69.0.3',
  })
  assert.deepEqual(planned[0]?.outboundTcp, {}, 'gateways have no outbound TCP listeners')
  assert.deepEqual(planInstances(workloads, services), planned)
  assert.deepEqual(parseRegistry(JSON.stringify({ instances: planned })), { ok: true, value: { instances: planned } })
})

test('an instance keeps its addresses and state when others come and go', () => {
  const { workloads, services } = load(mesh)
  const before = planInstances(workloads, services).map((each) => ({ ...each, ready: true }))
  const more = load(
    mesh.replace('replicas: 2', 'replicas: 4').replace('name: stock-line, namespace: other', 'name: a, namespace: a'),
  )
  const after = planInstances(more.workloads, more.services, before)
  for (const old of before) {
    const now = after.find(({ name }) => name === old.name)
    assert.deepEqual([now?.address, now?.appAddress, now?.ready], [old.address, old.appAddress, true])
    if (old.proxy === 'sidecar')
      assert.equal(now?.outboundTcp['stock-line.shop:7000'], old.outboundTcp['stock-line.shop:7000'])
  }
  assert.deepEqual(
    after.filter(({ ready }) => !ready).map(({ name, address }) => [name, address]),
    [
      ['catalog-v1-2', '127.66.0.5'],
      ['catalog-v1-3', '127.66.0.6'],
    ],
  )
})

test('whatever happens, no two instances share an address and all are loopback addresses', () => {
  const replicas = fc.array(fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12)), { minLength: 1, maxLength: 6 })
  const template = load(mesh).workloads.filter(({ spec }) => spec.address === undefined && spec.proxy === 'sidecar')[0]
  assert.ok(template !== undefined)
  fc.assert(
    fc.property(replicas, fc.nat(300), (steps, firstIndex) => {
      let planned: WorkloadInstance[] = []
      for (const counts of steps) {
        const workloads = counts.map((count, i) => ({
          ...template,
          id: { ...template.id, name: `w${i}` },
          spec: { ...template.spec, replicas: count },
        }))
        const next = planInstances(workloads, [], planned, { firstIndex })
        assert.equal(
          next.length,
          counts.reduce((sum, count) => sum + count, 0),
        )
        assert.equal(new Set(next.map(({ address }) => address)).size, next.length)
        for (const old of planned) {
          const now = next.find(({ name }) => name === old.name)
          if (now !== undefined) assert.equal(now.address, old.address)
        }
        for (const { address } of next) assert.match(address, /^127\.66\.\d+\.(?!0$|255$)\d+$/)
        planned = next
      }
    }),
  )
})

test('a mesh with another first index shares no address with the first one', () => {
  const { workloads, services } = load(mesh)
  const one = new Set(planInstances(workloads, services).map(({ address }) => address))
  const two = planInstances(workloads, services, [], { firstIndex: 254 }).map(({ address }) => address)
  assert.deepEqual(
    two.filter((address) => one.has(address)),
    [],
  )
  assert.equal(two[0], '127.66.1.1')
})

test('the application finds its address, the proxy and TCP services in its environment', () => {
  const { workloads, services } = load(mesh)
  const planned = planInstances(workloads, services)
  const environmentOf = (name: string): Record<string, string> => {
    const instance = planned.find((each) => each.name === name)
    assert.ok(instance !== undefined)
    return appEnvironment(instance, services)
  }
  assert.deepEqual(environmentOf('catalog-v1-0'), {
    HOST: '127.67.0.3',
    PORT: '8080',
    HTTP_PROXY: 'http://127.66.0.3:15001',
    http_proxy: 'http://127.66.0.3:15001',
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    NODE_USE_ENV_PROXY: '1',
    STOCK_LINE_SERVICE_HOST: '127.69.0.3',
    STOCK_LINE_SERVICE_PORT: '7000',
    STOCK_LINE_SERVICE_PORT_TCP: '9000',
    STOCK_LINE_SERVICE_PORT_TCP_LINE: '7000',
    STOCK_LINE_SERVICE_PORT_TCP_B: '7001',
  })
  assert.deepEqual(environmentOf('bare-0'), { HOST: '127.66.0.2', PORT: '8080' })
})

test('a Service has one address for TCP and UDP ports; those with UDP ports alone come behind', () => {
  const more = `${mesh}
---
apiVersion: v1
kind: Service
metadata: { name: names, namespace: other }
spec: { ports: [{ name: dns, port: 53, protocol: UDP }, { name: dns-tcp, port: 53 }] }
---
apiVersion: v1
kind: Service
metadata: { name: clock, namespace: other }
spec: { ports: [{ name: ntp, port: 123, protocol: UDP }, { name: http, port: 80 }] }
`
  const { workloads, services } = load(more)
  const planned = planInstances(workloads, services)
  const [caller] = planned.filter(({ name }) => name === 'catalog-v1-0')
  assert.ok(caller !== undefined)
  assert.equal(caller.outboundTcp['names.other:53'], '127.68.0.3')
  assert.deepEqual(caller.outboundUdp, { 'names.other:53': '127.68.0.3', 'clock.other:123': '127.71.0.3' })
  const { CLOCK_SERVICE_HOST, CLOCK_SERVICE_PORT, CLOCK_SERVICE_PORT_NTP, NAMES_SERVICE_HOST, NAMES_SERVICE_PORT } =
    appEnvironment(caller, services)
  assert.deepEqual([CLOCK_SERVICE_HOST, CLOCK_SERVICE_PORT, CLOCK_SERVICE_PORT_NTP], ['127.71.0.3', '123', '123'])
  assert.deepEqual([NAMES_SERVICE_HOST, NAMES_SERVICE_PORT], ['127.68.0.3', '53'])
  assert.deepEqual(
    planned.filter(({ proxy }) => proxy !== 'sidecar').map(({ outboundUdp }) => outboundUdp),
    [undefined, undefined],
  )
  assert.deepEqual(parseRegistry(JSON.stringify({ instances: planned })), { ok: true, value: { instances: planned } })
  const later = planInstances(workloads, load(more.replace('name: names,', 'name: gone,')).services, planned)
  assert.equal(later.find(({ name }) => name === caller.name)?.outboundUdp?.['clock.other:123'], '127.71.0.3')
})

test('of more Services with TCP ports than there are addresses the last ones have none, are named, and keep nobody else from theirs', () => {
  const service = (at: number): string =>
    `apiVersion: v1\nkind: Service\nmetadata: { name: db-${String(at).padStart(3, '0')}, namespace: shop }\nspec: { ports: [{ name: tcp, port: 5432 }] }\n`
  const of = (count: number) => load([mesh, ...Array.from({ length: count }, (_, at) => service(at))].join('---\n'))
  const addressed = 254 - 68 + 1
  const full = of(addressed - 2)
  const planned = planInstances(full.workloads, full.services)
  assert.deepEqual(unaddressedServices(full.services, planned), [])
  const over = of(addressed)
  const later = planInstances(over.workloads, over.services, planned)
  assert.deepEqual(unaddressedServices(over.services, later), ['db-185.shop', 'db-186.shop'])
  const addresses = Object.values(later.find(({ proxy }) => proxy === 'sidecar')?.outboundTcp ?? {})
  assert.equal(new Set(addresses).size, addressed)
})

test('instances beyond the addresses of a machine are left out, and their Workloads are told; the others keep theirs', () => {
  const workload = (name: string): string =>
    `apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: ${name} }\nspec: { command: [node], replicas: 100 }\n`
  const numbered = Array.from({ length: 650 }, (_, at) => workload(`w${String(at).padStart(3, '0')}`))
  const { workloads, services } = load([...numbered, workload('x'), workload('y')].join('---\n'))
  const told: string[] = []
  const onUnplaced: PlanOptions['onUnplaced'] = (each, count) =>
    told.push(formatProblem(unplacedInstances(each, count)))
  const planned = planInstances(workloads, services, [], { firstIndex: 254, onUnplaced })
  assert.equal(planned.length, 65_024)
  assert.equal(new Set(planned.map(({ address }) => address)).size, 65_024)
  assert.deepEqual(
    told.map((line) => line.split(':').slice(4, 7).join(':')),
    [
      ' Workload default/x: spec.replicas: 76 of its 100 instances have no address',
      ' Workload default/y: spec.replicas: 100 of its 100 instances have no address',
    ],
  )
  assert.deepEqual(planInstances(workloads, services, planned, { firstIndex: 254 }), planned)
})

test('an instance whose application moved to its other address keeps that one, and can move back', () => {
  const { workloads, services } = load(mesh)
  const first = planInstances(workloads, services)
  const moved = first.map((instance) =>
    instance.name === 'catalog-v1-0' ? { ...instance, appAddress: otherAppAddress(instance) } : instance,
  )
  const again = planInstances(workloads, services, moved)
  const before = first.find(({ name }) => name === 'catalog-v1-0')
  const after = again.find(({ name }) => name === 'catalog-v1-0')
  assert.ok(before !== undefined && after !== undefined)
  assert.equal(after.appAddress, before.appAddress.replace('127.67.', '127.65.'))
  assert.equal(otherAppAddress(after), before.appAddress)
  assert.deepEqual({ ...after, appAddress: '' }, { ...before, appAddress: '' })
})
