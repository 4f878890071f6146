// A story drawn from a seed: requests, edits, mistakes, rotations, kills, in any order, and what must hold after each.
import assert from 'node:assert/strict'
import { seededRng } from '@weft/testkit'
import { abort, ask, fixed, live, route } from './shop-mesh.ts'
import type { SimMesh } from './sim-mesh.ts'

/** Life of certificates; rotations come at least every third of it. */
const lifeMs = 60_000
const statuses = [418, 429, 500, 503]

const mistake = '    - match: [{ uri: { exct: /x } }]'

/** What should be, beside the mesh that is. */
class Story {
  readonly #mesh: SimMesh & { seen: string[] }
  readonly #rng: ReturnType<typeof seededRng>
  #controlUp = true
  /** What the file says: a status, or nothing that can be taken. */
  #written: number | undefined = 503
  /** What the proxies serve: the last good file a living control plane saw. */
  #served = 503
  #rotatedMs = 0
  readonly steps: string[] = []

  constructor(mesh: SimMesh & { seen: string[] }, seed: number) {
    this.#mesh = mesh
    this.#rng = seededRng(seed + 1_000_003)
  }

  async play(steps: number): Promise<void> {
    await this.#mesh.write(fixed + route(abort(this.#served)))
    this.#rotate()
    for (let step = 0; step < steps; step++) {
      const name = await this.#step()
      this.steps.push(name)
      await this.#check(`step ${step}: ${this.steps.join(' ')}`)
      await this.#mesh.world.clock.advance(this.#rng.float() * lifeMs * 0.3)
      if (this.#mesh.world.clock.nowMs() - this.#rotatedMs > lifeMs / 3) this.#rotate()
    }
  }

  async #step(): Promise<string> {
    const mesh = this.#mesh
    const drawn = this.#rng.float()
    if (drawn < 0.25) {
      this.#written = statuses[Math.floor(this.#rng.float() * statuses.length)] as number
      if (this.#controlUp) this.#served = this.#written
      await mesh.write(fixed + route(abort(this.#written)))
      return `edit:${this.#written}`
    }
    if (drawn < 0.35) {
      this.#written = undefined
      await mesh.write(fixed + route(mistake))
      return 'mistake'
    }
    if (drawn < 0.55) return this.#toggleControl()
    if (drawn < 0.7) {
      const names = [...mesh.proxies.keys()]
      const name = names[Math.floor(this.#rng.float() * names.length)] as string
      await mesh.restartProxy(name)
      const isLive = (): boolean => mesh.proxies.get(name)?.readiness() === 'LIVE'
      const startedMs = mesh.world.clock.nowMs()
      assert.ok(await mesh.world.clock.advanceUntil(isLive, 1_000), `${name} serves again within 1 s`)
      return `kill:${name}@${Math.round(mesh.world.clock.nowMs() - startedMs)}ms`
    }
    if (drawn < 0.85) {
      mesh.world.network.latencyMs = this.#rng.float() < 0.5 ? [0.1, 1.5] : [5, 40]
      return `latency:${mesh.world.network.latencyMs[1]}`
    }
    this.#rotate()
    return 'rotate'
  }

  async #toggleControl(): Promise<string> {
    this.#controlUp = !this.#controlUp
    if (!this.#controlUp) {
      this.#mesh.killControl()
      return 'control:kill'
    }
    await this.#mesh.startControl()
    if (this.#written !== undefined) this.#served = this.#written
    // Proxies come back with backoff.
    await this.#mesh.world.clock.advance(40_000)
    this.#rotate()
    return 'control:start'
  }

  #rotate(): void {
    this.#mesh.issueAll(lifeMs)
    this.#rotatedMs = this.#mesh.world.clock.nowMs()
  }

  async #check(where: string): Promise<void> {
    const good = await ask(this.#mesh)
    assert.deepEqual([good.status, good.body], [200, 'shop with 200 books'], where)
    assert.equal((await ask(this.#mesh, 'catalog.example')).status, 403, where)
    assert.equal((await ask(this.#mesh, 'shop.example', { 'x-test': 'broken' })).status, this.#served, where)
  }
}

/** Plays one; its steps and the log of everything. */
export async function playStory(seed: number, steps = 25): Promise<{ steps: readonly string[]; log: string }> {
  const mesh = await live(seed)
  const story = new Story(mesh, seed)
  try {
    await story.play(steps)
    assert.ok(
      mesh.seen.every((request) => request === 'GET /books catalog'),
      'nobody but web reached catalog',
    )
  } catch (error) {
    // The seed is all that is needed to see it again.
    const replay = `replay: WEFT_SIM_SEED=${seed} node --test tests/sim/story.test.ts`
    throw new Error(`${(error as Error).message}\nseed ${seed}; ${replay}`, { cause: error })
  }
  await mesh.stop()
  return { steps: story.steps, log: mesh.world.log.text() }
}
