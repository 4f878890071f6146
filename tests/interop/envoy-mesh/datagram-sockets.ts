// Servers and clients of datagrams, for tests of what stands between them.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { WorkloadInstance } from '@weft/resources'

/** What some clients were told. */
export interface Asked {
  /** By client; absent where nothing came yet. */
  readonly answers: readonly (string | undefined)[]
  readonly answered: number
  /** Asks again for those who were told nothing: datagrams may be lost. */
  again(): void
}

/** Sockets that are closed together. */
export class DatagramSockets {
  readonly #sockets: Socket[] = []

  /** An application that answers with its workload and its own name. */
  async serve({ name, workload, appAddress }: WorkloadInstance, port: number): Promise<void> {
    const server = await this.#bound(port, appAddress)
    server.on('message', (_bytes, from) => server.send(`${workload} ${name}`, from.port, from.address))
  }

  /** Asks from as many sockets. */
  async ask(to: { readonly host: string; readonly port: number }, clients: number): Promise<Asked> {
    const answers: (string | undefined)[] = Array.from({ length: clients })
    const asking = await Promise.all(answers.map(() => this.#bound(0, '127.0.0.1')))
    for (const [index, socket] of asking.entries()) {
      socket.on('message', (bytes) => (answers[index] = bytes.toString()))
    }
    const again = (): void => {
      for (const [index, socket] of asking.entries())
        if (answers[index] === undefined) socket.send('?', to.port, to.host)
    }
    again()
    return {
      answers,
      again,
      get answered() {
        return answers.filter((answer) => answer !== undefined).length
      },
    }
  }

  /** Whether anybody answers within a second; known sooner where the kernel says that nobody listens. */
  async isAnswered({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
    const socket = createSocket('udp4')
    this.#sockets.push(socket)
    socket.connect(port, host)
    await once(socket, 'connect')
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), 1000)
      const end = (answered: boolean): void => {
        clearTimeout(timer)
        resolve(answered)
      }
      socket.on('error', () => end(false))
      socket.on('message', () => end(true))
      socket.send('?')
    })
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  async #bound(port: number, host: string): Promise<Socket> {
    const socket = createSocket('udp4')
    this.#sockets.push(socket)
    socket.bind(port, host)
    await once(socket, 'listening')
    return socket
  }
}
