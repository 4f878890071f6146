// Arms that are whole meshes: `weft up` on bench/mesh/<kind>, with Weft's proxy or with Envoy. The proxies' CPU counts; the control
// plane, the supervisor and the backend run on the other core.
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Arm, answers, coreOfOthers, coreUnderTest, pin, stopChild } from './arm.ts'
import { processTree } from './cpu.ts'

const repo = join(import.meta.dirname, '..')

/** The bundles of another checkout, measured beside ours. */
export const base = process.env['BENCH_BASE']

/** Which mesh, and what stands as proxy in it. */
export interface MeshArm {
  readonly name: string
  readonly kind: 'plain' | 'pair' | 'tcp' | 'grpc'
  readonly proxy: 'weft' | 'envoy'
  /** The bundles of another checkout, to compare two. */
  readonly dist?: string
}

/** A started mesh arm. */
export interface StartedMesh extends Arm {
  /** The mesh's directory. */
  readonly dir: string
  readonly supervisorPid: number
  isProxy(pid: number): boolean
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

function isProxy(pid: number): boolean {
  const line = commandLine(pid)
  return /dist\/proxy\.mjs|packages\/proxy\/src\/main\.ts/.test(line) || /(^|\/)envoy /.test(line)
}

/** The gateway's address, once it answers. Each mesh has addresses of its own, so the port is the same in all. */
async function ready(child: ChildProcess, dir: string, kind: MeshArm['kind'], limitMs: number): Promise<string> {
  for (const end = performance.now() + limitMs; performance.now() < end; ) {
    if (child.exitCode !== null) throw new Error(`weft up ended with exit code ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const gateway = instancesOf(dir).find(({ workload }) => workload === 'gateway')
    if (gateway === undefined) continue
    // As TCP, the sidecar of a client takes the gateway's place, with a loopback listener for the service.
    const at = kind === 'tcp' ? gateway.address.replace('127.66.', '127.68.') : gateway.address
    const url = `http://${at}:${kind === 'tcp' ? 7000 : 18080}/`
    if (await answers(url)) return url
  }
  throw new Error(`no answer from the gateway of ${dir} within ${limitMs} ms`)
}

interface Instance {
  readonly workload: string
  readonly address: string
  readonly appAddress: string
  readonly ports: readonly { readonly port: number }[]
}

function instancesOf(dir: string): readonly Instance[] {
  const file = join(dir, '.weft/registry/instances.json')
  if (!existsSync(file)) return []
  return (JSON.parse(readFileSync(file, 'utf8')) as { instances: Instance[] }).instances
}

/** Starts one mesh in a scratch copy of its folder, which `prepare` may change, and waits for its first answer. */
export async function startMesh(arm: MeshArm, prepare: (dir: string) => void = () => {}): Promise<StartedMesh> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-bench-'))
  cpSync(join(import.meta.dirname, 'mesh', arm.kind), dir, { recursive: true })
  const file = join(dir, 'mesh/mesh.yaml')
  const backend = join(import.meta.dirname, 'backend.ts')
  writeFileSync(file, readFileSync(file, 'utf8').replace('../../backend.ts', backend))
  prepare(dir)
  const args = [
    join(arm.dist ?? join(repo, 'dist'), 'weft.mjs'),
    'up',
    dir,
    '--proxy',
    arm.proxy,
    '--xds-port',
    '0',
    '--api-port',
    '0',
    '--metrics-port',
    '0',
  ]
  const child = spawn(process.execPath, args, {
    // Node reads the roots that a shell names so, into every process, and whether one does differs from machine to machine.
    env: { ...process.env, SSL_CERT_FILE: undefined, SSL_CERT_DIR: undefined },
    stdio: ['ignore', 'ignore', process.env['BENCH_VERBOSE'] === undefined ? 'ignore' : 'inherit'],
  })
  let url: string
  try {
    url = await ready(child, dir, arm.kind, 60_000)
  } catch (error) {
    await stopChild(child)
    throw error
  }
  const tree = processTree(child.pid as number)
  const proxies = tree.filter(isProxy)
  pin(
    tree.filter((pid) => !proxies.includes(pid)),
    coreOfOthers,
  )
  pin(proxies, coreUnderTest)
  const echo = instancesOf(dir).find(({ workload }) => workload === 'echo')
  return {
    name: arm.name,
    url,
    dir,
    pids: proxies,
    supervisorPid: child.pid as number,
    isProxy,
    backendUrl: `http://${echo?.appAddress}:${echo?.ports[0]?.port}/`,
    stop: async () => {
      await stopChild(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
