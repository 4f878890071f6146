// Waits until every connected proxy has acknowledged what the control plane made of a change of the registry.
import type { ControlProcess } from './control-process.ts'
import { instanceKey } from './registry.ts'

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
    readonly instance: string
    readonly namespace: string
    readonly connected: boolean
    readonly types: readonly { readonly state: string }[]
  }[]
}

/** What is waited for. */
export interface AwaitedChange {
  /** Whether the control plane's snapshot has it. */
  readonly noticed: (instances: readonly SeenInstance[]) => boolean
  /** Instances (`namespace/name`) whose proxies must have acknowledged it; called anew each time. */
  readonly by: () => ReadonlySet<string>
}

const POLL_MS = 25

/**
 * Resolves with true when the control plane has noticed the change and every proxy that must has acknowledged what follows
 * from it; with false after `timeoutMs`. A proxy without a stream is waited for: after a restart of the control plane it
 * still sends requests where it last knew endpoints.
 */
export async function awaitAcks(
  control: Pick<ControlProcess, 'ask'>,
  change: AwaitedChange,
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
    return answer !== undefined && change.noticed(answer.instances)
  }
  return (await until(isNoticed)) && (await until(() => isAcknowledged(control, change.by())))
}

async function isAcknowledged(control: Pick<ControlProcess, 'ask'>, by: ReadonlySet<string>): Promise<boolean> {
  const answer = (await control.ask('/v1/status')) as StatusAnswer | undefined
  if (answer === undefined) return false
  const current = answer.proxies.filter(
    ({ connected, types }) => connected && types.length > 0 && !types.some(({ state }) => BEHIND.has(state)),
  )
  const done = new Set(current.map(({ namespace, instance }) => instanceKey({ namespace, name: instance })))
  return [...by].every((key) => done.has(key))
}

// `unsubscribed`: on a new stream a proxy asks for one type after the other.
const BEHIND: ReadonlySet<string> = new Set(['warming', 'unsubscribed'])
