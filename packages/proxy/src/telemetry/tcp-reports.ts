// Counts what TCP connections carry while they last, where a Telemetry asks for it.
import type { Timer, Timers } from '@weft/core'
import type { CarriedBytes } from './exchange-record.ts'

/** Bytes of a connection that are counted already. */
export interface CountedBytes {
  readonly bytesReceived: number
  readonly bytesSent: number
}

interface Open {
  timer: Timer
  counted: CountedBytes
}

const nothing: CountedBytes = { bytesReceived: 0, bytesSent: 0 }

/** The open connections of one sink. */
export class TcpReports {
  readonly #timers: Timers
  readonly #open = new Map<object, Open>()

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** From now on, tells every so often how many bytes have come since the last time. */
  begin(carried: CarriedBytes, everyMs: number, report: (since: CountedBytes) => void): void {
    const again = (): void => {
      carried.count()
      const { bytesReceived, bytesSent } = carried
      const { counted } = open
      open.counted = { bytesReceived, bytesSent }
      report({ bytesReceived: bytesReceived - counted.bytesReceived, bytesSent: bytesSent - counted.bytesSent })
      open.timer = this.#timers.set(everyMs, again, { keepAlive: false })
    }
    const open: Open = { timer: this.#timers.set(everyMs, again, { keepAlive: false }), counted: nothing }
    this.#open.set(carried, open)
  }

  /** The connection is over, which `begin` was told of as the same object; what was counted of it so far. */
  end(carried: object | undefined): CountedBytes {
    const open = carried === undefined ? undefined : this.#open.get(carried)
    if (carried === undefined || open === undefined) return nothing
    open.timer.cancel()
    this.#open.delete(carried)
    return open.counted
  }
}
