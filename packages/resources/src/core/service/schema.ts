// Schema of Kubernetes' Service.
import {
  anything,
  boolean,
  duplicates,
  type Finding,
  integer,
  list,
  mapOf,
  object,
  type Pending,
  pending,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { formats } from '../../schema/formats.ts'
import { shown } from '../../schema/shaped.ts'
import type { ServicePort } from './types.ts'

const noDoors = 'traffic from outside comes through a Gateway'
const noFamilies = 'addresses are taken as they are'
const onlyTcp: Pending = { effect: 'only TCP goes through the mesh', proxies: 'all' }

const port = object(
  {
    name: text('dns-label'),
    port: portNumber,
    targetPort: { type: ['integer', 'string'], 'x-check': checkTargetPort },
    protocol: { ...word(['TCP', 'UDP', 'SCTP']), 'x-pending-values': { UDP: onlyTcp, SCTP: onlyTcp } },
    appProtocol: text('not-empty'),
    nodePort: pending(noDoors, integer(0, 65_535)),
  },
  { required: ['port'] },
)

/** Schema of `spec`. */
export const serviceSchema: Schema = object(
  {
    selector: mapOf(text('label-value'), 'label-key'),
    ports: list(port, { check: checkPorts }),
    type: {
      ...word(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']),
      'x-pending-values': {
        NodePort: { effect: noDoors, proxies: 'all' },
        LoadBalancer: { effect: noDoors, proxies: 'all' },
      },
    },
    clusterIP: text(),
    clusterIPs: list(text(), { max: 2 }),
    externalName: text('dns-name'),
    publishNotReadyAddresses: boolean,
    externalIPs: pending(noDoors, list(text('ip-address'))),
    loadBalancerIP: pending(noDoors, text()),
    loadBalancerClass: pending(noDoors, text()),
    loadBalancerSourceRanges: pending(noDoors, list(text('cidr'))),
    allocateLoadBalancerNodePorts: pending(noDoors, boolean),
    externalTrafficPolicy: pending(noDoors, word(['Cluster', 'Local'])),
    healthCheckNodePort: pending(noDoors, integer(0, 65_535)),
    internalTrafficPolicy: pending('all endpoints are used, wherever they are', word(['Cluster', 'Local'])),
    trafficDistribution: pending('all endpoints are used alike; write a DestinationRule', text('not-empty')),
    sessionAffinity: pending('requests are balanced one by one; write a DestinationRule', word(['None', 'ClientIP'])),
    sessionAffinityConfig: pending('there is no session affinity', anything),
    ipFamilies: pending(noFamilies, list(word(['IPv4', 'IPv6']), { max: 2 })),
    ipFamilyPolicy: pending(noFamilies, word(['SingleStack', 'PreferDualStack', 'RequireDualStack'])),
  },
  { check: checkService },
)

interface WrittenService {
  readonly type?: string
  readonly ports?: readonly unknown[]
  readonly externalName?: string
  readonly clusterIP?: string
  readonly clusterIPs?: readonly string[]
}

function* checkService(spec: WrittenService): Iterable<Finding> {
  const external = spec.type === 'ExternalName'
  if (!external && (spec.ports?.length ?? 0) === 0) {
    yield { at: ['ports'], code: 'missing-field', message: 'is missing or empty', mend: 'Add at least one port.' }
  }
  if (external && spec.externalName === undefined) {
    const message = 'is missing, which a Service of type ExternalName stands for'
    yield { at: ['externalName'], code: 'missing-field', message, mend: 'Add the name, or write type: ClusterIP.' }
  }
  if (!external && spec.externalName !== undefined) {
    const message = `has no effect with type ${spec.type ?? 'ClusterIP'}`
    yield { at: ['externalName'], code: 'conflicting-fields', message, mend: 'Write type: ExternalName.' }
  }
  for (const [at, address] of addressesOf(spec)) {
    const fault = address === '' || address === 'None' ? undefined : formats['ip-address'](address)
    if (fault !== undefined) yield { ...fault, at }
  }
}

function addressesOf({ clusterIP, clusterIPs = [] }: WrittenService): [(string | number)[], string][] {
  const all = clusterIPs.map((each, index): [(string | number)[], string] => [['clusterIPs', index], each])
  return clusterIP === undefined ? all : [[['clusterIP'], clusterIP], ...all]
}

const targetPortBounds = integer(1, 65535)

function* checkTargetPort(target: number | string): Iterable<Finding> {
  if (typeof target === 'string') {
    const fault = formats['dns-label'](target)
    if (fault !== undefined) yield fault
  } else if (target < (targetPortBounds.minimum ?? 0) || target > (targetPortBounds.maximum ?? 0)) {
    const mend = 'Write a number from 1 to 65535.'
    yield { code: 'out-of-range', message: `must be from 1 to 65535, not ${shown(target)}`, mend }
  }
}

function* checkPorts(
  ports: readonly (Partial<Omit<ServicePort, 'protocol'>> & { readonly protocol?: string })[],
): Iterable<Finding> {
  yield* duplicates(
    ports.map(({ port: number, protocol = 'TCP' }) => (protocol === 'TCP' ? number : `${number} ${protocol}`)),
    'port',
    ['port'],
  )
  yield* duplicates(
    ports.map((each) => each.name),
    'name',
    ['name'],
  )
  if (ports.length < 2) return
  for (const [index, each] of ports.entries()) {
    if (each.name !== undefined) continue
    const message = 'has no `name`, which a Service with several ports needs'
    yield { at: [index], code: 'missing-field', message, mend: 'Add a `name` like http or tcp-line.' }
  }
}
