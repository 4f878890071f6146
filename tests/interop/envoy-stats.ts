import type { WorkloadInstance } from '@weft/resources'
import { http } from './envoy-mesh/plain-clients.ts'

/** Counters of an Envoy by name. */
export async function statsOf(instance: WorkloadInstance, names: RegExp): Promise<Map<string, number>> {
  const { body } = await http({ host: instance.address, port: 15000, path: '/stats' })
  const lines = body.split('\n').map((line) => line.split(': '))
  return new Map(lines.flatMap(([name = '', value]) => (names.test(name) ? [[name, Number(value)]] : [])))
}
