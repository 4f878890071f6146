// Workloads that this mesh did not start: the Pods of Kubernetes, and what EndpointSlices say stands behind a Service, in the shape of
// the instances that it did start.
import {
  contentHash,
  type EndpointSliceSpec,
  type PodContainer,
  type PodSpec,
  type SliceEndpoint,
  type WorkloadInstance,
  type WorkloadSpec,
} from '@weft/resources'
import type { SnapshotInstance, SnapshotObject } from './mesh-snapshot.ts'

/** What is known of an instance besides what instances of this mesh have. */
export interface Elsewhere {
  readonly node?: string
  readonly zone?: string
  /** Port by protocol and name of the port of a container: `TCP/http`. */
  readonly named?: Readonly<Record<string, number>>
  /** Port by protocol and name of the port of the Service, where an EndpointSlice says. */
  readonly targets?: Readonly<Record<string, number>>
  /** It ends and still answers: it takes traffic where nothing is ready. */
  readonly leaving: boolean
}

/** An instance that this mesh did not start. */
export type ElsewhereInstance = SnapshotInstance & { readonly elsewhere: Elsewhere }

type Pod = SnapshotObject<PodSpec>
type EndpointSlice = SnapshotObject<EndpointSliceSpec>

/** The label by which an EndpointSlice names its Service. */
export const serviceNameLabel = 'kubernetes.io/service-name'

const knownPods = new WeakMap<Pod, ElsewhereInstance | undefined>()

/** A Pod as an instance; undefined while it has no address, and once it has ended. */
export function instanceOfPod(pod: Pod): ElsewhereInstance | undefined {
  if (!knownPods.has(pod)) knownPods.set(pod, runningPod(pod))
  return knownPods.get(pod)
}

function runningPod(pod: Pod): ElsewhereInstance | undefined {
  const { status, nodeName } = pod.spec
  const address = status.podIPs?.[0]?.ip ?? status.podIP ?? ''
  if (address === '' || status.phase === 'Succeeded' || status.phase === 'Failed') return undefined
  const value = { ...workloadOfPod(pod), address, appAddress: address, ready: isReady(pod.spec) }
  const elsewhere = { leaving: false, named: namedPorts(pod.spec), ...nodeOf(nodeName) }
  return { key: pod.key, hash: pod.hash, value, elsewhere }
}

