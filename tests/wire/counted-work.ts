// What proxies in processes of their own do while 64 connections keep them busy, as counts that do not depend on the machine.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from '@weft/testkit/once'
import { startProgram } from '@weft/testkit/start-program'
import type { JsonConfig } from './proxy-under-test.ts'

/** Connections that each have one request in flight. */
export const connections = 64

const answer = Buffer.from(`HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 1024\r\n\r\n${'x'.repeat(1024)}`)
const question = 'GET /work HTTP/1.1\r\nHost: shop\r\nUser-Agent: work\r\nAccept: */*\r\n\r\n'

/** A server that answers 1 kB, and how many connections were made to it. */
export interface WorkBackend {
  readonly port: number
  readonly connects: () => number
  close(): void
}

/** Starts it. One request is one piece here: a proxy waits for each answer before it sends more. */
export async function workBackend(): Promise<WorkBackend> {
  let connects = 0
  const server = createServer((socket) => {
    connects += 1
    socket.on('error', () => {})
    socket.on('data', () => socket.write(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, connects: () => connects, close: () => void server.close() }
}

/** A proxy in a process of its own. */
export interface WorkProxy {
  readonly pid: number
  /** Of its listener `in`. */
  readonly port: number
  stop(): Promise<void>
}

/** Starts one. */
export async function workProxy(config: JsonConfig): Promise<WorkProxy> {
  const script = join(import.meta.dirname, 'work-process.ts')
  const program = startProgram(process.execPath, [script, JSON.stringify(config)])
  const [said] = (await once(program.stdout, 'data')) as [Buffer]
  const stop = async (): Promise<void> => {
    if (program.kill('SIGKILL')) await once(program, 'exit')
  }
  return { pid: program.pid as number, port: Number(said.toString()), stop }
}

/** Clients of a proxy. */
export class WorkClients {
  readonly #sockets: Socket[] = []

  static async connect(port: number): Promise<WorkClients> {
    const clients = new WorkClients()
    for (let i = 0; i < connections; i += 1) {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      clients.#sockets.push(socket)
    }
    return clients
  }

  /** Sends so many requests on each connection, the next when the one before is answered. */
  async load(perConnection: number): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => converse(socket, perConnection)))
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}

function converse(client: Socket, requests: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = requests
    let text = ''
    client.once('close', () => reject(new Error(`closed with ${left} answers to come`)))
    client.setTimeout(30_000, () => reject(new Error(`no answer for 30 s, with ${left} to come`)))
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      if (head < 0 || text.length < head + 4 + 1024) return
      if (!text.startsWith('HTTP/1.1 200 ')) return reject(new Error(text.slice(0, 200)))
      text = ''
      left -= 1
      if (left > 0) return void client.write(question)
      client.off('data', onData)
      resolve()
    }
    client.on('data', onData)
    client.write(question)
  })
}

/** Calls of a process by name, from strace's table, while `during` runs. */
export async function callsWhile(pid: number, during: () => Promise<void>): Promise<Map<string, number>> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-work-'))
  const table = join(dir, 'table')
  try {
    const strace = spawn('strace', ['-c', '-f', '-p', String(pid), '-o', table], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await once(strace.stderr, 'data')
    try {
      await during()
    } finally {
      if (strace.kill('SIGINT')) await once(strace, 'exit')
    }
    const rows = readFileSync(table, 'utf8').matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm)
    return new Map([...rows].flatMap(([, calls, name]) => (name === 'total' ? [] : [[String(name), Number(calls)]])))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Why calls cannot be counted here; false: they can. */
export function whyNoTrace(): string | false {
  if (spawnSync('strace', ['-c', '-o', '/dev/null', 'true']).status === 0) return false
  return 'strace is not there, or may not trace'
}
