// One hop of unary gRPC calls (64 in flight, messages of 128 bytes): CPU of each proxy per call, in interleaved rounds. Weft's is a gateway.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@weft/testkit/ports'
import { type Arm, coreOfOthers, pin, renderConfig, startProgram } from './arm.ts'
import { cpuNs } from './cpu.ts'
import { spin } from './spinners.ts'
import { median, pairedRatio } from './statistics.ts'
import { base, startMesh } from './weft-arm.ts'

const execute = promisify(execFile)
const connections = 8
const streamsEach = 8

/** One arm in one round. */
export interface GrpcSample {
  readonly arm: string
  readonly calls: number
  readonly cpuUsPerCall: number
}

async function sample({ name, url, pids }: Arm, message: string, seconds: number): Promise<GrpcSample> {
  const shape = ['-c', String(connections), '-m', String(streamsEach), '-D', String(seconds), '-d', message]
  const headers = ['-H', 'content-type: application/grpc', '-H', 'te: trailers']
  const before = cpuNs(pids)
  const { stdout } = await execute('taskset', [
    '-c',
    String(coreOfOthers),
    'h2load',
    ...shape,
    ...headers,
    `${url}bench.Echo/Unary`,
  ])
  const used = cpuNs(pids) - before
  const calls = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1] ?? 0)
  if (calls === 0) throw new Error(`no call succeeded through ${name}: ${stdout.slice(0, 500)}`)
  return { arm: name, calls, cpuUsPerCall: used / 1_000 / calls }
}

async function startGrpcBackend(port: number): Promise<Arm> {
  const command = ['env', 'HOST=127.0.0.1', `PORT=${port}`, process.execPath, join(import.meta.dirname, 'backend.ts')]
  const backend = await startProgram('backend', [...command, 'grpc'], port, '')
  pin(backend.pids, coreOfOthers)
  return backend
}

async function start(dir: string): Promise<{ backend: Arm; arms: Arm[] }> {
  const backendPort = await freePort()
  const address = `127.0.0.1:${backendPort}`
  const backend = await startGrpcBackend(backendPort)
  const arms: Arm[] = [await startMesh({ name: 'weft', kind: 'grpc', proxy: 'weft' })]
  if (base !== undefined) arms.push(await startMesh({ name: 'weft (base)', kind: 'grpc', proxy: 'weft', dist: base }))
  const haproxyPort = await freePort()
  const haproxy = renderConfig('grpc.haproxy.cfg', dir, { PORT: haproxyPort, BACKEND: address })
  arms.push(await startProgram('haproxy', ['haproxy', '-db', '-f', haproxy], haproxyPort, ''))
  const bytesPort = await freePort()
  const bytes = renderConfig('bytes.haproxy.cfg', dir, { PORT: bytesPort, BACKEND: address })
  arms.push(await startProgram('haproxy bytes', ['haproxy', '-db', '-f', bytes], bytesPort, ''))
  arms.push(await startMesh({ name: 'envoy', kind: 'grpc', proxy: 'envoy' }))
  return { backend, arms }
}

/** Measures the proxies that speak HTTP/2 on both sides. */
export async function measureGrpc(rounds: number, seconds: number): Promise<readonly GrpcSample[]> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-bench-grpc-'))
  const message = join(dir, 'message')
  writeFileSync(message, Buffer.concat([Buffer.from([0, 0, 0, 0, 128]), Buffer.alloc(128, 'x')]))
  const { backend, arms } = await start(dir)
  const samples: GrpcSample[] = []
  const stopSpinning = spin()
  try {
    // A JIT needs some tens of thousands of calls.
    for (const arm of arms) for (let burst = 0; burst < 4; burst += 1) await sample(arm, message, 2)
    for (let round = 0; round < rounds; round += 1) {
      for (let place = 0; place < arms.length; place += 1) {
        samples.push(await sample(arms[(place + round) % arms.length] as Arm, message, seconds))
      }
    }
  } finally {
    stopSpinning()
    for (const arm of [...arms, backend]) await arm.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  const of = (arm: string): number[] => samples.filter((one) => one.arm === arm).map((one) => one.cpuUsPerCall)
  console.log("\nunary gRPC: own CPU per call (medians), and the first arm's ratio with 95 % limits")
  for (const { name } of arms) {
    const ratio = pairedRatio(of((arms[0] as Arm).name), of(name))
    console.log(
      `  ${name.padEnd(12)} ${median(of(name)).toFixed(1).padStart(7)} us   ${ratio.median.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
    )
  }
  return samples
}
