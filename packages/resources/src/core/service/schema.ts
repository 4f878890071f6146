// Schema of Kubernetes' Service.
import {
  boolean,
  context,
  doc,
  duplicates,
  type Finding,
  integer,
  list,
  mapOf,
  object,
  pending,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { formats } from '../../schema/formats.ts'
import { shown } from '../../schema/shaped.ts'
import type { ServicePort } from './types.ts'

const noDatagrams = 'routes for requests and connections do not reach the port'
const outside = 'It describes what is in front of the cluster.'

const port = object(
  {
    name: doc(
      'Name; before its first dash it may say what the port speaks. Needed when there are several.',
      text('dns-label'),
    ),
    port: doc('Port that clients name.', portNumber),
    targetPort: doc('Port of the workload: a number, or the name of one of its ports; `port` unless written.', {
      type: ['integer', 'string'],
      'x-check': checkTargetPort,
    }),
    protocol: context('TCP, UDP (reached by UDPRoutes, and past the proxies) or SCTP; TCP unless written.', {
      ...word(['TCP', 'UDP', 'SCTP']),
      'x-pending-values': {
        SCTP: { effect: noDatagrams, proxies: 'all' },
      },
    }),
    appProtocol: doc('What the port speaks; goes before what its name says.', text('not-empty')),
    nodePort: context(outside, integer(0, 65535)),
  },
  { required: ['port'] },
)

/** Schema of `spec`. */
export const serviceSchema: Schema = object(
  {
    selector: doc('Labels of the workloads behind it; none: nothing is.', mapOf(text('label-value'), 'label-key')),
    ports: doc('Ports; only an ExternalName or headless Service may have none.', list(port, { check: checkPorts })),
    type: context('How it is reached from outside; inside the mesh all but ExternalName are alike.', {
      ...word(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']),
    }),
    clusterIP: context(
      'Address by which it is called where traffic is redirected. None: a headless Service, which has none.',
      text('cluster-ip'),
    ),
    clusterIPs: context('Addresses of both families.', list(text('cluster-ip'), { max: 2 })),
    externalName: doc('Name outside that an ExternalName Service stands for.', text('dns-name')),
    externalIPs: context('Addresses by which it is reached from outside.', list(text('cidr'))),
    sessionAffinity: doc(
      'ClientIP: all requests of a client address go to one endpoint, unless the `loadBalancer` of a DestinationRule says otherwise.',
      word(['None', 'ClientIP']),
    ),
    sessionAffinityConfig: doc(
      'Settings of ClientIP.',
      pending(
        'the choice holds as long as the endpoints stay the same',
        object({
          clientIP: doc(
            'Settings of ClientIP.',
            object({ timeoutSeconds: doc('Seconds for which the choice holds.', integer(1, 86_400)) }),
          ),
        }),
      ),
    ),
    loadBalancerIP: context('Address of the load balancer.', text()),
    loadBalancerClass: context('Who makes the load balancer.', text()),
    loadBalancerSourceRanges: context('Clients that the load balancer lets in.', list(text('cidr'))),
    allocateLoadBalancerNodePorts: context('Whether the load balancer gets ports of nodes.', boolean),
    healthCheckNodePort: context('Port by which load balancers ask for health.', integer(0, 65535)),
    externalTrafficPolicy: context('Which nodes pass traffic from outside on.', word(['Cluster', 'Local'])),
    internalTrafficPolicy: doc(
      'Local: only endpoints on the node of the client are used. Nodes are told by EndpointSlices, by Pods, and by the label `kubernetes.io/hostname`; Workloads without it are on one.',
      word(['Cluster', 'Local']),
    ),
    publishNotReadyAddresses: doc('Whether endpoints are served before they are ready.', boolean),
    ipFamilies: context('Families of its addresses.', list(word(['IPv4', 'IPv6']), { max: 2 })),
    ipFamilyPolicy: context('How many families it has.', word(['SingleStack', 'PreferDualStack', 'RequireDualStack'])),
    trafficDistribution: doc(
      'Which endpoints go first, unless a DestinationRule has a `localityLbSetting`: those of the zone of the client, or of its node. PreferClose is the old name of PreferSameZone.',
      word(['PreferClose', 'PreferSameZone', 'PreferSameNode']),
    ),
  },
  { check: checkService },
)

interface WrittenService {
  readonly type?: string
  readonly clusterIP?: string
  readonly externalName?: string
  readonly ports?: readonly object[]
}

function* checkService({ type, clusterIP, externalName, ports }: WrittenService): Iterable<Finding> {
  if (type === 'ExternalName') {
    if (externalName !== undefined) return
    const message = 'has no `externalName`, which type ExternalName needs'
    yield { code: 'missing-field', message, mend: 'Add `externalName`.' }
  } else if (ports === undefined && clusterIP !== 'None') {
    yield { code: 'missing-field', message: 'has no `ports`', mend: 'Add `ports`.' }
  } else if (ports?.length === 0 && clusterIP !== 'None') {
    yield { at: ['ports'], code: 'empty', message: 'is empty', mend: 'Add at least one entry.' }
  }
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
    ports.map(({ port: number, protocol = 'TCP' }) => (protocol === 'TCP' ? number : `${number}/${protocol}`)),
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
