// The kind Pod (v1): what of it describes the mesh. Everything else is Kubernetes' own.
import { defineKind } from '../../kind-definition.ts'
import {
  boolean,
  byDefault,
  doc,
  integer,
  list,
  object,
  openObject,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'

/** A port of a container. */
export interface ContainerPort {
  readonly name?: string
  readonly containerPort: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
}

/** A container, as far as the mesh is concerned. */
export interface PodContainer {
  readonly name: string
  readonly image?: string
  readonly ports?: readonly ContainerPort[]
}

/** A Pod, as far as the mesh is concerned. */
export interface PodSpec {
  readonly containers: readonly PodContainer[]
  readonly initContainers?: readonly PodContainer[]
  readonly serviceAccountName: string
  readonly hostNetwork?: boolean
  readonly nodeName?: string
}

const port = object(
  {
    name: doc('Name, by which Services refer to the port.', text('dns-label')),
    containerPort: doc('Number of the port.', portNumber),
    protocol: doc('TCP, UDP or SCTP.', byDefault('TCP', word(['TCP', 'UDP', 'SCTP']))),
    hostPort: doc('Port of the node.', integer(0, 65535)),
    hostIP: doc('Address of the node.', text()),
  },
  { required: ['containerPort'] },
)

const containers = list(
  openObject(
    {
      name: doc('Name of the container.', text('dns-label')),
      image: doc('What runs in it.', text()),
      ports: doc('Ports it listens on.', list(port)),
    },
    { required: ['name'] },
  ),
)

const spec: Schema = openObject(
  {
    containers: doc('Containers.', { ...containers, minItems: 1 }),
    initContainers: doc('Containers that run first, or beside the others.', containers),
    serviceAccountName: doc('ServiceAccount, part of the identity.', byDefault('default', text('dns-name'))),
    hostNetwork: doc('Whether it shares the network of its node.', boolean),
    nodeName: doc('Node it runs on.', text()),
  },
  { required: ['containers'] },
)

/** Kubernetes' Pod. */
export const podKind = defineKind({
  kind: 'Pod',
  versions: ['v1'],
  names: ['pods', 'po'],
  description: 'A workload of Kubernetes.',
  spec,
  pending: { effect: 'on one machine workloads are of kind Workload, and Pods are not started', proxies: 'all' },
  withDefaults: (written) => written as unknown as PodSpec,
})
