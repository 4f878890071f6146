// When to renew an SVID: a reducer, so that simulation and the host agent run the same decisions.
// Renewal is at half life with jitter (many workloads started together must not renew together); failures back off
// exponentially but never beyond what still leaves several attempts before expiry.

/** Where the renewal of one identity stands. All times are wall-clock milliseconds. */
export interface RotationState {
  readonly phase: 'empty' | 'held' | 'asking'
  /** Undefined before the first SVID. */
  readonly notBeforeMs: number | undefined
  readonly notAfterMs: number | undefined
  /** When the timer should next wake the reducer. */
  readonly wakeAtMs: number | undefined
  readonly failures: number
}

/** What can happen. `random` is in [0, 1), from the caller's Rng. */
export type RotationEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'wake' }
  | { readonly kind: 'force' }
  | { readonly kind: 'issued'; readonly notBeforeMs: number; readonly notAfterMs: number; readonly random: number }
  | { readonly kind: 'failed'; readonly random: number }

/** What the caller must do: ask the CA, or set its only timer. */
export type RotationEffect =
  | { readonly kind: 'request' }
  | { readonly kind: 'wakeAt'; readonly atMs: number }
  | { readonly kind: 'expired' }

/** What one step answers. */
export interface RotationStep {
  readonly state: RotationState
  readonly effects: readonly RotationEffect[]
}

/** Before anything was asked. */
export const INITIAL_ROTATION: RotationState = {
  phase: 'empty',
  notBeforeMs: undefined,
  notAfterMs: undefined,
  wakeAtMs: undefined,
  failures: 0,
}

const JITTER = 0.1
const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 30_000

/** `(state, event, now) -> (state, effects)`. */
export function rotate(state: RotationState, event: RotationEvent, nowMs: number): RotationStep {
  switch (event.kind) {
    case 'start':
    case 'wake':
    case 'force':
      if (state.phase === 'asking') return { state, effects: [] }
      if (event.kind === 'wake' && state.wakeAtMs !== undefined && nowMs < state.wakeAtMs) {
        return { state, effects: [{ kind: 'wakeAt', atMs: state.wakeAtMs }] }
      }
      return { state: { ...state, phase: 'asking', wakeAtMs: undefined }, effects: [{ kind: 'request' }] }
    case 'issued': {
      const wakeAtMs = renewAtMs(event.notBeforeMs, event.notAfterMs, nowMs, event.random)
      const { notBeforeMs, notAfterMs } = event
      return {
        state: { phase: 'held', notBeforeMs, notAfterMs, wakeAtMs, failures: 0 },
        effects: [{ kind: 'wakeAt', atMs: wakeAtMs }],
      }
    }
    case 'failed':
      return failed(state, nowMs, event.random)
  }
}

/** Half of the life that was left at issue, moved by up to 10 % either way. */
export function renewAtMs(notBeforeMs: number, notAfterMs: number, nowMs: number, random: number): number {
  // A CA back-dates notBefore against clock skew: what counts is the life that is left.
  const beginMs = Math.max(notBeforeMs, nowMs)
  const lifeMs = Math.max(0, notAfterMs - beginMs)
  return beginMs + lifeMs * (0.5 + (random * 2 - 1) * JITTER)
}

function failed(state: RotationState, nowMs: number, random: number): RotationStep {
  const failures = state.failures + 1
  const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 20))
  const leftMs = state.notAfterMs === undefined ? undefined : state.notAfterMs - nowMs
  const cappedMs = leftMs === undefined || leftMs <= 0 ? backoffMs : Math.min(backoffMs, leftMs / 8)
  const wakeAtMs = nowMs + Math.max(FIRST_BACKOFF_MS, cappedMs) * (1 + random * JITTER)
  const expired = leftMs !== undefined && leftMs <= 0
  const effects: RotationEffect[] = [{ kind: 'wakeAt', atMs: wakeAtMs }]
  if (expired) effects.push({ kind: 'expired' })
  return {
    state: { ...state, phase: state.notAfterMs === undefined || expired ? 'empty' : 'held', wakeAtMs, failures },
    effects,
  }
}
