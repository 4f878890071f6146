// What Kubernetes says runs, as endpoints: Pods and EndpointSlices, on real Envoys and on Weft's own proxies.
import { createServer } from 'node:http'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { service, workload } from './mesh-texts.ts'

const base = `${workload('web', { labels: 'app: web, kubernetes.io/hostname: node-a, topology.kubernetes.io/zone: zone-a' })}
${workload('meshed')}${service('meshed', { ports: '{ name: http, port: 80, targetPort: http }' })}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict, namespace: shop }
spec: { mtls: { mode: STRICT } }
`

interface PodOptions {
  readonly address: string
  readonly port: number
  readonly labels?: Readonly<Record<string, string>>
  readonly ready?: boolean
  readonly node?: string
  readonly account?: string
}

/** A Pod as `kubectl get -o yaml` shows it, in short. */
function pod(name: string, { address, port, labels = {}, ready = true, node, account }: PodOptions): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { app: 'pods', ...labels } },
    spec: {
      nodeName: node,
      serviceAccountName: account,
      containers: [{ name: 'app', image: 'app', ports: [{ name: 'http', containerPort: port }] }],
    },
    status: {
      phase: 'Running',
      podIP: address,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  })
}

function anyService(name: string, more = ''): string {
  return `{ apiVersion: v1, kind: Service, metadata: { name: ${name}, namespace: shop }, spec: { ports: [{ name: http, port: 80, targetPort: http }]${more} } }`
}

