import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { connectionsAt, countIn } from './open-connections.ts'

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0301437F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1
   1: 0301437F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 2
   2: 0301437F:1F90 0100007F:9C41 08 00000000:00000000 00:00000000 00000000  1000        0 3
   3: 0301437F:1F90 0100007F:9C42 06 00000000:00000000 00:00000000 00000000  1000        0 4
   4: 0100007F:9C40 0301437F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 5
   5: 0000000000000000FFFF00000301437F:1F90 0000000000000000FFFF00000100007F:9C43 01 0:0 00:0 0  1000        0 6
`

test('counted are connections this side still holds, not listeners, other ends or ones that are over', () => {
  assert.equal(countIn(table, '127.67.1.3'), 3)
  assert.equal(countIn(table, '127.67.1.30'), 0)
  assert.equal(countIn('', '127.67.1.3'), 0)
})

test('a connection counts from its beginning to its end', { skip: process.platform !== 'linux' }, async () => {
  const server = createServer().listen(0, '127.67.250.3')
  await once(server, 'listening')
  assert.equal(await connectionsAt('127.67.250.3'), 0)
  const socket = connect((server.address() as AddressInfo).port, '127.67.250.3')
  await once(server, 'connection')
  assert.equal(await connectionsAt('127.67.250.3'), 1)
  socket.destroy()
  for (let look = 0; look < 100 && (await connectionsAt('127.67.250.3')) !== 0; look++) await new Promise(setImmediate)
  assert.equal(await connectionsAt('127.67.250.3'), 0)
  server.close()
})
