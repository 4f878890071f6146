// What one plain hop costs, as counts that do not depend on the machine: system calls per request, connections upstream.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const connections = 64
const mostCallsPerRequest = 4.5
const answer = Buffer.from(`HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 1024\r\n\r\n${'x'.repeat(1024)}`)
const question = 'GET /work HTTP/1.1\r\nHost: shop\r\nUser-Agent: work\r\nAccept: */*\r\n\r\n'

let backend: Server
let upstreamConnects = 0
let proxy: ChildProcess
let port = 0
const clients: Socket[] = []

before(async () => {
  backend = createServer((socket) => {
    upstreamConnects += 1
    socket.on('error', () => {})
    // One request is one piece here: the proxy waits for each answer before it sends more.
    socket.on('data', () => socket.write(answer))
  }).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const upstream = (backend.address() as AddressInfo).port
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  proxy = spawn(process.execPath, [join(import.meta.dirname, 'work-process.ts'), String(upstream)], {
    stdio: [...stdio],
  })
  const [said] = (await once(proxy.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  port = Number(said.toString())
  for (let i = 0; i < connections; i += 1) {
    const client = connect(port, '127.0.0.1')
    await once(client, 'connect')
    clients.push(client)
  }
})

after(async () => {
  for (const client of clients) client.destroy()
  proxy.kill('SIGKILL')
  await once(proxy, 'exit')
  backend.close()
})

/** Sends so many requests on each connection, the next when the one before is answered. */
async function load(perConnection: number): Promise<void> {
  await Promise.all(clients.map((client) => converse(client, perConnection)))
}

function converse(client: Socket, requests: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = requests
    let text = ''
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
async function callsWhile(pid: number, during: () => Promise<void>): Promise<Map<string, number>> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-work-'))
  const table = join(dir, 'table')
  try {
    const strace = spawn('strace', ['-c', '-f', '-p', String(pid), '-o', table], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await once(strace.stderr as NodeJS.ReadableStream, 'data')
    await during()
    strace.kill('SIGINT')
    await once(strace, 'exit')
    const rows = readFileSync(table, 'utf8').matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/gm)
    return new Map([...rows].flatMap(([, calls, name]) => (name === 'total' ? [] : [[String(name), Number(calls)]])))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function whyNoTrace(): string | false {
  if (spawnSync('strace', ['-c', '-o', '/dev/null', 'true']).status === 0) return false
  return 'strace is not there, or may not trace'
}

test('a plain hop takes at most 4.5 system calls per request', { skip: whyNoTrace() }, async () => {
  await load(20)
  const perConnection = 50
  const calls = await callsWhile(proxy.pid as number, () => load(perConnection))
  const total = [...calls.values()].reduce((sum, count) => sum + count, 0)
  const perRequest = total / (connections * perConnection)
  const table = [...calls].map(([name, count]) => `${name} ${count}`).join(', ')
  assert.ok((calls.get('write') ?? 0) + (calls.get('writev') ?? 0) >= 2 * connections * perConnection, table)
  assert.ok(perRequest <= mostCallsPerRequest, `${perRequest.toFixed(2)} calls per request: ${table}`)
})

test('kept connections are used again: nothing is connected twice', async () => {
  await load(20)
  const before = upstreamConnects
  await load(20)
  assert.ok(before <= connections, `${before} upstream connections for ${connections} clients`)
  assert.equal(upstreamConnects, before)
})
