// The kind EndpointSlice (discovery.k8s.io/v1).
import { defineKind } from '../../kind-definition.ts'
import {
  boolean,
  byDefault,
  context,
  doc,
  type Finding,
  list,
  mapOf,
  object,
  openObject,
  portNumber,
  text,
  word,
} from '../../schema/schema.ts'
import { isIpAddress } from '../../schema/kubernetes-formats.ts'
import { shown } from '../../schema/shaped.ts'

/** One endpoint. */
export interface SliceEndpoint {
  readonly addresses: readonly string[]
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
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
  }[]
}

const conditions = object({
  ready: doc('Whether it takes traffic; true unless written.', boolean),
  serving: doc('Whether it answers, even while it ends; as `ready` unless written.', boolean),
  terminating: doc('Whether it is ending: it takes traffic only where no endpoint is ready.', boolean),
})

const endpoint = object(
  {
    addresses: doc('Addresses of the endpoint; the first is used.', list(text('not-empty'), { min: 1, max: 100 })),
    conditions: doc('State of the endpoint.', conditions),
    hostname: context('Host name of the endpoint, for DNS.', text('dns-label')),
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
  appProtocol: context('What it speaks; the port of the Service says it.', text()),
})

function* checkAddresses({ addressType, endpoints = [] }: EndpointSliceSpec): Iterable<Finding> {
  if (addressType === 'FQDN') return
  for (const [index, { addresses }] of endpoints.entries()) {
    for (const [at, address] of addresses.entries()) {
      if (isIpAddress(address) && address.includes(':') === (addressType === 'IPv6')) continue
      const message = `${shown(address)} is not an address of type ${addressType}`
      const mend = 'Write one, or the `addressType` that it is of.'
      yield { at: ['endpoints', index, 'addresses', at], code: 'bad-format', message, mend }
    }
  }
}

/** Kubernetes' EndpointSlice; its Service is named by the label `kubernetes.io/service-name`. */
export const endpointSliceKind = defineKind({
  kind: 'EndpointSlice',
  versions: ['v1'],
  root: 'top',
  names: ['endpointslices'],
  description: 'Endpoints of the Service that its label `kubernetes.io/service-name` names.',
  spec: object(
    {
      addressType: doc("What the addresses are; of two families the Service's first counts.", {
        ...word(['IPv4', 'IPv6', 'FQDN']),
        'x-pending-values': {
          FQDN: { effect: 'names are no endpoints of a Service (a ServiceEntry can name them)', proxies: 'all' },
        },
      }),
      endpoints: doc('Endpoints.', list(endpoint, { max: 1000 })),
      ports: doc('Ports of all endpoints.', list(port, { max: 100 })),
    },
    { required: ['addressType'], check: checkAddresses },
  ),
  withDefaults: (written) => written as unknown as EndpointSliceSpec,
})
