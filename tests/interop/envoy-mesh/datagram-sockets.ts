// Servers and clients of datagrams, for tests of what stands between them.
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import type { WorkloadInstance } from '@weft/resources'
import { once } from '@weft/testkit/once'
import { until } from '@weft/testkit/until'
import { service, workload } from './mesh-texts.ts'

/** Who is asked. */
export interface Asking {
  readonly host: string
  readonly port: number
}

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
  async ask(to: Asking, clients: number): Promise<Asked> {
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

  /** What as many clients are told, once each was told something. */
  async answers(to: Asking, clients: number): Promise<readonly (string | undefined)[]> {
    const asked = await this.ask(to, clients)
    await until(() => {
      asked.again()
      return asked.answered === clients
    })
    return asked.answers
  }

  /** Whether anybody answers within a second; known sooner where the kernel says that nobody listens. */
  async isAnswered({ host, port }: Asking): Promise<boolean> {
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

/** Workloads outside the mesh that tests answer for, `many` with two instances and `few` with one, and Services of them. */
export function manyAndFew(ports: string): string {
  const outside = { ports: '{ name: dns, port: 5353 }', more: 'proxy: none' }
  const texts = [workload('many', { ...outside, more: `${outside.more}, replicas: 2` }), workload('few', outside)]
  return [...texts, ...['many', 'few'].map((name) => service(name, { ports }))].join('')
}

/** Forty sessions, of which a quarter is for `many`: each of its instances has some. */
export function assertSharedOut(answers: readonly (string | undefined)[]): void {
  const count = (name: string): number => answers.filter((answer) => answer?.startsWith(name)).length
  // Round robin by weight: exactly a quarter, but for datagrams of the first moments.
  assert.ok(Math.abs(count('few') - 30) <= 2 && Math.abs(count('many') - 10) <= 2, [...answers].sort().join(', '))
  assert.ok(count('many many-0') > 0 && count('many many-1') > 0)
}
