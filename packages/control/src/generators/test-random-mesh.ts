// Small random meshes in which everything refers to everything: few names, many shapes. For property tests.
import { loadFiles, type MeshObject, type WorkloadInstance } from '@weft/resources'
import fc from 'fast-check'
import type { UnenforceablePolicy } from '../store/store-state.ts'
import type { ProxyRef } from './generator.ts'

const namespaces = ['a', 'b', 'istio-system']
const names = ['s0', 's1', 's2']
const hosts = [
  's0',
  's1',
  's2',
  's0.a.svc.cluster.local',
  's1.b.svc.cluster.local',
  'ext.example.com',
  '*.example.com',
  '*.a.svc.cluster.local',
  '*',
]

const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const json = JSON.stringify

interface Shape {
  readonly apiVersion: string
  readonly kind: string
  readonly spec?: fc.Arbitrary<object>
  /** Fields beside `metadata`. */
  readonly top?: fc.Arbitrary<object>
  /** Labels besides those that all have. */
  readonly marks?: fc.Arbitrary<object>
}

const destination = fc.record({ host: pick(hosts.slice(0, 6)) })
const match = fc.record(
  {
    uri: pick([{ prefix: '/a' }, { exact: '/b' }]),
    sourceLabels: pick([{ version: 'v1' }, { app: 's1' }]),
    sourceNamespace: pick(namespaces),
    port: pick([80, 90]),
    gateways: pick([['mesh'], ['a/gw'], ['mesh', 'a/gw']]),
  },
  { requiredKeys: [] },
)
const selector = pick([undefined, { matchLabels: { app: 's0' } }, { matchLabels: { app: 's1', version: 'v1' } }])
const exportTo = pick([undefined, ['*'], ['.']])

const shapes: readonly Shape[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    spec: fc.record({
      sessionAffinity: pick([undefined, 'ClientIP']),
      internalTrafficPolicy: pick([undefined, 'Local']),
      trafficDistribution: pick([undefined, 'PreferSameNode']),
      selector: pick([{ app: 's0' }, { app: 's1' }, { app: 's1', version: 'v1' }, { version: 'v2' }]),
      ports: pick([
        [{ name: 'http', port: 80, targetPort: 8080 }],
        [
          { name: 'http', port: 80, targetPort: 'http' },
          { name: 'tcp', port: 90, targetPort: 9090 },
        ],
        [
          { name: 'http-a', port: 80, targetPort: 8080 },
          { name: 'http-b', port: 90, targetPort: 9090 },
        ],
      ]),
    }),
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    marks: pick([{}, { 'security.istio.io/tlsMode': 'istio' }]),
    top: fc.record({
      spec: fc.record({
        serviceAccountName: pick(['sa0', 'sa1']),
        nodeName: pick([undefined, 'n0']),
        containers: fc.constant([{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }] }]),
      }),
      status: fc.record({ phase: pick(['Running', 'Succeeded']), podIP: pick([undefined, '10.0.0.1', '10.0.0.2']) }),
    }),
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    marks: pick(names.map((name) => ({ 'kubernetes.io/service-name': name }))),
    top: fc.record({
      addressType: fc.constant('IPv4'),
      ports: fc.constant([{ name: 'http', port: 8080 }]),
      endpoints: fc.array(
        fc.record({
          addresses: pick([['10.0.0.1'], ['127.0.0.9']]),
          conditions: pick([undefined, { ready: false }, { ready: false, serving: true, terminating: true }]),
          targetRef: pick([undefined, { kind: 'Pod', name: 's0' }, { kind: 'Pod', name: 's1' }]),
        }),
        { maxLength: 3 },
      ),
    }),
  },
  {
    apiVersion: 'weft.dev/v1alpha1',
    kind: 'Workload',
    spec: fc.record({
      command: fc.constant(['run']),
      serviceAccount: pick(['sa0', 'sa1']),
      proxy: pick(['sidecar', 'none']),
      ports: fc.constant([{ name: 'http', port: 8080 }]),
    }),
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    spec: fc.record({
      hosts: fc.uniqueArray(pick(hosts), { minLength: 1, maxLength: 2 }),
      gateways: pick([undefined, ['mesh'], ['a/gw'], ['mesh', 'a/gw']]),
      exportTo,
      http: fc.array(
        fc.record(
          {
            match: fc.array(match, { minLength: 1, maxLength: 2 }),
            route: fc.tuple(fc.record({ destination })),
            timeout: pick(['1s', '2s']),
          },
          { requiredKeys: ['route'] },
        ),
        { minLength: 1, maxLength: 2 },
      ),
      tcp: pick([
        undefined,
        [{ route: [{ destination: { host: 's1' } }] }],
        [{ match: [{ sourceLabels: { version: 'v2' } }], route: [{ destination: { host: 's2' } }] }],
      ]),
    }),
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    spec: fc.record({
      host: pick(hosts.slice(0, 5)),
      exportTo,
      trafficPolicy: pick([undefined, { loadBalancer: { simple: 'ROUND_ROBIN' } }, { tls: { mode: 'DISABLE' } }]),
      subsets: pick([
        undefined,
        [{ name: 'v1', labels: { version: 'v1' } }],
        [{ name: 'v1', labels: { version: 'v2' } }],
      ]),
    }),
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    spec: fc.record({
      selector: pick([{ app: 'gw' }, { version: 'v1' }]),
      servers: fc
        .record({ number: pick([80, 8081]), hosts: pick([['*'], ['ext.example.com'], ['b/*']]) })
        .map(({ number, hosts: list }) => [{ port: { number, name: 'http', protocol: 'HTTP' }, hosts: list }]),
    }),
  },
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'PeerAuthentication',
    spec: fc.record({ selector, mtls: pick([{ mode: 'STRICT' }, { mode: 'DISABLE' }, { mode: 'UNSET' }]) }),
  },
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    spec: fc.record({
      selector,
      action: pick(['ALLOW', 'DENY']),
      rules: pick([[{ from: [{ source: { namespaces: ['a'] } }] }], [{ to: [{ operation: { paths: ['/x'] } }] }]]),
    }),
  },
]

