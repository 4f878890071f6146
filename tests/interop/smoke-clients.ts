// Clients of the smoke test, who know nothing of a mesh.
import { connect } from 'node:net'
import type { WorkloadInstance } from '@weft/resources'
import { http } from './envoy-mesh/envoy-mesh.ts'

/** What a TCP service answers to a line. */
export function echo(host: string, port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(line))
    socket.once('data', (chunk) => {
      resolve(chunk.toString())
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed without an answer')))
  })
}

/** Counters of an Envoy by name. */
export async function statsOf(instance: WorkloadInstance, names: RegExp): Promise<Map<string, number>> {
  const { body } = await http({ host: instance.address, port: 15000, path: '/stats' })
  const lines = body.split('\n').map((line) => line.split(': '))
  return new Map(lines.flatMap(([name = '', value]) => (names.test(name) ? [[name, Number(value)]] : [])))
}
