// Where listening sockets come from: bound by this process, or inherited from a supervisor that keeps the descriptor. An
// inherited one outlives the process: connections wait in the kernel's queue until this or the next generation accepts.
import { err, type ListenAt, type Net, type NetListener, type ProcessChannel, type Result } from '@weft/core'
import type { ProxyQuestions } from '@weft/core'

/** How a proxy comes by a listening socket; `Net.listen` is the source that binds. */
export type ListenerSource = Net['listen']

/** The part of the channel to the supervisor that is needed here. */
export type DescriptorLender = Pick<ProcessChannel<ProxyQuestions, never>, 'ask'>

/** A supervisor that has not answered by then is gone or stuck; the listener manager asks again. */
const askTimeoutMs = 5_000

/** Asks the supervisor for every address; what it leaves to us, and what has no fixed port, is bound here. */
export function inheritedListeners(bind: ListenerSource, supervisor: DescriptorLender): ListenerSource {
  return async (at, onConnection) => {
    if (at.port === 0 || at.host.startsWith('/')) return bind(at, onConnection)
    const where = { host: at.host, port: at.port }
    const asked = await supervisor.ask('listen', where, askTimeoutMs)
    if (!asked.ok) return err(`no descriptor from the supervisor: ${asked.error}`)
    const { value, handle } = asked.value
    if (value.error !== undefined) return err(value.error)
    const release = (): void => void supervisor.ask('release', where, askTimeoutMs)
    const listening = await listenOn(bind, handle === undefined ? at : { ...at, handle }, onConnection)
    if (!listening.ok) {
      release()
      return listening
    }
    const { address, port } = listening.value
    const close = async (): Promise<void> => {
      await listening.value.close()
      release()
    }
    return { ok: true, value: { address, port, close } }
  }
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
