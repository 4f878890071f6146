// Weft's proxy and a real Envoy side by side, with the same resources: what the one does the other is to do.
import { after } from 'node:test'
import { type JsonConfig, type ProxyUnderTest, startProxy } from '../../wire/proxy-under-test.ts'
import { type StaticEnvoy, startStaticEnvoy } from './static-envoy.ts'

/** Which of the two. */
export type Arm = 'weft' | 'envoy'

/** One after the other. */
export const arms: readonly Arm[] = ['weft', 'envoy']

/** What stands behind proxies: servers of a test. */
export interface Behind {
  close(): unknown
  closeAllConnections?(): void
}

/** Both, once they are started. */
export class BothProxies {
  #weft: ProxyUnderTest | undefined
  #envoy: StaticEnvoy | undefined
  readonly #behind: () => readonly Behind[]

  constructor(behind: () => readonly Behind[]) {
    this.#behind = behind
  }

  /** Starts them; `ofEnvoy`: where Envoy finds its endpoints elsewhere. */
  async start(resources: Parameters<typeof startStaticEnvoy>[0] & JsonConfig, ofEnvoy = resources): Promise<void> {
    this.#weft = await startProxy(resources)
    this.#envoy = await startStaticEnvoy(ofEnvoy)
  }

  get weft(): ProxyUnderTest {
    if (this.#weft === undefined) throw new Error('not started')
    return this.#weft
  }

  get envoy(): StaticEnvoy {
    if (this.#envoy === undefined) throw new Error('not started')
    return this.#envoy
  }

  /** The port of the listener `in`. */
  port(arm: Arm): number {
    return this[arm].portOf('in')
  }

  async close(): Promise<void> {
    this.#envoy?.close()
    await this.#weft?.close()
    for (const each of this.#behind()) {
      each.closeAllConnections?.()
      await each.close()
    }
  }
}

/** Both proxies for the tests around; after these they are closed, and what stands behind them by then. */
export function bothProxies(behind: () => readonly Behind[]): BothProxies {
  const both = new BothProxies(behind)
  after(() => both.close())
  return both
}
