// Schema of Workload.
import {
  doc,
  duplicates,
  exactlyOne,
  type Finding,
  integer,
  list,
  mapOf,
  number,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { hasProxy } from './has-proxy.ts'
import type { WorkloadPort } from './types.ts'

/** Ports of a sidecar's own listeners on the workload's mesh address. */
const proxyPorts = [15000, 15001, 15006, 15008, 15020, 15021, 15053]

const readiness = object(
  {
    httpGet: doc(
      'Ready when a request is answered with a status below 400.',
      object(
        { path: doc('Path that is asked for.', text('path')), port: doc('Port that is asked.', portNumber) },
        { required: ['path', 'port'] },
      ),
    ),
    tcpSocket: doc(
      'Ready when a port takes connections.',
      object({ port: doc('The port.', portNumber) }, { required: ['port'] }),
    ),
    exec: doc(
      'Ready when a program ends with 0.',
      object({ command: doc('Program and arguments.', list(text('no-nul'), { min: 1 })) }, { required: ['command'] }),
    ),
    periodSeconds: doc('Seconds between two probes; 1 unless written.', number(0.05, 3600)),
    timeoutSeconds: doc('Seconds that a probe may take; 1 unless written.', number(0.05, 3600)),
    failureThreshold: doc('Failed probes in a row after which it is not ready; 3 unless written.', integer(1, 1000)),
  },
  {
    unsupported: {
      initialDelaySeconds: 'The first probe comes at once; remove the field.',
      successThreshold: 'One success suffices; remove the field.',
      grpc: 'gRPC is not supported yet; use `httpGet` or `tcpSocket`.',
    },
    check: exactlyOne(['httpGet', 'tcpSocket', 'exec']),
  },
)

/** Schema of `spec`. */
export const workloadSchema: Schema = object(
  {
    command: doc('Program and arguments; for gateways none.', list(text('no-nul'), { min: 1 })),
    workingDirectory: doc('Directory the program runs in, relative to the mesh.', text('not-empty')),
    ports: doc(
      'Ports the program listens on.',
      list(
        object(
          {
            name: doc('Name, by which Services refer to the port.', text('dns-label')),
            port: doc('Number of the port.', portNumber),
          },
          { required: ['name', 'port'] },
        ),
        { check: checkPorts },
      ),
    ),
    serviceAccount: doc('Part of the identity; `default` unless written.', text('dns-name')),
    env: doc('Environment of the program.', mapOf(text('no-nul'), 'env-name')),
    replicas: doc('How many run; 1 unless written.', integer(0, 100)),
    readiness: doc('When it takes traffic; as soon as it runs unless written.', readiness),
    proxy: doc(
      'What stands before it: a sidecar unless written. With `grpc` nothing does: its gRPC library asks the control plane itself.',
      word(['sidecar', 'gateway', 'grpc', 'none']),
    ),
    address: doc('Where the listeners of a gateway bind.', text('loopback-address')),
    concurrency: doc('Processes that share the work of its proxy.', integer(1, 64)),
  },
  {
    unsupported: {
      liveness: 'A workload is restarted when its process ends; remove the field.',
      image: 'Workloads are processes of this machine; write `command`.',
    },
    check: checkWorkload,
  },
)

function* checkPorts(ports: readonly WorkloadPort[]): Iterable<Finding> {
  yield* duplicates(
    ports.map((each) => each.name),
    'name',
    ['name'],
  )
  yield* duplicates(
    ports.map((each) => each.port),
    'port',
    ['port'],
  )
}

interface WrittenSpec {
  readonly command?: readonly string[]
  readonly ports?: readonly WorkloadPort[]
  readonly proxy?: string
  readonly replicas?: number
  readonly address?: string
  readonly concurrency?: number
}

function* checkWorkload(spec: WrittenSpec): Iterable<Finding> {
  const proxy = spec.proxy ?? 'sidecar'
  if (proxy === 'gateway' && spec.command !== undefined) {
    const message = 'is written, but a gateway runs only a proxy'
    yield { at: ['command'], code: 'conflicting-fields', message, mend: 'Remove `command`, or write proxy: sidecar.' }
  }
  if (proxy !== 'gateway' && spec.command === undefined) {
    const message = 'has no `command`, so there is nothing to run'
    yield { code: 'missing-command', message, mend: 'Add command: [program, argument, ...], or write proxy: gateway.' }
  }
  if (spec.address !== undefined && proxy !== 'gateway') {
    const message = 'is for gateways: every other workload is reached at an address of its own'
    yield { at: ['address'], code: 'conflicting-fields', message, mend: 'Remove `address`, or write proxy: gateway.' }
  }
  if (spec.address !== undefined && (spec.replicas ?? 1) > 1) {
    const message = 'cannot be shared by several replicas'
    yield { at: ['address'], code: 'conflicting-fields', message, mend: 'Remove `address`, or write replicas: 1.' }
  }
  if (spec.concurrency !== undefined && !hasProxy({ proxy })) {
    const message = 'is for proxies, and this workload has none'
    yield { at: ['concurrency'], code: 'conflicting-fields', message, mend: 'Remove `concurrency`.' }
  }
  for (const [index, { port }] of (spec.ports ?? []).entries()) yield* checkPort(index, port, proxy)
}

function* checkPort(index: number, port: number, proxy: string): Iterable<Finding> {
  const at = ['ports', index, 'port']
  if (hasProxy({ proxy }) && proxyPorts.includes(port)) {
    yield { at, code: 'port-conflict', message: `${port} is a port of the proxy`, mend: 'Use another port.' }
  }
  if (port >= 1024) return
  const message = `${port} can usually be bound by root only`
  const mend = `Listen on ${port + 8000} and write targetPort: ${port + 8000} in the Service.`
  yield { at, severity: 'warning', code: 'privileged-port', message, mend }
}
