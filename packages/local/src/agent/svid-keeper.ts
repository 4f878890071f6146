// Keeps one identity fresh: the timers and calls around the rotation reducer of @weft/identity.
import type { Logger, Result } from '@weft/core'
import { INITIAL_ROTATION, type RotationEvent, type RotationState, rotate } from '@weft/identity'
import type { Svid } from './svid.ts'

/** What a keeper needs. */
export interface SvidKeeperOptions {
  readonly id: string
  readonly request: (id: string) => Promise<Result<Svid>>
  readonly onSvid: (svid: Svid) => void
  readonly log: Logger
}

/** An identity that renews itself. */
export interface SvidKeeper {
  readonly svid: Svid | undefined
  readonly state: RotationState
  /** What the last attempt failed with; undefined after a success. */
  readonly problem: string | undefined
  /** Renews now. */
  force(): void
  close(): void
}

/** Starts asking at once. */
export function startSvidKeeper(options: SvidKeeperOptions): SvidKeeper {
  let state = INITIAL_ROTATION
  let svid: Svid | undefined
  let problem: string | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const step = (event: RotationEvent): void => {
    if (closed) return
    const next = rotate(state, event, Date.now())
    state = next.state
    for (const effect of next.effects) {
      if (effect.kind === 'request') void ask()
      else if (effect.kind === 'wakeAt') {
        clearTimeout(timer)
        // setTimeout holds 31 bits; a longer wait wakes early and the reducer waits on.
        timer = setTimeout(() => step({ kind: 'wake' }), Math.min(Math.max(0, effect.atMs - Date.now()), 2 ** 31 - 1))
      } else options.log.error('identity has expired and cannot be renewed', { id: options.id, reason: problem })
    }
  }
  const ask = async (): Promise<void> => {
    const got = await options
      .request(options.id)
      .catch((error: Error) => ({ ok: false, error: error.message }) as const)
    if (closed) return
    if (!got.ok) {
      problem = got.error
      options.log.debug('no certificate yet', { id: options.id, reason: got.error })
      step({ kind: 'failed', random: Math.random() })
      return
    }
    problem = undefined
    svid = got.value
    options.onSvid(got.value)
    const { notBeforeMs, notAfterMs, serial } = got.value
    options.log.debug('certificate issued', { id: options.id, serial, notAfterMs })
    step({ kind: 'issued', notBeforeMs, notAfterMs, random: Math.random() })
  }
  step({ kind: 'start' })
  return {
    get svid() {
      return svid
    },
    get state() {
      return state
    },
    get problem() {
      return problem
    },
    force: () => step({ kind: 'force' }),
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}
