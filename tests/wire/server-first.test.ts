// Protocols in which the server speaks first, behind listeners that look at the client's first bytes.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { any, everythingTo, manager, proxyFor, staticCluster } from './proxy-under-test.ts'
import { type Client, client, listenerFilter, tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { until } from './test-runtime.ts'

const httpChain = {
  filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.0', 'http/1.1'] },
  filters: [manager(everythingTo('web'))],
}
const inspectors = [listenerFilter('tls_inspector'), listenerFilter('http_inspector')]

/** HTTP to `web`, everything else to `db`. */
async function mixed(t: TestContext, db: number, web: number, more: JsonObject = {}) {
  return await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: inspectors,
        listenerFiltersTimeout: '5s',
        filterChains: [httpChain],
        defaultFilterChain: { filters: [tcpProxy('db')] },
        ...more,
      }),
    ],
    clusters: [staticCluster('db', [db]), staticCluster('web', [web])],
  })
}

interface Backend {
  readonly port: number
  readonly received: string[]
}

/** Greets at once, then answers each line. */
async function greeting(t: TestContext, hello: string | undefined): Promise<Backend> {
  const received: string[] = []
  const { port } = await tcpServer(t, (socket) => {
    if (hello !== undefined) socket.write(hello, 'latin1')
    socket.on('data', (bytes) => {
      received.push(bytes.toString('latin1'))
      socket.write(`250 ${bytes.length}\r\n`)
    })
    socket.on('end', () => socket.end())
  })
  return { port, received }
}

async function web(t: TestContext): Promise<Backend> {
  const received: string[] = []
  const { port } = await tcpServer(t, (socket) => {
    socket.on('data', (bytes) => {
      received.push(bytes.toString('latin1'))
      socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    })
    socket.on('end', () => socket.end())
  })
  return { port, received }
}

const mysqlGreeting = '\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xf7\xff\x02\0\xff\xdf\x15'

for (const [name, hello, login] of [
  ['SMTP', '220 mail.example ESMTP\r\n', 'EHLO web.example\r\n'],
  ['MySQL', mysqlGreeting, '\x54\0\0\x01\x8d\xa6\xff\x01user\0'],
] as const) {
  test(`the greeting of a ${name} server comes through to a client that waits for it`, async (t) => {
    const db = await greeting(t, hello)
    const proxy = await mixed(t, db.port, (await web(t)).port)
    const from = await client(t, proxy.portOf('in'))
    const startMs = performance.now()
    await until(() => from.text() === hello, 'the greeting')
    assert.ok(performance.now() - startMs < 2_000, 'it did not wait for the time limit of the listener filters')
    from.socket.write(login, 'latin1')
    await until(() => db.received.join('') === login, 'the login')
    from.socket.end('QUIT\r\n')
    await from.ended
    assert.equal(from.text(), `${hello}250 ${login.length}\r\n250 6\r\n`)
    await until(() => proxy.connections.length === 1, 'the record')
    assert.equal(proxy.connections[0]?.bytesSent, from.text().length)
    assert.equal(proxy.connections[0]?.flags.join(), '')
  })
}

async function trickle(from: Client, text: string, everyMs: number): Promise<void> {
  for (const letter of text) {
    from.socket.write(letter)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

test('HTTP that comes one byte at a time, after a pause, never reaches the server that greets', async (t) => {
  const db = await greeting(t, '220 hello\r\n')
  const site = await web(t)
  const proxy = await mixed(t, db.port, site.port)
  const from = await client(t, proxy.portOf('in'))
  await trickle(from, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 8)
  await until(() => from.text().includes('204'), 'the answer')
  assert.doesNotMatch(from.text(), /220 hello/)
  assert.deepEqual(db.received, [])
  assert.equal(site.received.length, 1)
})

test('a slow HTTP client whose upstream is silent too gets its own chain, and the opened upstream no byte', async (t) => {
  let connections = 0
  const bytes: Buffer[] = []
  const db = await tcpServer(t, (socket) => {
    connections += 1
    socket.on('data', (chunk) => bytes.push(chunk))
  })
  const site = await web(t)
  const proxy = await mixed(t, db.port, site.port)
  const from = await client(t, proxy.portOf('in'))
  await until(() => connections === 1, 'the upstream is opened early')
  await trickle(from, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 5)
  await until(() => from.text().includes('204'), 'the answer')
  await until(() => db.sockets.size === 0 || [...db.sockets].every((socket) => socket.readableEnded), 'given up')
  assert.equal(bytes.length, 0)
  assert.equal(proxy.connections.length, 0, 'no TCP connection is reported')
})

test('after a greeting, HTTP and TLS are still not sent to the server that greeted', async (t) => {
  for (const [bytes, expected] of [
    ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', []],
    ['HELP\r\n', ['HELP\r\n']],
    ['Q', ['Q']],
  ] as const) {
    const db = await greeting(t, '220 hello\r\n')
    const proxy = await mixed(t, db.port, (await web(t)).port)
    const from = await client(t, proxy.portOf('in'))
    await until(() => from.text() === '220 hello\r\n', 'the greeting')
    from.socket.write(bytes)
    if (expected.length === 0) {
      await from.ended
      await until(() => proxy.connections.length === 1, 'the record')
      assert.equal(proxy.connections[0]?.details, 'client_bytes_of_another_chain')
    } else await until(() => db.received.length > 0, 'the bytes')
    assert.deepEqual(db.received, expected)
  }
})

test('a client of a line protocol that speaks first is not kept waiting', async (t) => {
  const db = await greeting(t, undefined)
  const proxy = await mixed(t, db.port, (await web(t)).port)
  for (const bytes of ['*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n', 'PING\r\nPING\r\n', '\0\0\0\x08\x04\xd2\x16/']) {
    const from = await client(t, proxy.portOf('in'))
    from.socket.end(bytes, 'latin1')
    await from.ended
    assert.equal(from.text(), `250 ${bytes.length}\r\n`)
  }
})

test('a silent client of a chain that network RBAC denies opens no upstream', async (t) => {
  let connections = 0
  const db = await tcpServer(t, () => (connections += 1))
  const deny = {
    name: 'envoy.filters.network.rbac',
    typedConfig: any('envoy.extensions.filters.network.rbac.v3.RBAC', {
      statPrefix: 'test',
      rules: { action: 'DENY', policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } },
    }),
  }
  const proxy = await mixed(t, db.port, (await web(t)).port, {
    listenerFiltersTimeout: '0.2s',
    defaultFilterChain: { filters: [deny, tcpProxy('db')] },
  })
  const from = await client(t, proxy.portOf('in'))
  await from.ended
  assert.equal(connections, 0)
  assert.deepEqual(proxy.refusals, ['in: downstream_listener_filter_error: listener_filter_timeout'])
})

test('a client that goes away while it waits takes the early upstream with it', async (t) => {
  const db = await tcpServer(t, () => {})
  const proxy = await mixed(t, db.port, (await web(t)).port)
  const from = await client(t, proxy.portOf('in'))
  await until(() => db.sockets.size === 1, 'the upstream is opened early')
  from.socket.destroy()
  const [upstream] = db.sockets
  upstream?.resume()
  await until(() => upstream?.readableEnded === true || upstream?.destroyed === true, 'it ends')
})
