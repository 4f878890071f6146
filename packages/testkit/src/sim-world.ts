import type { Runtime } from '@weft/core'
import { LogCapture } from './log-capture.ts'
import { MemoryFiles } from './memory-files.ts'
import { seededRng } from './seeded-rng.ts'
import { SimNetwork } from './sim-network.ts'
import { VirtualClock } from './virtual-clock.ts'

/**
 * A world in memory: one virtual clock, one network, one log, one file system; `runtimeOf(host)` is what `main.ts` would
 * hand to a process on that host. The same seed and the same calls give byte-equal logs.
 */
export class SimWorld {
  readonly clock = new VirtualClock()
  readonly log = new LogCapture()
  readonly files: MemoryFiles
  readonly network: SimNetwork
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed
    this.files = new MemoryFiles(this.clock)
    this.network = new SimNetwork(this.clock, seededRng(seed))
  }

  /** The runtime of one process; its randomness depends on the world's seed and the host's name only. */
  runtimeOf(host: string): Runtime {
    let mixed = this.#seed
    for (const char of host) mixed = (Math.imul(mixed, 31) + (char.codePointAt(0) as number)) | 0
    return {
      clock: this.clock,
      timers: this.clock,
      rng: seededRng(mixed),
      log: this.log.logger(this.clock, { host }),
      files: this.files,
      net: this.network.netOf(host),
    }
  }
}

/** One runtime in a world of its own, for tests that need a single process. */
export function simRuntime(seed: number): { readonly world: SimWorld; readonly runtime: Runtime } {
  const world = new SimWorld(seed)
  return { world, runtime: world.runtimeOf('local') }
}
