// Waits until every connected proxy has acknowledged that some instances take no traffic any more.
import type { ControlProcess } from './control-process.ts'
import { instanceKey } from './registry.ts'

/** The part of `GET /v1/snapshot` that is read here. */
interface SnapshotAnswer {
  readonly instances: readonly { readonly name: string; readonly namespace: string; readonly draining: boolean }[]
}

/** The part of `GET /v1/status` that is read here. */
interface StatusAnswer {
  readonly proxies: readonly {
    readonly connected: boolean
    readonly types: readonly { readonly state: string }[]
  }[]
}

const POLL_MS = 25

/**
 * Resolves with true when the control plane has seen that all of `keys` (`namespace/name`) drain and every connected proxy
 * has acknowledged what follows from it; with false after `timeoutMs`.
 */
export async function awaitDrainAcks(
  control: ControlProcess,
  keys: ReadonlySet<string>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  const until = async (condition: () => Promise<boolean>): Promise<boolean> => {
    while (Date.now() < deadline) {
      if (await condition()) return true
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    return false
  }
  return (await until(() => isNoticed(control, keys))) && (await until(() => isAcknowledged(control)))
}

async function isNoticed(control: ControlProcess, keys: ReadonlySet<string>): Promise<boolean> {
  const answer = (await control.ask('/v1/snapshot')) as SnapshotAnswer | undefined
  const taking = answer?.instances.filter((instance) => !instance.draining && keys.has(instanceKey(instance)))
  return taking !== undefined && taking.length === 0
}

async function isAcknowledged(control: ControlProcess): Promise<boolean> {
  const answer = (await control.ask('/v1/status')) as StatusAnswer | undefined
  if (answer === undefined) return false
  return !answer.proxies.some(({ connected, types }) => connected && types.some(({ state }) => state === 'warming'))
}
