// A control plane, an agent, and workloads whose gRPC libraries ask for themselves; what is configured may be changed.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeRuntime } from '@weft/core/node'
import { workloadId } from '@weft/identity'
import { loadFiles, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import { apiClient } from '../../../packages/control/src/api/api-client.ts'
import type { StatusReport } from '../../../packages/control/src/api/api-types.ts'
import { type RunningControl, startControl } from '../../../packages/control/src/start-control.ts'
import { grpcBootstrap } from '../../../packages/local/src/agent/grpc-bootstrap.ts'
import { HostAgent } from '../../../packages/local/src/agent/host-agent.ts'

const trustDomain = 'cluster.local'

/** A running mesh. */
export interface ProxylessMesh {
  readonly instances: readonly WorkloadInstance[]
  /** Starts the agent's part for an instance and returns the path of its bootstrap. */
  bootstrapFor(workload: string): Promise<string>
  instanceOf(workload: string): WorkloadInstance
  /** Writes a file of the configuration, or takes it away. */
  write(name: string, yaml: string | undefined): void
  /** Writes down which instances are ready. */
  setReady(workload: string, ready: boolean): void
  status(): Promise<StatusReport>
  close(): Promise<void>
}

/** Starts it; `firstBlock` keeps the addresses of test files apart. */
export async function startProxylessMesh(yaml: string, firstBlock: number): Promise<ProxylessMesh> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-grpc-'))
  const state = join(dir, '.weft')
  const config = join(dir, 'mesh')
  for (const folder of ['run', 'ca', 'registry', 'state']) mkdirSync(join(state, folder), { recursive: true })
  mkdirSync(config)
  writeFileSync(join(config, 'mesh.yaml'), yaml)
  const { objects, problems } = loadFiles([{ name: 'mesh.yaml', text: yaml }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const firstIndex = 254 * (firstBlock + (process.pid % 25))
  let instances = planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service'), [], { firstIndex }).map(
    (instance) => ({ ...instance, ready: true }),
  )
  const writeRegistry = (): void => {
    const path = join(state, 'registry/instances.json')
    writeFileSync(`${path}.next`, JSON.stringify({ instances }))
    renameSync(`${path}.next`, path)
  }
  writeRegistry()
  const runtime = nodeRuntime({ logLevel: 'error' })
  const started = await startControl(
    {
      ...{ configDir: config, stateDir: state, xdsPort: 0, apiPort: 0, metricsPort: 0 },
      ...{ host: '127.0.0.1', trustDomain, svidTtlMs: 3_600_000, accessLog: true },
    },
    runtime,
  )
  assert.ok(started.ok, started.ok ? '' : started.error)
  const control: RunningControl = started.value
  const rootsPem = readFileSync(join(state, 'ca/root-cert.pem'), 'utf8')
  const agent = new HostAgent({
    trustDomain,
    endpoint: () => ({ target: `127.0.0.1:${control.xds.port}`, rootsPem, trustDomain }),
    freshToken() {
      const token = crypto.randomUUID() + crypto.randomUUID()
      writeFileSync(join(state, 'run/bootstrap.json'), JSON.stringify({ token }))
      return token
    },
    log: runtime.log,
  })
  const instanceOf = (workload: string): WorkloadInstance => {
    const found = instances.find((instance) => instance.workload === workload)
    assert.ok(found !== undefined, `there is no workload ${workload}`)
    return found
  }
  return {
    instances,
    instanceOf,
    async bootstrapFor(workload) {
      const instance = instanceOf(workload)
      const folder = join(dir, workload)
      mkdirSync(folder, { mode: 0o700 })
      const socket = join(folder, 'xds.sock')
      const id = workloadId(instance)
      const served = await agent.serveXds(socket, id, folder)
      assert.ok(served.ok, served.ok ? '' : served.error)
      const issued = await agent.untilIssued(id, 60_000)
      assert.ok(issued.ok, issued.ok ? '' : issued.error)
      const path = join(folder, 'bootstrap.json')
      writeFileSync(path, grpcBootstrap(instance, { socket, certificates: folder }), { mode: 0o600 })
      return path
    },
    write(name, text) {
      const path = join(config, name)
      if (text === undefined) rmSync(path)
      else {
        writeFileSync(`${path}.next`, text)
        renameSync(`${path}.next`, path)
      }
    },
    setReady(workload, ready) {
      instances = instances.map((instance) => (instance.workload === workload ? { ...instance, ready } : instance))
      writeRegistry()
    },
    async status() {
      const status = await apiClient(`http://127.0.0.1:${control.api.port}`).status()
      assert.ok(status.ok, status.ok ? '' : status.error)
      return status.value
    },
    async close() {
      agent.stop()
      await control.close()
      rmSync(dir, { recursive: true })
    },
  }
}
