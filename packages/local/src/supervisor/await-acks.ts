// Waits until every connected proxy has acknowledged what the control plane made of a change of the registry.
import type { ControlProcess } from './control-process.ts'

/** An instance as the control plane's newest snapshot has it. */
export interface SeenInstance {
  readonly name: string
  readonly namespace: string
  readonly ready: boolean
  readonly draining: boolean
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
 * Resolves with true when the control plane's snapshot satisfies `noticed` and every connected proxy has acknowledged what
 * follows from it; with false after `timeoutMs`.
 */
export async function awaitAcks(
  control: ControlProcess,
  noticed: (instances: readonly SeenInstance[]) => boolean,
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
  const isNoticed = async (): Promise<boolean> => {
    const answer = (await control.ask('/v1/snapshot')) as { readonly instances: readonly SeenInstance[] } | undefined
    return answer !== undefined && noticed(answer.instances)
  }
  return (await until(isNoticed)) && (await until(() => isAcknowledged(control)))
}

async function isAcknowledged(control: ControlProcess): Promise<boolean> {
  const answer = (await control.ask('/v1/status')) as StatusAnswer | undefined
  if (answer === undefined) return false
  return !answer.proxies.some(({ connected, types }) => connected && types.some(({ state }) => state === 'warming'))
}