function slice(of: string, port: number, endpoints: string): string {
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${of}-1, namespace: shop, labels: { kubernetes.io/service-name: ${of} } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [${endpoints}]`
}

const documents = (...all: readonly string[]): string => all.join('\n---\n')

onBothPlanes('Pods and EndpointSlices:', (dataPlane) => {
  const ports: number[] = []
  /** Which of the two say of themselves that they are not ready. */
  const down = new Set<string>()
  const mesh = startedMesh({ base, dataPlane }, async (mesh) => {
    for (const name of ['one', 'two']) {
      const server = createServer(({ url }, response) => {
        if (url === '/ready' && down.has(name)) response.statusCode = 503
        response.end(name)
      })
      ports.push(await mesh.serve(server))
    }
    return ''
  })
  const one = (): PodOptions => ({ address: '127.0.0.1', port: ports[0] ?? 0 })
  const two = (): PodOptions => ({ address: '127.0.0.1', port: ports[1] ?? 0 })
  const answers = async (service: string, wanted: readonly string[]): Promise<void> => {
    let got: readonly string[] = []
    await until(
      async () => {
        const bodies = new Set<string>()
        for (let i = 0; i < 12; i++) {
          const { status, body } = await mesh.call('web-0', `http://${service}/`)
          bodies.add(status === 200 ? body : String(status))
        }
        got = [...bodies].sort()
        return JSON.stringify(got) === JSON.stringify(wanted)
      },
      () => `${service}: ${got.join(' ')}`,
    )
  }

  test('ready Pods answer for the Service that selects them, by the names of their ports', async () => {
    const pods = anyService('pods', ', selector: { app: pods }')
    mesh.edit(documents(pods, pod('pod-1', one()), pod('pod-2', two())))
    await answers('pods', ['one', 'two'])
    mesh.edit(documents(pods, pod('pod-1', one()), pod('pod-2', { ...two(), ready: false })))
    await answers('pods', ['one'])
  })

  test('EndpointSlices go before the Pods that are selected, and are all that a Service without a selector has', async () => {
    const pods = anyService('pods', ', selector: { app: pods }')
    const endpoint = '{ addresses: [127.0.0.1] }'
    mesh.edit(
      documents(
        pods,
        pod('pod-1', one()),
        slice('pods', ports[1] ?? 0, endpoint),
        anyService('bare'),
        slice('bare', ports[0] ?? 0, endpoint),
      ),
    )
    await answers('pods', ['two'])
    await answers('bare', ['one'])
  })

  test('an endpoint that ends takes traffic only where none is ready', async () => {
    const leaving = '{ addresses: [127.0.0.1], conditions: { ready: false, serving: true, terminating: true } }'
    mesh.edit(documents(anyService('bare'), slice('bare', ports[0] ?? 0, leaving)))
    await answers('bare', ['one'])
    mesh.edit(
      documents(anyService('bare'), slice('bare', ports[0] ?? 0, leaving.replace('serving: true', 'serving: false'))),
    )
    await answers('bare', ['503'])
  })

  test('mutual TLS to a Pod with a proxy, whose identity is its service account and nobody else', async () => {
    const { address } = mesh.instance('meshed-0')
    const meshed = { address, port: 8080, labels: { app: 'remote', 'security.istio.io/tlsMode': 'istio' } }
    const remote = anyService('remote', ', selector: { app: remote }')
    mesh.edit(documents(remote, pod('remote-1', { ...meshed, account: 'meshed' })))
    await answers('remote', ['meshed-0'])
    mesh.edit(documents(remote, pod('remote-1', { ...meshed, account: 'somebody' })))
    await answers('remote', ['503'])
    const endpoint = `{ addresses: [${address}], targetRef: { kind: Pod, name: remote-1 } }`
    mesh.edit(
      documents(
        anyService('remote'),
        pod('remote-1', { ...meshed, account: 'meshed' }),
        slice('remote', 8080, endpoint),
      ),
    )
    await answers('remote', ['meshed-0'])
  })

  test('internalTrafficPolicy Local keeps to the node of the client, trafficDistribution prefers its zone', async () => {
    const local = anyService('pods', ', selector: { app: pods }, internalTrafficPolicy: Local')
    mesh.edit(documents(local, pod('pod-1', { ...one(), node: 'node-a' }), pod('pod-2', { ...two(), node: 'node-b' })))
    await answers('pods', ['one'])
    mesh.edit(documents(local, pod('pod-2', { ...two(), node: 'node-b' })))
    await answers('pods', ['503'])
    const zones = (first: string, second: string): string =>
      documents(
        anyService('near', ', selector: { app: pods }, trafficDistribution: PreferClose'),
        pod('pod-1', { ...one(), labels: { 'topology.kubernetes.io/zone': first } }),
        pod('pod-2', { ...two(), labels: { 'topology.kubernetes.io/zone': second } }),
      )
    mesh.edit(zones('zone-a', 'zone-b'))
    await answers('near', ['one'])
    mesh.edit(zones('zone-b', 'zone-a'))
    await answers('near', ['two'])
    mesh.edit(zones('zone-b', 'zone-b'))
    await answers('near', ['one', 'two'])
  })

  test('entries of a WorkloadGroup take traffic while its probe finds them ready', async () => {
    const entryOf = (name: string, port: number | undefined): string => `
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name}, namespace: shop, annotations: { istio.io/autoRegistrationGroup: ${name} } }
spec: { address: 127.0.0.1, ports: { http: ${port} } }
---
apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: { name: ${name}, namespace: shop }
spec:
  metadata: { labels: { app: machines } }
  template: {}
  probe: { periodSeconds: 1, failureThreshold: 1, httpGet: { path: /ready, port: ${port} } }`
    const machines = anyService('machines', ', selector: { app: machines }')
    mesh.edit(documents(machines, entryOf('vm-1', ports[0]), entryOf('vm-2', ports[1])))
    await answers('machines', ['one', 'two'])
    down.add('two')
    await answers('machines', ['one'])
    down.delete('two')
    await answers('machines', ['one', 'two'])
  })

  test('sessionAffinity ClientIP sends a client to one endpoint', async () => {
    const pods = [pod('pod-1', one()), pod('pod-2', two())]
    mesh.edit(documents(anyService('pods', ', selector: { app: pods }'), ...pods))
    await answers('pods', ['one', 'two'])
    mesh.edit(documents(anyService('pods', ', selector: { app: pods }, sessionAffinity: ClientIP'), ...pods))
    await until(async () => {
      const bodies = new Set<string>()
      for (let i = 0; i < 20; i++) bodies.add((await mesh.call('web-0', 'http://pods/')).body)
      return bodies.size === 1
    })
  })
})
