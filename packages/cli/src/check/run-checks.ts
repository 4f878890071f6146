// `weft up DIR --check`: runs the table that DIR itself brings (`DIR/check.ts`) against the running mesh.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type MeshAccess, openMeshAccess, type RunningMesh } from '@weft/local'

/** One line of a check table. The contract of `DIR/check.ts`: it exports `checks` and `openCheckContext(url, mesh)`. */
export interface Check<Context> {
  readonly name: string
  readonly expected: string
  readonly needs: 'shop' | 'mesh'
  run(context: Context): Promise<{ readonly seen: string; readonly ok: boolean }>
}

/** What `DIR/check.ts` exports. */
export interface CheckTable<Context extends { close(): void } = { close(): void }> {
  readonly checks: readonly Check<Context>[]
  openCheckContext(url: string, mesh: MeshAccess): Context
}

/** A check after it ran. */
export interface CheckResult {
  readonly name: string
  readonly expected: string
  readonly seen: string
  readonly ok: boolean
  readonly elapsedMs: number
}

/** A check that takes longer hangs. */
const CHECK_TIMEOUT_MS = 60_000

/** Loads the table of a directory; undefined when it has none. Throws what the file itself throws. */
export async function loadCheckTable(dir: string): Promise<CheckTable | undefined> {
  const file = ['check.ts', 'check.mjs', 'check.js'].map((name) => join(dir, name)).find((path) => existsSync(path))
  if (file === undefined) return undefined
  return (await import(pathToFileURL(file).href)) as CheckTable
}

/** How to run checks. */
interface CheckRun {
  readonly proxyKind: MeshAccess['proxyKind']
  /** Gets each as it ends. */
  readonly onResult: (result: CheckResult) => void
  /** Ends the run at once; the check that is running has no result. */
  readonly signal: AbortSignal
}

/** Runs all checks in order. */
export async function runChecks(
  table: CheckTable,
  mesh: RunningMesh,
  { proxyKind, onResult, signal }: CheckRun,
): Promise<readonly CheckResult[]> {
  const [url] = mesh.urls
  if (url === undefined) throw new Error('the mesh has no gateway with an HTTP port: nothing to send requests to')
  const context = table.openCheckContext(url, await openMeshAccess(mesh.paths.root, proxyKind))
  const results: CheckResult[] = []
  try {
    for (const check of table.checks) {
      if (signal.aborted) break
      const begin = performance.now()
      const { seen, ok } = await outcome(check, context, signal)
      if (signal.aborted) break
      const result = { name: check.name, expected: check.expected, seen, ok, elapsedMs: performance.now() - begin }
      results.push(result)
      onResult(result)
    }
  } finally {
    context.close()
  }
  return results
}

interface Outcome {
  readonly seen: string
  readonly ok: boolean
}

async function outcome<C>(check: Check<C>, context: C, signal: AbortSignal): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  let stop = (): void => {}
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ seen: `nothing in ${CHECK_TIMEOUT_MS / 1000} s`, ok: false }), CHECK_TIMEOUT_MS)
    stop = () => resolve({ seen: 'interrupted', ok: false })
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([check.run(context), late])
  } catch (error) {
    return { seen: `error: ${(error as Error).message}`, ok: false }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
