// One end of a connection that plays a script.
import type { Socket } from 'node:net'
import { H2End } from './h2-end.ts'
import type { Step, Wire } from './protocol-case.ts'

/** How a connection stands. */
export type Ending = 'open' | 'ended' | 'reset'

/** What a script needs of the case it belongs to. */
export interface Stage {
  /** Counts up whenever anything happens on any connection of the case. */
  activity: number
  /** Waits until something has happened. */
  changed(): Promise<void>
  /** Tells all who wait. */
  touch(): void
  /** Everything the ends on that side have received. */
  received(side: 'client' | 'upstream'): string
  over: boolean
}

/** One end: what it received and how its connection stands. */
export class Talk {
  readonly socket: Socket
  readonly side: 'client' | 'upstream'
  readonly h2: H2End | undefined
  text = ''
  ending: Ending = 'open'
  #waitedTo = 0
  readonly #stage: Stage

  constructor(socket: Socket, { side, stage, wire }: { side: 'client' | 'upstream'; stage: Stage; wire: Wire }) {
    this.socket = socket
    this.side = side
    this.#stage = stage
    this.h2 = wire === 'h2' ? new H2End(socket, side) : undefined
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (this.h2 === undefined) this.text += chunk.toString('latin1')
      else this.h2.onData(chunk)
      stage.touch()
    })
    socket.on('end', () => {
      if (this.ending === 'open') this.ending = 'ended'
      stage.touch()
    })
    socket.on('error', () => {
      if (this.ending === 'open') this.ending = 'reset'
      stage.touch()
    })
    socket.on('close', () => {
      if (this.ending === 'open') this.ending = 'ended'
      stage.touch()
    })
  }

  /** Plays the steps; stops when the case is over or the connection is gone. */
  async play(steps: readonly Step[]): Promise<void> {
    const [first] = steps
    this.h2?.greet(this.side, typeof first === 'object' && 'settings' in first)
    for (const step of steps) {
      if (this.#stage.over || this.socket.destroyed) return
      await this.#take(step)
    }
  }

  /** All that came, as text. */
  received(): string {
    return this.h2?.text() ?? this.text
  }

  async #take(step: Step): Promise<void> {
    if (typeof step === 'string') {
      if (this.socket.writable) this.socket.write(step, 'latin1')
      // A write of its own reaches the proxy as a read of its own, mostly.
      await new Promise((resolve) => setImmediate(resolve))
    } else if ('until' in step) {
      await this.#waitFor(() => {
        const at = this.received().indexOf(step.until, this.#waitedTo)
        if (at >= 0) this.#waitedTo = at + step.until.length
        return at >= 0
      })
    } else if ('other' in step) {
      const side = this.side === 'client' ? 'upstream' : 'client'
      await this.#waitFor(() => this.#stage.received(side).includes(step.other))
    } else if ('pause' in step) {
      await new Promise((resolve) => setTimeout(resolve, step.pause))
    } else if ('act' in step) {
      if (step.act === 'end') this.socket.end()
      else if (step.act === 'see the end') await this.#waitFor(() => false)
      else this.socket.resetAndDestroy()
    } else if ('untilStream' in step) {
      await this.#waitFor(() => this.h2?.streamHas(step.untilStream, step.has) === true)
    } else if ('untilGoaway' in step) {
      await this.#waitFor(() => this.h2?.goaway !== undefined)
    } else {
      this.h2?.send(step)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#stage.over || this.ending !== 'open' || this.socket.destroyed) return
      await this.#stage.changed()
    }
  }
}
