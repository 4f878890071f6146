// Schema of Kubernetes' Service.
import {
  duplicates,
  type Finding,
  integer,
  list,
  mapOf,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { formats } from '../../schema/formats.ts'
import { shown } from '../../schema/shaped.ts'
import type { ServicePort } from './types.ts'

const noSuchService = 'Only plain ClusterIP services with a selector are routed; remove the field.'

const port = object(
  {
    name: text('dns-label'),
    port: portNumber,
    targetPort: { type: ['integer', 'string'], 'x-check': checkTargetPort },
    protocol: word(['TCP'], {
      UDP: 'Only TCP goes through the mesh; remove the port.',
      SCTP: 'Only TCP goes through the mesh; remove the port.',
    }),
    appProtocol: text('not-empty'),
  },
  { required: ['port'], unsupported: { nodePort: noSuchService } },
)

/** Schema of `spec`. */
export const serviceSchema: Schema = object(
  {
    selector: mapOf(text('label-value'), 'label-key'),
    ports: list(port, { min: 1, check: checkPorts }),
    type: word(['ClusterIP'], {
      NodePort: 'Write ClusterIP; traffic from outside comes through a Gateway.',
      LoadBalancer: 'Write ClusterIP; traffic from outside comes through a Gateway.',
      ExternalName: 'Services outside the mesh are not supported yet.',
    }),
  },
  {
    required: ['ports'],
    unsupported: {
      clusterIP: 'The mesh routes by name and needs no cluster IP (nor headless services); remove the field.',
      clusterIPs: 'The mesh routes by name and needs no cluster IP; remove the field.',
      externalName: noSuchService,
      externalIPs: noSuchService,
      sessionAffinity: noSuchService,
      sessionAffinityConfig: noSuchService,
      loadBalancerIP: noSuchService,
      loadBalancerClass: noSuchService,
      loadBalancerSourceRanges: noSuchService,
      externalTrafficPolicy: noSuchService,
      internalTrafficPolicy: noSuchService,
      publishNotReadyAddresses: 'Endpoints are served when they are ready, not before; remove the field.',
      ipFamilies: noSuchService,
      ipFamilyPolicy: noSuchService,
      trafficDistribution: noSuchService,
    },
  },
)

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

function* checkPorts(ports: readonly Partial<ServicePort>[]): Iterable<Finding> {
  yield* duplicates(
    ports.map((each) => each.port),
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