/** A document for a place in the mesh; the same place with another document is a change of that object. */
export interface Placed {
  readonly place: string
  readonly text: string
}

/** Any object at any place. */
export const placed: fc.Arbitrary<Placed> = pick(shapes).chain(({ apiVersion, kind, spec, top, marks }) =>
  fc
    .record({
      namespace: kind === 'Gateway' ? fc.constant('a') : pick(namespaces),
      name: kind === 'Gateway' ? fc.constant('gw') : pick(names),
      labels: pick([{ app: 's0' }, { app: 's1', version: 'v1' }, { app: 's1', version: 'v2' }]),
      note: pick([undefined, 'a note']),
      fields: top ?? (spec ?? fc.constant({})).map((body) => ({ spec: body })),
      more: marks ?? fc.constant({}),
    })
    .map(({ namespace, name, labels, note, fields, more }) => {
      const annotations = note === undefined ? {} : { annotations: { note } }
      const metadata = { name, namespace, labels: { ...labels, ...more }, ...annotations }
      return { place: `${kind}/${namespace}/${name}`, text: json({ apiVersion, kind, metadata, ...fields }) }
    }),
)

const parsed = new Map<string, MeshObject | undefined>()

/** The object of a document; undefined when it is not valid. Parsed once. */
export function objectOf(text: string): MeshObject | undefined {
  if (!parsed.has(text)) parsed.set(text, loadFiles([{ name: 'mesh.yaml', text }]).objects[0])
  return parsed.get(text)
}

/** Any instance; few enough names that they come again as something else. */
export const instance: fc.Arbitrary<WorkloadInstance> = fc
  .record({
    namespace: pick(['a', 'b']),
    index: fc.nat(3),
    labels: pick([{ app: 's0' }, { app: 's1', version: 'v1' }, { app: 's1', version: 'v2' }, { app: 'gw' }]),
    proxy: pick(['sidecar', 'sidecar', 'gateway', 'none'] as const),
    ready: fc.boolean(),
    draining: pick([false, false, true]),
    tcp: pick([{}, { 's0.a:90': '127.68.0.1' }]),
  })
  .map(({ namespace, index, labels, proxy, ready, draining, tcp }) => ({
    name: `i${index}`,
    workload: `w${index % 2}`,
    namespace,
    labels,
    serviceAccount: 'sa0',
    proxy,
    address: `127.66.${namespace === 'a' ? 0 : 1}.${index + 1}`,
    appAddress: `127.67.${namespace === 'a' ? 0 : 1}.${index + 1}`,
    ports: [
      { name: 'http', port: 8080 },
      { name: 'tcp', port: 9090 },
    ],
    outboundTcp: tcp,
    ready,
    draining,
  }))

/** Any policy that cannot be enforced. */
export const unenforceable: fc.Arbitrary<UnenforceablePolicy> = fc.record({
  id: pick(namespaces).map((namespace) => ({
    cluster: '',
    group: 'security.istio.io',
    kind: 'AuthorizationPolicy',
    namespace,
    name: 'broken',
  })),
  selector: pick([undefined, { app: 's0' }]),
  reason: fc.constant('unreadable'),
})

/** What a proxy says it is when it connects. */
export const kindOfProxy: fc.Arbitrary<Pick<ProxyRef, 'flavor' | 'interception'>> = fc.record({
  flavor: pick(['weft', 'envoy'] as const),
  interception: pick(['explicit', 'redirect'] as const),
})
