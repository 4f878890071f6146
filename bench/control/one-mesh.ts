// One mesh in a process of its own, so that its memory is its own: `one-mesh.ts SERVICES PROXIES CHANGES`. Prints one line of JSON.
import type { Logger } from '@weft/core'
import { LargeMesh, SimulatedFleet } from '@weft/testkit'
import { ControlPlane, type Rebuild } from '../../packages/control/src/control-plane.ts'
import { spiffeIdOf } from '../../packages/control/src/proxy-identity.ts'
import { createDistributor } from '../../packages/control/src/serve/distributor.ts'
import { defaultMeshSettings } from '../../packages/control/src/snapshot/mesh-settings.ts'

/** Milliseconds of one change. */
export interface ChangeTime {
  /** From the inputs to a response written to each stream. */
  readonly pushedMs: number
  /** Until every simulated proxy, in the same process, has read and acknowledged it. */
  readonly settledMs: number
  readonly encodedBytes: number
  readonly pushedBytes: number
  /** Looked at on the way: what must not grow with the mesh. */
  readonly objects: number
  readonly views: number
  readonly encoded: number
  /** Names compared, on all streams. */
  readonly compared: number
}

/** What one mesh cost. */
export interface MeshCost {
  readonly services: number
  readonly proxies: number
  /** Snapshot and tables of all proxies, nobody connected. */
  readonly firstBuildMs: number
  /** All proxies connect at once and are served completely; simulated proxies included. */
  readonly connectMs: number
  readonly rule: readonly ChangeTime[]
  readonly endpoint: readonly ChangeTime[]
  /** One more instance: its tables, and what the others are told. */
  readonly proxy: readonly ChangeTime[]
  readonly rssMb: { readonly inputs: number; readonly built: number; readonly connected: number; readonly end: number }
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

class Bench {
  readonly large: LargeMesh
  readonly #queue: (() => void)[] = []
  #head = 0
  #rebuild: Rebuild | undefined
  readonly #distributor
  readonly #plane
  readonly #fleet

  constructor(services: number, proxies: number) {
    this.large = new LargeMesh({ services, proxies, namespaces: 4 })
    const timers = {
      set: (delayMs: number, onFire: () => void) => {
        if (delayMs === 0) this.#queue.push(onFire)
        return { cancel() {} }
      },
    }
    const runtime = { clock: { nowMs: () => performance.now(), wallMs: () => Date.now() }, timers, log: quiet }
    this.#distributor = createDistributor(runtime)
    this.#plane = new ControlPlane({
      runtime,
      settings: defaultMeshSettings,
      distributor: this.#distributor,
      onRebuild: (rebuild) => (this.#rebuild = rebuild),
    })
    this.#fleet = new SimulatedFleet(
      (stream) => this.#distributor.accept(stream, (node, peer) => this.#plane.authorize(node, peer)),
      (run) => this.#queue.push(run),
    )
  }

  connectAll(): void {
    for (const instance of this.large.instances) this.#fleet.connect(instance, spiffeIdOf(instance, 'cluster.local'))
    this.#settle()
  }

  /** Shows the mesh to the control plane and lets everything run. */
  publish(): ChangeTime {
    const before = this.#distributor.work()
    const started = performance.now()
    const objects = [...this.large.objects]
    this.#plane.setStoreState({ objects, problems: [], stale: [], blocking: [], unenforceable: [], revision: 1 })
    this.#plane.setInstances([...this.large.instances])
    this.#settle()
    const settledMs = performance.now() - started
    const rebuild = this.#rebuild
    const after = this.#distributor.work()
    const pushedBytes = after.pushedBytes - before.pushedBytes
    const compared = after.compared - before.compared
    return {
      pushedMs: rebuild?.durationMs ?? 0,
      settledMs,
      encodedBytes: rebuild?.work.encodedBytes ?? 0,
      pushedBytes,
      objects: rebuild?.work.objects ?? 0,
      views: rebuild?.work.views ?? 0,
      encoded: rebuild?.work.encoded ?? 0,
      compared,
    }
  }

  #settle(): void {
    for (; this.#head < this.#queue.length; this.#head++) {
      this.#queue[this.#head]?.()
      if (this.#head > 10_000) {
        this.#queue.splice(0, this.#head + 1)
        this.#head = -1
      }
    }
    this.#queue.length = 0
    this.#head = 0
  }
}

function rssMb(): number {
  globalThis.gc?.()
  return Math.round(process.memoryUsage.rss() / 2 ** 20)
}

function measure(services: number, proxies: number, changes: number): MeshCost {
  const bench = new Bench(services, proxies)
  const inputs = rssMb()
  const firstBuildMs = bench.publish().pushedMs
  const built = rssMb()
  const started = performance.now()
  bench.connectAll()
  const connectMs = performance.now() - started
  const connected = rssMb()
  const times = (change: (round: number) => void): ChangeTime[] =>
    Array.from({ length: changes }, (_, round) => {
      change(round)
      return bench.publish()
    })
  const rule = times((round) => bench.large.setTimeout(round % services, `${round + 6}s`))
  const endpoint = times((round) => bench.large.setReady(round % proxies, round % (2 * proxies) >= proxies))
  const proxy = times(() => void bench.large.addInstance())
  const end = rssMb()
  return { services, proxies, firstBuildMs, connectMs, rule, endpoint, proxy, rssMb: { inputs, built, connected, end } }
}

if (import.meta.main) {
  const [services = 100, proxies = 10, changes = 20] = process.argv.slice(2).map(Number)
  process.stdout.write(`${JSON.stringify(measure(services, proxies, changes))}\n`)
}
