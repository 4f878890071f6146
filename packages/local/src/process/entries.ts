// How Weft's own processes are started: from the bundles beside this one, or straight from the sources.
import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A program and its first arguments. */
export interface Entry {
  readonly command: string
  readonly args: readonly string[]
  /** Environment it wants besides the caller's. */
  readonly env: Readonly<Record<string, string>>
}

/** Weft's own programs. */
export type Program = 'proxy' | 'control' | 'watchdog'

const SOURCES: Readonly<Record<Program, string>> = {
  proxy: 'proxy/src/main.ts',
  control: 'control/src/main.ts',
  watchdog: 'local/src/watchdog/main.ts',
}

/**
 * Flags for Node. A proxy's garbage dies young and is little: with V8's default of 16 MB, three such spaces fill before
 * the first is swept, in every proxy of the host. One of 1 MB would be half full of what 64 requests in flight hold, and most of that
 * would be promoted. To sweep one of 2 MB takes one thread less time than to wake others.
 * Without Maglev, the compiler between the quick one and the optimising one: its work leaves 10 to 14 MB behind in the heap of malloc, and
 * what runs for as long as a proxy does is TurboFan's code within seconds. One compilation at a time: two at once need twice the memory
 * at their peak.
 * OpenSSL's store of roots: Node would read its own 150 as soon as node:tls is loaded (1 MB, 10 ms). A proxy trusts what its configuration
 * names and nothing else, so neither is ever asked. The entry is taken by the path it is given: to resolve it is work that nobody needs.
 * `gc` is there for the one collection after the start. The optimising compiler waits until the proxy lets it run, under load
 * (`packages/proxy/src/load-watch.ts`), and then takes what was called 300 times: what V8 counts until then depends on these numbers.
 * See docs/decisions/0036-less-of-node-in-a-proxy.md, 0049-code-that-is-fast-sooner.md and 0055-memory-of-an-idle-proxy.md.
 */
const FLAGS: Readonly<Record<Program, readonly string[]>> = {
  proxy: [
    '--max-semi-space-size=2',
    '--no-parallel-scavenge',
    '--no-maglev',
    '--concurrent-turbofan-max-threads=1',
    '--use-openssl-ca',
    '--preserve-symlinks-main',
    '--expose-gc',
    '--no-opt',
    '--invocation-count-for-turbofan=300',
    '--minimum-invocations-after-ic-update=100',
  ],
  control: [],
  watchdog: [],
}

/**
 * One malloc arena for all threads of a proxy: V8's compiler threads would each keep what their last compilation took, some 8 MB
 * in all, and the thread that serves hardly allocates. What these threads take comes in pieces of 32 kB: given a mapping each, they are
 * gone when a compilation is over, where the heap would keep them between smaller ones. Buffers of TLS (17 kB) stay in the heap.
 * Roots for Node's own store, which no proxy asks, are not read: another MB.
 */
const ENV: Readonly<Record<Program, Readonly<Record<string, string>>>> = {
  proxy: { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '24576', NODE_EXTRA_CA_CERTS: '' },
  control: {},
  watchdog: {},
}

/** The entry of a program, run by the same Node as this process. */
export function entryOf(program: Program): Entry {
  const command = process.execPath
  const env = ENV[program]
  const here = import.meta.filename
  // In a bundle (dist/weft.mjs) the neighbours are bundles too.
  const bundle = join(dirname(here), `${program}.mjs`)
  if (basename(here).endsWith('.mjs') && existsSync(bundle)) return { command, args: [...FLAGS[program], bundle], env }
  const source = join(dirname(here), '../../..', SOURCES[program])
  return { command, args: [...FLAGS[program], '--disable-warning=ExperimentalWarning', source], env }
}

/** Tells one state of a program from another: its flags and environment, and when its file was written and how long it is. */
export function programVersion({ args, env }: Entry): string {
  const file = args.at(-1) ?? ''
  const written = statSync(file, { throwIfNoEntry: false })
  return JSON.stringify([args, env, written?.mtimeMs, written?.size])
}