function isReady({ status: { phase = 'Running', conditions } }: PodSpec): boolean {
  if (phase !== 'Running') return false
  return conditions === undefined || conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

/** All of an instance that a Pod tells, but where and how it is. */
function workloadOfPod({ id, labels, spec }: Pod): Omit<WorkloadInstance, 'address' | 'appAddress' | 'ready'> {
  return {
    name: id.name,
    workload: ownerOf(id.name, labels),
    namespace: id.namespace,
    labels,
    serviceAccount: spec.serviceAccountName,
    // Istio's rule: who injects a proxy says so by this label. A Pod in the network of its node gets none.
    proxy: labels['security.istio.io/tlsMode'] === 'istio' && spec.hostNetwork !== true ? 'sidecar' : 'none',
    ports: Object.entries(namedPorts(spec)).flatMap(([name, port]) =>
      name.startsWith('TCP/') ? [{ name: name.slice('TCP/'.length), port }] : [],
    ),
    outboundTcp: {},
    draining: false,
  }
}

/** Ports of what goes on running; of equal names the first counts. */
function namedPorts({ containers, initContainers = [] }: PodSpec): Record<string, number> {
  const beside = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  const named = [...containers, ...beside].flatMap(({ ports = [] }: PodContainer) =>
    ports.flatMap(({ name, containerPort, protocol }) =>
      name === undefined ? [] : [[`${protocol}/${name}`, containerPort] as const],
    ),
  )
  return Object.fromEntries(named.reverse())
}

/** The Deployment or StatefulSet, as far as the names that Kubernetes gives tell it. */
function ownerOf(name: string, labels: Readonly<Record<string, string>>): string {
  const hash = labels['pod-template-hash']
  const at = hash === undefined ? -1 : name.lastIndexOf(`-${hash}-`)
  if (at > 0) return name.slice(0, at)
  const index = labels['apps.kubernetes.io/pod-index']
  return index !== undefined && name.endsWith(`-${index}`) ? name.slice(0, -index.length - 1) : name
}

/**
 * The endpoints of a Service's slices. Of two families that of the Service's own address is used, if there are such slices; names are no
 * endpoints. What a Pod is, its object tells.
 */
export function instancesOfSlices(
  slices: readonly EndpointSlice[],
  service: { readonly clusterIPs?: readonly string[] },
  podOf: (name: string) => Pod | undefined,
): ElsewhereInstance[] {
  const family = service.clusterIPs?.[0]?.includes(':') === true ? 'IPv6' : 'IPv4'
  const addressed = slices.filter(({ spec }) => spec.addressType !== 'FQDN')
  const preferred = addressed.filter(({ spec }) => spec.addressType === family)
  return (preferred.length > 0 ? preferred : addressed).flatMap((slice) =>
    (slice.spec.endpoints ?? []).map((endpoint, index) => instanceOfEndpoint(slice, endpoint, index, podOf)),
  )
}

function instanceOfEndpoint(
  slice: EndpointSlice,
  endpoint: SliceEndpoint,
  index: number,
  podOf: (name: string) => Pod | undefined,
): ElsewhereInstance {
  const { targetRef, conditions = {}, nodeName, zone } = endpoint
  const { namespace, name: sliceName } = slice.id
  const pod = behind(slice, endpoint, podOf)
  const { ready = true, serving = ready, terminating = false } = conditions
  const address = endpoint.addresses[0] ?? ''
  const self = pod === undefined ? strangerOf(namespace, targetRef?.name ?? sliceName) : workloadOfPod(pod)
  const elsewhere = {
    leaving: !ready && serving && terminating,
    targets: targetsOf(slice.spec),
    ...nodeOf(nodeName ?? pod?.spec.nodeName),
    ...(zone === undefined ? {} : { zone }),
  }
  return {
    key: `${slice.key}#${String(index).padStart(4, '0')}`,
    hash: contentHash([slice.hash, pod?.hash ?? '']),
    value: { ...self, address, appAddress: address, ready },
    elsewhere,
  }
}

/** The Pod of an endpoint. Nobody speaks for those of other namespaces: their identities would be let in. */
function behind(
  { id: { namespace } }: EndpointSlice,
  { targetRef }: SliceEndpoint,
  podOf: (name: string) => Pod | undefined,
): Pod | undefined {
  const { kind, name, namespace: of = namespace } = targetRef ?? {}
  return kind === 'Pod' && name !== undefined && of === namespace ? podOf(name) : undefined
}

/** Ports without a number mean all ports, which Services ignore. */
function targetsOf({ ports = [] }: EndpointSliceSpec): Record<string, number> {
  return Object.fromEntries(
    ports.flatMap(({ name = '', port, protocol }) => (port === undefined ? [] : [[`${protocol}/${name}`, port]])),
  )
}

/** What nobody describes has no proxy and no labels. */
function strangerOf(namespace: string, name: string): ReturnType<typeof workloadOfPod> {
  return {
    name,
    workload: name,
    namespace,
    labels: {},
    serviceAccount: 'default',
    proxy: 'none',
    ports: [],
    outboundTcp: {},
    draining: false,
  }
}

function nodeOf(node: string | undefined): Pick<Elsewhere, 'node'> {
  return node === undefined ? {} : { node }
}

/** What clusters need to know of instances elsewhere: equal ones are one, so that scaling a Deployment changes no cluster. */
export function workloadsOf(instances: readonly ElsewhereInstance[]): SnapshotObject<WorkloadSpec>[] {
  const found = new Map<string, SnapshotObject<WorkloadSpec>>()
  for (const { value, elsewhere } of instances) {
    const { namespace, workload: name, labels, serviceAccount, proxy, ports } = value
    const hash = contentHash([namespace, name, labels, serviceAccount, proxy, ports, elsewhere.targets ?? {}])
    const key = `elsewhere/${namespace}/${name}@${hash}`
    if (found.has(key)) continue
    const id = { cluster: '', group: '', kind: 'Pod', namespace, name }
    const spec: WorkloadSpec = { ports, serviceAccount, proxy, env: {}, replicas: 1 }
    found.set(key, { key, hash, id, labels, annotations: {}, spec })
  }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/**
 * The address from which instances are dialled that are all on other machines: a proxy's own is a loopback address on one machine, from
 * where nobody outside can be reached.
 */
export function sourceAddressFor(instances: readonly ElsewhereInstance[]): string | undefined {
  const addresses = instances.map(({ value }) => value.address)
  if (addresses.length === 0 || addresses.some(isLoopback)) return undefined
  return addresses.every((address) => address.includes(':')) ? '::' : '0.0.0.0'
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
