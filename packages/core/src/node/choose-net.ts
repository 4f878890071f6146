import type { Net } from '../transport.ts'
import { nodeNet } from './node-net.ts'
import { loadRawBindings } from './raw-bindings.ts'
import { rawNet } from './raw-net.ts'
import { testRawNet } from './raw-self-test.ts'
import { loopTurn } from './turn.ts'

/** What sockets a process may use: `auto` takes raw handles when they work; `gathered`: those, gathering in each turn however little it brings. */
export type TransportWish = 'auto' | 'gathered' | 'socket'

/** The network that was chosen. */
export interface ChosenNet {
  readonly net: Net
  readonly kind: 'raw' | 'socket'
  /** Why raw handles are not used; undefined when they are. */
  readonly reason: string | undefined
  readonly testMs: number
}

/** Raw TCP handles when they pass their test here and now, `net.Socket` otherwise. */
export async function chooseNet(wish: TransportWish = 'auto'): Promise<ChosenNet> {
  const begunMs = performance.now()
  const socket = (reason: string): ChosenNet => ({
    net: nodeNet,
    kind: 'socket',
    reason,
    testMs: performance.now() - begunMs,
  })
  if (wish === 'socket') return socket('asked for')
  const bindings = loadRawBindings()
  if (!bindings.ok) return socket(bindings.error)
  const net = rawNet(bindings.value)
  if (wish === 'gathered') loopTurn.always()
  const fault = await testRawNet(net)
  if (fault !== undefined) return socket(`self-test: ${fault}`)
  return { net, kind: 'raw', reason: undefined, testMs: performance.now() - begunMs }
}
