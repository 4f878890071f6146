// The kind EndpointSlice (discovery.k8s.io/v1).
import { defineKind } from '../../kind-definition.ts'
import {
  boolean,
  byDefault,
  context,
  doc,
  list,
  mapOf,
  object,
  openObject,
  portNumber,
  text,
  word,
} from '../../schema/schema.ts'

/** One endpoint. */
export interface SliceEndpoint {
  readonly addresses: readonly string[]
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
  readonly hostname?: string
  readonly nodeName?: string
  readonly zone?: string
  readonly targetRef?: { readonly kind?: string; readonly namespace?: string; readonly name?: string }
}

/** An EndpointSlice as read. */
export interface EndpointSliceSpec {
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN'
  readonly endpoints?: readonly SliceEndpoint[]
  readonly ports?: readonly {
    readonly name?: string
    readonly port?: number
    readonly protocol: 'TCP' | 'UDP' | 'SCTP'
    readonly appProtocol?: string
  }[]
}

const conditions = object({
  ready: doc('Whether it takes traffic; true unless written.', boolean),
  serving: doc('Whether it answers, even while it ends.', boolean),
  terminating: doc('Whether it is ending.', boolean),
})

const endpoint = object(
  {
    addresses: doc('Addresses of the endpoint; the first is used.', list(text('not-empty'), { min: 1, max: 100 })),
    conditions: doc('State of the endpoint.', conditions),
    hostname: doc('Host name of the endpoint.', text('dns-label')),
    nodeName: doc('Node of the endpoint.', text()),
    zone: doc('Zone of the endpoint.', text()),
    targetRef: doc(
      'Pod behind the endpoint.',
      openObject({
        kind: doc('Kind of the object.', text()),
        namespace: doc('Namespace of the object.', text()),
        name: doc('Name of the object.', text()),
      }),
    ),
    hints: context('Zones that should use it.'),
    deprecatedTopology: context('Old form of zone and node.', mapOf(text(), 'no-nul')),
  },
  { required: ['addresses'] },
)

const port = object({
  name: doc('Name of the port of the Service.', text()),
  port: doc('Number of the port.', portNumber),
  protocol: doc('TCP, UDP or SCTP.', byDefault('TCP', word(['TCP', 'UDP', 'SCTP']))),
  appProtocol: doc('What it speaks.', text()),
})

/** Kubernetes' EndpointSlice; its Service is named by the label `kubernetes.io/service-name`. */
export const endpointSliceKind = defineKind({
  kind: 'EndpointSlice',
  versions: ['v1'],
  root: 'top',
  names: ['endpointslices'],
  description: 'Endpoints of a Service.',
  spec: object(
    {
      addressType: doc('What the addresses are.', word(['IPv4', 'IPv6', 'FQDN'])),
      endpoints: doc('Endpoints.', list(endpoint, { max: 1000 })),
      ports: doc('Ports of all endpoints.', list(port, { max: 100 })),
    },
    { required: ['addressType'] },
  ),
  pending: { effect: 'on one machine endpoints are those of Workloads', proxies: 'all' },
  withDefaults: (written) => written as unknown as EndpointSliceSpec,
})
