// Reads the registry file and refuses damage.
import { err, ok, type Result } from '@weft/core'
import { fieldPath } from '../field-path.ts'
import { checkSchema } from '../schema/check-schema.ts'
import { boolean, list, mapOf, object, portNumber, text, word } from '../schema/schema.ts'
import type { InstanceRegistry } from './workload-instance.ts'

const instance = object(
  {
    name: text('dns-name'),
    workload: text('dns-name'),
    namespace: text('dns-label'),
    labels: mapOf(text('label-value'), 'label-key'),
    serviceAccount: text('dns-name'),
    proxy: word(['sidecar', 'gateway', 'grpc', 'none']),
    address: text('not-empty'),
    listenAddress: text('not-empty'),
    appAddress: text('not-empty'),
    ports: list(object({ name: text('dns-label'), port: portNumber }, { required: ['name', 'port'] })),
    outboundTcp: mapOf(text('not-empty'), 'not-empty'),
    outboundUdp: mapOf(text('not-empty'), 'not-empty'),
    ready: boolean,
    draining: boolean,
  },
  {
    required: [
      ...['name', 'workload', 'namespace', 'labels', 'serviceAccount', 'proxy', 'address', 'appAddress', 'ports'],
      ...['outboundTcp', 'ready', 'draining'],
    ],
  },
)

const registry = object({ instances: list(instance) }, { required: ['instances'] })

/** The registry in a JSON text, or what is wrong with it. */
export function parseRegistry(json: string): Result<InstanceRegistry> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
  const [fault] = checkSchema(registry, value)
  return fault === undefined ? ok(value as InstanceRegistry) : err(`${fieldPath(fault.at)}: ${fault.message}`)
}
