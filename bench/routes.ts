// What 5,000 routes cost a gateway: 50 virtual services of 100 routes, each with a match of its own.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Memory, memoryOf } from './cpu.ts'
import { type MeshArm, startMesh } from './weft-arm.ts'

const services = 50
const routesEach = 100

/** Memory of a gateway without and with the routes. */
export interface RoutesReport {
  readonly without: Memory
  readonly with: Memory
}

function virtualService(number: number): string {
  const routes = Array.from(
    { length: routesEach },
    (_, route) =>
      `    - match: [{ uri: { prefix: /part-${route}/ }, headers: { x-route: { exact: "${number}-${route}" } } }]\n` +
      '      route: [{ destination: { host: echo, port: { number: 80 } } }]\n',
  )
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: routes-${number}, namespace: bench }
spec:
  hosts: ["routes-${number}.bench"]
  gateways: [gateway]
  http:
${routes.join('')}`
}

function addRoutes(dir: string): void {
  const file = join(dir, 'mesh/mesh.yaml')
  const more = Array.from({ length: services }, (_, number) => virtualService(number)).join('')
  writeFileSync(file, readFileSync(file, 'utf8') + more)
}

async function gatewayMemory(proxy: MeshArm['proxy'], prepare: (dir: string) => void): Promise<Memory> {
  const mesh = await startMesh({ name: proxy, kind: 'plain', proxy }, prepare)
  try {
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    return memoryOf(mesh.pids[0] as number)
  } finally {
    await mesh.stop()
  }
}

/** Measures both, one after the other. */
export async function measureRoutes(proxy: MeshArm['proxy']): Promise<RoutesReport> {
  const without = await gatewayMemory(proxy, () => {})
  const withRoutes = await gatewayMemory(proxy, addRoutes)
  console.log(
    `\n${proxy}: ${services * routesEach} routes, RSS ${without.rssMb.toFixed(1)} to ${withRoutes.rssMb.toFixed(1)} MB`,
  )
  return { without, with: withRoutes }
}
