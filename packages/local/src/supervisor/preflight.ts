// What can be known to fail before anything is started: commands that are not there, ports that are taken.
import { accessSync, constants, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { hasProxy, type MeshObject, servingAddress, type WorkloadInstance, type WorkloadSpec } from '@weft/resources'
import { gatewayPorts } from './gateway-urls.ts'
import type { MeshView } from './mesh-source.ts'
import { PROXY_PORTS } from './proxy-ports.ts'

/** Messages about commands that cannot be run; empty when all can. */
export function commandProblems(workloads: readonly MeshObject<WorkloadSpec>[], root: string, path: string): string[] {
  return workloads.flatMap((workload) => {
    const { command, workingDirectory } = workload.spec
    if (command === undefined) return []
    const cwd = resolve(root, workingDirectory ?? '.')
    const at = workload.positionOf('spec.command[0]')
    const where = at === undefined ? '' : `${at.file}:${at.line}:${at.column}: `
    const name = `${where}Workload ${workload.id.namespace}/${workload.id.name}`
    if (!isDirectory(cwd)) return [`${name}: working directory ${cwd} does not exist. Correct spec.workingDirectory.`]
    const program = command[0] ?? ''
    if (findProgram(program, cwd, path)) return []
    const places = program.includes('/') ? `below ${cwd}` : 'on PATH'
    return [`${name}: command "${program}" is not found ${places}. Install it or correct spec.command.`]
  })
}

/** One address that must be free. */
interface Claim {
  readonly host: string
  readonly port: number
  readonly what: string
}

/** Messages about ports that somebody else listens on; empty when all are free. */
export async function portProblems(
  instances: readonly WorkloadInstance[],
  view: MeshView,
  control: readonly Claim[],
): Promise<string[]> {
  const claims = [...control, ...instances.flatMap((instance) => claimsOf(instance, view))]
  const taken = await Promise.all(claims.map(async (claim) => ({ claim, code: await bindProblem(claim) })))
  return taken.flatMap(({ claim: { host, port, what }, code }) => {
    if (code === undefined) return []
    if (code === 'EADDRINUSE') return [`port ${host}:${port} (${what}) is in use: end what listens there, or change it`]
    return [`port ${host}:${port} (${what}) cannot be opened: ${code}`]
  })
}

function claimsOf(instance: WorkloadInstance, view: MeshView): Claim[] {
  const { name, address, appAddress, ports, proxy } = instance
  const claims: Claim[] = []
  if (proxy !== 'gateway') {
    for (const { port } of ports) claims.push({ host: appAddress, port, what: `${name}, application` })
  }
  if (!hasProxy(instance)) return claims
  claims.push({ host: address, port: PROXY_PORTS.admin, what: `${name}, proxy admin` })
  claims.push({ host: address, port: PROXY_PORTS.metrics, what: `${name}, proxy metrics` })
  claims.push({ host: address, port: PROXY_PORTS.health, what: `${name}, proxy health` })
  if (proxy === 'sidecar') {
    claims.push({ host: address, port: PROXY_PORTS.outboundHttp, what: `${name}, outbound proxy` })
    for (const { port } of ports) claims.push({ host: address, port, what: `${name}, inbound` })
  } else {
    for (const { port, protocol, gateway } of gatewayPorts(instance, view)) {
      if (protocol !== 'UDP') claims.push({ host: servingAddress(instance), port, what: `Gateway ${gateway}` })
    }
  }
  return claims
}

function bindProblem(claim: Claim): Promise<string | undefined> {
  if (claim.port === 0) return Promise.resolve(undefined)
  return new Promise((done) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    server.listen({ host: claim.host, port: claim.port, exclusive: true }, () => server.close(() => done(undefined)))
  })
}

function findProgram(program: string, cwd: string, path: string): boolean {
  if (program.includes('/')) return isExecutable(isAbsolute(program) ? program : join(cwd, program))
  return path.split(delimiter).some((dir) => dir !== '' && isExecutable(join(dir, program)))
}

/** Whether a program can be found on a PATH. */
export function isOnPath(program: string, path: string): boolean {
  return findProgram(program, '/', path)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
