// Where listening sockets come from: bound by this process, or inherited from a supervisor that keeps the descriptor. An
// inherited one outlives the process: connections wait in the kernel's queue until this or the next generation accepts.
import { err, type ListenAt, type Net, type NetListener, type ProcessChannel, type Result } from '@weft/core'
import type { Answer, Datagrams, ProxyQuestions } from '@weft/core'

/** How a proxy comes by a listening socket; `Net.listen` is the source that binds. */
export type ListenerSource = Net['listen']

/** The part of the channel to the supervisor that is needed here. */
export type DescriptorLender = Pick<ProcessChannel<ProxyQuestions, never>, 'ask'>

/** A supervisor that has not answered by then is gone or stuck; the listener manager asks again. */
const askTimeoutMs = 5_000
/** For one address; as many as a proxy may have processes. */
const maxDescriptors = 64

/** Asks the supervisor for every address; what it leaves to us, and what has no fixed port, is bound here. */
export function inheritedListeners(bind: ListenerSource, supervisor: DescriptorLender): ListenerSource {
  return async (at, onConnection) => {
    if (at.port === 0 || at.host.startsWith('/')) return bind(at, onConnection)
    const where = { host: at.host, port: at.port }
    const listeners: NetListener[] = []
    const close = async (): Promise<void> => {
      await Promise.all(listeners.map((listener) => listener.close()))
      void supervisor.ask('release', where, askTimeoutMs)
    }
    for (let more = true; more; ) {
      const asked = await supervisor.ask('listen', { ...where, index: listeners.length }, askTimeoutMs)
      const lent: Result<Lent> = asked.ok
        ? lentIn(asked.value)
        : err(`no descriptor from the supervisor: ${asked.error}`)
      const listening = lent.ok ? await listenOn(bind, { ...at, handle: lent.value.handle }, onConnection) : lent
      if (!lent.ok || !listening.ok) {
        await close()
        return lent.ok ? listening : lent
      }
      listeners.push(listening.value)
      more = lent.value.more && listeners.length < maxDescriptors
    }
    const { address, port } = listeners[0] as NetListener
    return { ok: true, value: { address, port, close } }
  }
}

/**
 * Datagrams wait in no queue that is worth keeping, so their sockets are not lent: shards and generations bind one address
 * side by side, and those of a generation that goes are closed at once.
 */
export function sharedDatagrams({ bind }: Datagrams): Datagrams {
  return { bind: (at, onDatagram, onError) => bind({ ...at, shared: true }, onDatagram, onError) }
}

interface Lent {
  readonly handle: object | undefined
  readonly more: boolean
}

function lentIn({ value, handle }: Answer<ProxyQuestions['listen'][1]>): Result<Lent> {
  return value.error === undefined ? { ok: true, value: { handle, more: value.more === true } } : err(value.error)
}

async function listenOn(
  bind: ListenerSource,
  at: ListenAt,
  onConnection: Parameters<ListenerSource>[1],
): Promise<Result<NetListener>> {
  try {
    return await bind(at, onConnection)
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error))
  }
}
