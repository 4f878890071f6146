// What spares a build, and what a build leaves untouched: a running mesh takes a bundle that was written anew for another program.
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The state of files as a text: another text, another state. A file that is missing is a state, too. */
function stateOf(root: string, paths: readonly string[]): string {
  const states = paths.map((path) => {
    const file = statSync(join(root, path), { throwIfNoEntry: false })
    return [path, file?.size, file?.mtimeMs]
  })
  return JSON.stringify([process.version, states])
}

/** Whether `stampFile`, as `writeStamp` left it, tells of files as they are now, and `outputs` are there. Paths are below `root`. */
export function isBuilt(root: string, stampFile: string, outputs: readonly string[]): boolean {
  if (!outputs.every((path) => existsSync(join(root, path)))) return false
  try {
    const { inputs, state } = JSON.parse(readFileSync(join(root, stampFile), 'utf8')) as {
      inputs: string[]
      state: string
    }
    return stateOf(root, inputs) === state
  } catch {
    // Never built, or by an earlier form of this script.
    return false
  }
}

/** Clocks of file systems run some milliseconds behind. */
const clockStepMs = 20

/**
 * Remembers which files a build that began at `begunMs` (wall clock) has read. What was edited meanwhile may or may not be in its bundles: then
 * nothing is remembered, and the next one builds again.
 */
export function writeStamp(root: string, stampFile: string, inputs: readonly string[], begunMs: number): void {
  const newest = Math.max(...inputs.map((path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0))
  if (newest > begunMs - clockStepMs) return
  writeWhole(join(root, stampFile), JSON.stringify({ inputs, state: stateOf(root, inputs) }))
}

/**
 * Writes a file unless it holds just that. In one step: a proxy that is starting reads the old one or the new one. True when it was written.
 */
export function writeWhole(path: string, contents: Uint8Array | string): boolean {
  if (existsSync(path) && readFileSync(path).equals(Buffer.from(contents))) return false
  const unfinished = `${path}.${process.pid}`
  try {
    writeFileSync(unfinished, contents)
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
  return true
}
