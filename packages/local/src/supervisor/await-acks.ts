// Waits until every proxy has acknowledged what the control plane made of a change of the registry.
import type { ControlProcess } from './control-process.ts'

/** An instance as the control plane's newest snapshot has it. */
export interface SeenInstance {
  readonly name: string
  readonly namespace: string
  readonly ready: boolean
  readonly draining: boolean
  readonly appAddress?: string
}

/** What is waited for. */
export interface Awaited {
  /** Whether the control plane's snapshot holds the change. */
  noticed(instances: readonly SeenInstance[]): boolean
  /**
   * Whether this proxy, by `namespace/name`, serves: such a one is waited for even while it is not connected (after a
   * restart of the control plane, a rotation), since it goes on by what it last accepted.
   */
  serves(key: string): boolean
  /** Whether the change concerns this proxy; absent: all. */
  concerns?(key: string): boolean
}

/** The part of `GET /v1/status` that is read here. */
interface StatusAnswer {
  readonly proxies: readonly {
    readonly instance: string
    readonly namespace: string
    readonly kind?: string
    readonly connected: boolean
    readonly types: readonly { readonly state: string }[]
  }[]
}

const POLL_MS = 25

/**
 * Resolves with nothing when the control plane's snapshot holds the change and every proxy has acknowledged what
 * follows from it; after `timeoutMs` with what is missing, in words.
 */
export async function awaitAcks(
  control: Pick<ControlProcess, 'ask'>,
  awaited: Awaited,
  timeoutMs: number,
): Promise<string | undefined> {
  const deadline = Date.now() + timeoutMs
  let missing = 'the control plane has not noticed'
  const until = async (condition: () => Promise<boolean>): Promise<boolean> => {
    while (Date.now() < deadline) {
      if (await condition()) return true
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    return false
  }
  const isNoticed = async (): Promise<boolean> => {
    const answer = (await control.ask('/v1/snapshot')) as { readonly instances: readonly SeenInstance[] } | undefined
    return answer !== undefined && awaited.noticed(answer.instances)
  }
  const isAcknowledged = async (): Promise<boolean> => {
    const answer = (await control.ask('/v1/status')) as StatusAnswer | undefined
    if (answer === undefined) return false
    const behind = proxiesBehind(answer, awaited)
    if (behind.length > 0) missing = `not acknowledged by ${behind.join(', ')}`
    return behind.length === 0
  }
  // Noticed again together with the acknowledgements: a control plane that was started anew has to read the change first.
  const done = await until(async () => (await isNoticed()) && (await isAcknowledged()) && (await isNoticed()))
  return done ? undefined : missing
}

/** Proxies that may still go by what was before. */
function proxiesBehind({ proxies }: StatusAnswer, { serves, concerns }: Awaited): string[] {
  return proxies.flatMap(({ instance, namespace, kind, connected, types }) => {
    if (concerns?.(`${namespace}/${instance}`) === false) return []
    // A gRPC library asks for what its channels need, and keeps nothing while it is away.
    if (kind === 'grpc') return connected && types.some(({ state }) => state === 'warming') ? [instance] : []
    // One that has only just connected has asked for some of its types only: that is no acknowledgement. One that is away
    // for a moment (its certificate was rotated) still holds what it acknowledged.
    const isDone = types.length > 0 && types.every(({ state }) => state === 'accepted' || state === 'refused')
    return isDone || !(connected || serves(`${namespace}/${instance}`)) ? [] : [instance]
  })
}
