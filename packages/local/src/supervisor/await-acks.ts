// Waits until every connected proxy has acknowledged what the control plane made of a registry generation.
import type { ControlProcess } from './control-process.ts'

/** The part of `GET /v1/status` that is read here. */
interface StatusAnswer {
  /** Generation of the registry file the served snapshot was built from. */
  readonly registryGeneration?: number
  readonly proxies?: readonly {
    readonly connected: boolean
    readonly types: readonly { readonly state: string }[]
  }[]
}

// A control plane that does not tell the generation gets this long to notice the file.
const NOTICE_MS = 300

/** Resolves with true when all have acknowledged, with false after `timeoutMs` or when nobody can be asked. */
export async function awaitAcks(control: ControlProcess, generation: number, timeoutMs: number): Promise<boolean> {
  const begin = Date.now()
  while (Date.now() - begin < timeoutMs) {
    const answer = (await control.ask('/v1/status')) as StatusAnswer | undefined
    if (answer?.proxies !== undefined && isCurrent(answer, generation, Date.now() - begin)) {
      const behind = answer.proxies.some(
        ({ connected, types }) => connected && types.some(({ state }) => state === 'warming'),
      )
      if (!behind) return true
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

function isCurrent(answer: StatusAnswer, generation: number, waitedMs: number): boolean {
  if (answer.registryGeneration === undefined) return waitedMs >= NOTICE_MS
  return answer.registryGeneration >= generation
}
