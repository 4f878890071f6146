// The kind Pod (v1): what of it describes the mesh. Everything else is Kubernetes' own.
import { defineKind } from '../../kind-definition.ts'
import {
  boolean,
  byDefault,
  context,
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
  readonly ports?: readonly ContainerPort[]
  /** Of init containers: `Always` keeps one running beside the others. */
  readonly restartPolicy?: string
}

/** What Kubernetes tells of a running Pod. */
export interface PodStatus {
  readonly phase?: string
  readonly podIP?: string
  readonly podIPs?: readonly { readonly ip: string }[]
  readonly conditions?: readonly { readonly type: string; readonly status: string }[]
}

/** A Pod, as far as the mesh is concerned. */
export interface PodSpec {
  readonly containers: readonly PodContainer[]
  readonly initContainers?: readonly PodContainer[]
  readonly serviceAccountName: string
  readonly hostNetwork?: boolean
  readonly nodeName?: string
  readonly status: PodStatus
}

const port = object(
  {
    name: doc('Name, by which Services refer to the port.', text('dns-label')),
    containerPort: doc('Number of the port.', portNumber),
    protocol: doc('TCP, UDP or SCTP.', byDefault('TCP', word(['TCP', 'UDP', 'SCTP']))),
    hostPort: context('Port of the node.', integer(0, 65535)),
    hostIP: context('Address of the node.', text()),
  },
  { required: ['containerPort'] },
)

const container = {
  name: context('Name of the container.', text('dns-label')),
  image: context('What runs in it.', text()),
  ports: doc('Ports it listens on.', list(port)),
}

const initContainer = {
  ...container,
  restartPolicy: doc('Always: it runs beside the containers, and its ports count.', text()),
}

const spec: Schema = openObject(
  {
    containers: doc('Containers.', list(openObject(container, { required: ['name'] }), { min: 1 })),
    initContainers: doc(
      'Containers that run first, or beside the others.',
      list(openObject(initContainer, { required: ['name'] })),
    ),
    serviceAccountName: doc('ServiceAccount, part of the identity.', byDefault('default', text('dns-name'))),
    hostNetwork: doc('Whether it shares the network of its node; then it has no proxy.', boolean),
    nodeName: doc('Node it runs on.', text()),
  },
  { required: ['containers'] },
)

const condition = openObject(
  {
    type: doc('What it is about; `Ready` says whether the Pod takes traffic.', text('not-empty')),
    status: doc('True, False or Unknown.', text('not-empty')),
  },
  { required: ['type', 'status'] },
)

const status: Schema = openObject({
  phase: doc('Only a Pod that is Running takes traffic.', text()),
  podIP: doc("Its address; a Pod without one is nobody's endpoint.", text('optional-ip-address')),
  podIPs: doc(
    'Its addresses of both families, the one to use first.',
    list(object({ ip: doc('The address.', text('ip-address')) }, { required: ['ip'] }), { max: 2 }),
  ),
  conditions: doc('Its state; where none is written, a Pod with an address is ready.', list(condition)),
})

/** Kubernetes' Pod. */
export const podKind = defineKind({
  kind: 'Pod',
  versions: ['v1'],
  root: 'top',
  names: ['pods', 'po'],
  description:
    'A workload of Kubernetes: an endpoint of the Services that select it, unless EndpointSlices say what theirs are. Nothing starts it on one machine.',
  spec: object({ spec: doc('What runs.', spec), status: doc('What became of it.', status) }, { required: ['spec'] }),
  withDefaults: (written) => {
    const { spec: pod, status: state = {} } = written as unknown as {
      readonly spec: Omit<PodSpec, 'status'>
      readonly status?: PodStatus
    }
    const { containers, initContainers, serviceAccountName, hostNetwork, nodeName } = pod
    const { phase, podIP, podIPs, conditions } = state
    return {
      containers: containers.map(meshPart),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(meshPart) }),
      serviceAccountName,
      ...(hostNetwork === undefined ? {} : { hostNetwork }),
      ...(nodeName === undefined ? {} : { nodeName }),
      status: {
        ...(phase === undefined ? {} : { phase }),
        ...(podIP === undefined ? {} : { podIP }),
        ...(podIPs === undefined ? {} : { podIPs }),
        ...(conditions === undefined ? {} : { conditions: conditions.map(({ type, status }) => ({ type, status })) }),
      },
    }
  },
})

/** Kubernetes edits Pods all the time: what is no business of the mesh must change no hash. */
function meshPart({ name, ports, restartPolicy }: PodContainer): PodContainer {
  return {
    name,
    ...(ports === undefined ? {} : { ports }),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  }
}
