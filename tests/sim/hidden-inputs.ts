// Everything that would make a run of the simulation differ from the next one: the clock, timers and randomness of the
// platform. While watched, each use by code of this repository is recorded with where it came from.
import { webcrypto } from 'node:crypto'

const tests = /node:internal|node_modules|tests\/sim\/hidden-inputs/

function caller(): string {
  const lines = (new Error().stack ?? '').split('\n').slice(2)
  return lines.find((line) => !tests.test(line))?.trim() ?? 'unknown'
}

type AnyFunction = (...args: never[]) => unknown

function replace(owner: object, name: string, uses: string[]): () => void {
  const original = Reflect.get(owner, name) as AnyFunction
  const own = Object.getOwnPropertyDescriptor(owner, name)
  const watched = function (this: unknown, ...args: never[]): unknown {
    uses.push(`${name} ${caller()}`)
    return original.apply(this, args)
  }
  Object.defineProperty(owner, name, { value: watched, configurable: true, writable: true })
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name)
    else Object.defineProperty(owner, name, own)
  }
}

/** Runs `play` while watching; what it used. */
export async function hiddenInputs(play: () => Promise<unknown>): Promise<string[]> {
  const uses: string[] = []
  const RealDate = globalThis.Date
  class WatchedDate extends RealDate {
    constructor(...args: [] | [number]) {
      if (args.length === 0) uses.push(`new Date() ${caller()}`)
      super(...(args as [number]))
    }
    static override now(): number {
      uses.push(`Date.now ${caller()}`)
      return RealDate.now()
    }
  }
  globalThis.Date = WatchedDate as DateConstructor
  const undo = [
    replace(Math, 'random', uses),
    replace(performance, 'now', uses),
    replace(process, 'hrtime', uses),
    replace(globalThis, 'setTimeout', uses),
    replace(globalThis, 'setInterval', uses),
    replace(webcrypto, 'getRandomValues', uses),
    replace(webcrypto, 'randomUUID', uses),
    ...['digest', 'generateKey', 'importKey', 'sign', 'verify'].map((name) => replace(webcrypto.subtle, name, uses)),
  ]
  try {
    await play()
  } finally {
    globalThis.Date = RealDate
    for (const each of undo) each()
  }
  return uses
}
