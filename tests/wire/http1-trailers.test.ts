import assert from 'node:assert/strict'
import { test } from 'node:test'
import { everythingTo, httpListener, httpOptions, startProxy, staticCluster } from './proxy-under-test.ts'
import { converse, rawBackend } from './raw-http.ts'

const request =
  'POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\nTE: trailers, gzip\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n'

async function exchange(keep: boolean): Promise<{ answer: string; received: string }> {
  const backend = await rawBackend((socket, text) => {
    if (!/\r\n0\r\n(?:.+\r\n)*\r\n$/.test(text)) return
    socket.write(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Time:  5 \r\nContent-Length: 9\r\n\r\n',
    )
  })
  const http1 = { enableTrailers: keep }
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'), { httpProtocolOptions: http1 })],
    clusters: [staticCluster('b', [backend.port], httpOptions({ explicitHttpConfig: { httpProtocolOptions: http1 } }))],
  })
  try {
    const answer = await converse(proxy.portOf('in'), [request], (seen) => /\r\n0\r\n(?:.+\r\n)*\r\n$/.test(seen))
    return { answer, received: backend.received[0] ?? '' }
  } finally {
    await proxy.close()
    await backend.close()
  }
}

test('trailers pass both ways where they are enabled, but none that frames or routes', async () => {
  const { answer, received } = await exchange(true)
  assert.match(received, /\r\nte: trailers\r\n/)
  assert.match(received, /3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n$/)
  assert.match(answer, /2\r\nok\r\n0\r\nx-time: 5\r\n\r\n$/)
})

test('trailers are dropped otherwise', async () => {
  const { answer, received } = await exchange(false)
  assert.match(received, /3\r\nabc\r\n0\r\n\r\n$/)
  assert.match(answer, /2\r\nok\r\n0\r\n\r\n$/)
})
