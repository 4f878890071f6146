// A changed application takes over from the one that runs: started beside it on the instance's other private address, given the
// traffic once it is ready, and only then is the old one ended. The proxy, its address and its identity stay.
import { createServer } from 'node:net'
import { err, ok, type Result } from '@weft/core'
import { type MeshObject, otherAppAddress, type WorkloadInstance, type WorkloadSpec } from '@weft/resources'
import type { LogPrinter } from '../process/log-printer.ts'
import type { AppRunner } from './app-runner.ts'
import { awaitAcks } from './await-acks.ts'
import type { ControlProcess } from './control-process.ts'
import type { InstanceRunner, NextApp } from './instance-runner.ts'
import { connectionsAt } from './open-connections.ts'
import { instanceKey, type Registry } from './registry.ts'

const idleLookMs = 50
const appGraceMs = 10_000
/** Where the kernel does not tell who is connected. */
const blindWaitMs = 5_000

/** The old application is not ended before its proxy has turned to the new one; so often this is waited for. */
const ackTimeoutMs = 15_000
const ackRounds = 8

/** What a handover works with. */
export interface HandoverParts {
  readonly control: Pick<ControlProcess, 'ask'>
  readonly registry: Registry
  readonly printer: LogPrinter
  /** How long requests in flight on the old application may take. */
  readonly drainMs: number
}

/** Fields of a Workload that concern its application alone. */
const ofTheApplication = ['command', 'workingDirectory', 'env', 'readiness'] as const

/** Whether only the application has to be started anew, and can be beside the old one. */
export function onlyTheApplication(before: MeshObject<WorkloadSpec>, after: MeshObject<WorkloadSpec>): boolean {
  if (before.spec.proxy !== 'sidecar' || before.spec.command === undefined || after.spec.command === undefined)
    return false
  const rest = ({ spec }: MeshObject<WorkloadSpec>): string => {
    const { replicas: _replicas, concurrency: _concurrency, ...others } = spec
    for (const field of ofTheApplication) delete (others as Partial<WorkloadSpec>)[field]
    return JSON.stringify(others)
  }
  return rest(before) === rest(after)
}

/**
 * Hands an instance over to the application that its Workload now describes. `false`: its ports cannot be had a second
 * time; the error: the new application does not start, and the old one serves on.
 */
export async function handOver(runner: InstanceRunner, next: NextApp, parts: HandoverParts): Promise<Result<boolean>> {
  const { registry, printer, drainMs } = parts
  const before = runner.instance
  const instance = { ...next.instance, appAddress: otherAppAddress(before) }
  if (!(await portsAreFree(instance))) return ok(false)
  printer.say(`starting the changed ${instance.name} beside the one that runs`)
  const started = await runner.startBeside({ ...next, instance })
  if (!started.ok) return err(started.error)
  const key = instanceKey(instance)
  const moved = { appAddress: instance.appAddress, ready: true }
  await registry.set(registry.instances.map((one) => (instanceKey(one) === key ? { ...one, ...moved } : one)))
  await untilTurned(instance, parts)
  await endWhenIdle(started.value, before.appAddress, drainMs)
  printer.say(`replaced ${instance.name}`)
  return ok(true)
}

/** Waits until the proxy of the instance sends to the new address. */
async function untilTurned(instance: WorkloadInstance, { control, printer }: HandoverParts): Promise<void> {
  const key = instanceKey(instance)
  const awaited = {
    noticed: (seen: readonly { readonly namespace: string; readonly name: string; readonly appAddress?: string }[]) =>
      seen.some((one) => instanceKey(one) === key && one.appAddress === instance.appAddress),
    serves: (one: string) => one === key,
    concerns: (one: string) => one === key,
  }
  for (let round = 0; round < ackRounds; round++) {
    const missing = await awaitAcks(control, awaited, ackTimeoutMs)
    if (missing === undefined) return
    printer.problem(`${instance.name}: the old application is kept, since its proxy has not turned yet: ${missing}`)
  }
}

/** Whether the ports of an instance are free at its address; an application that binds all addresses holds them everywhere. */
async function portsAreFree({ appAddress, ports }: WorkloadInstance): Promise<boolean> {
  const free = await Promise.all(ports.map(({ port }) => isFree(appAddress, port)))
  return free.every(Boolean)
}

/** Waits until nobody is connected to an application any more, at most `drainMs`, then ends it. */
async function endWhenIdle(app: AppRunner, appAddress: string, drainMs: number): Promise<void> {
  const deadline = Date.now() + drainMs
  while (Date.now() < deadline) {
    const open = await connectionsAt(appAddress)
    if (open === 0) break
    await new Promise((resolve) =>
      setTimeout(resolve, open === undefined ? Math.min(drainMs, blindWaitMs) : idleLookMs),
    )
    if (open === undefined) break
  }
  await app.stop(appGraceMs)
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
