// One real Envoy with resources that are there from the start; its listeners take any port.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonObject } from '@bufbuild/protobuf'
import { startProgram } from '@weft/testkit/start-program'

/** A running Envoy. */
export interface StaticEnvoy {
  /** Where a listener is bound; 0 when there is none of this name. */
  portOf(listener: string): number
  /** What its administration interface says under a path. */
  admin(path: string): Promise<string>
  close(): void
}

/** Starts it; `onLine` gets what it writes to its standard output. */
export async function startStaticEnvoy(
  resources: { readonly listeners: readonly JsonObject[]; readonly clusters: readonly JsonObject[] },
  onLine: (line: string) => void = () => {},
): Promise<StaticEnvoy> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-envoy-'))
  const bootstrap = {
    node: { id: 'under-test', cluster: 'under-test' },
    admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
    staticResources: resources,
  }
  writeFileSync(join(dir, 'envoy.json'), JSON.stringify(bootstrap))
  const args = ['-c', join(dir, 'envoy.json'), '--use-dynamic-base-id', '--concurrency', '1']
  args.push('--admin-address-path', join(dir, 'admin'), '--file-flush-interval-msec', '20')
  args.push('-l', process.env['ENVOY_LOG'] ?? 'critical')
  const child = startProgram('envoy', args)
  createInterface({ input: child.stdout }).on('line', onLine)
  const close = (): void => {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true })
  }
  try {
    const ports = await boundPorts(join(dir, 'admin'), resources.listeners.length, () => child.exitCode)
    return { portOf: (name) => ports.get(name) ?? 0, admin: (path) => adminText(join(dir, 'admin'), path), close }
  } catch (error) {
    close()
    throw error
  }
}

interface Listeners {
  readonly listener_statuses?: readonly {
    readonly name: string
    readonly local_address: { readonly socket_address: { readonly port_value: number } }
  }[]
}

async function boundPorts(
  adminPath: string,
  count: number,
  exitCode: () => number | null,
): Promise<Map<string, number>> {
  let found: Listeners = {}
  const ready = async (): Promise<boolean> => {
    if (exitCode() !== null) throw new Error('Envoy did not start; ENVOY_LOG=error says why')
    found = await adminText(adminPath, '/listeners?format=json').then(
      (text) => JSON.parse(text) as Listeners,
      () => ({}),
    )
    return found.listener_statuses?.length === count
  }
  for (let ask = 0; !(await ready()); ask++) {
    if (ask > 300) throw new Error('Envoy has not bound its listeners')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return new Map(found.listener_statuses?.map((one) => [one.name, one.local_address.socket_address.port_value]))
}

function adminText(adminPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`http://${readFileSync(adminPath, 'utf8').trim()}${path}`, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => resolve(text))
    })
      .on('error', reject)
      .setTimeout(10_000, () => reject(new Error(`Envoy's administration did not answer ${path} within 10 s`)))
  })
}
