// inventory: printed copies. Taken over a line protocol on TCP (line-protocol.ts), watched over gRPC (stock.proto; port GRPC_PORT).
import { flushCompileCache } from 'node:module'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { bindAddress, numberFrom } from '../platform/environment.ts'
import { log } from '../platform/log.ts'
import { openDatabase } from '../platform/open-database.ts'
import { answerLine, lineBytesMax } from './line-protocol.ts'
import { makeStock, stockSchema } from './stock.ts'
import { startLevelServer } from './stock-levels.ts'

const idleTimeoutMs = 60_000
const closeTimeoutMs = 3_000
const database = openDatabase('inventory', stockSchema)
const open = new Set<Socket>()

function serve(socket: Socket): void {
  open.add(socket)
  socket.setNoDelay(true)
  socket.setEncoding('latin1')
  socket.setTimeout(idleTimeoutMs, () => socket.end())
  socket.on('error', () => socket.destroy())
  socket.on('close', () => open.delete(socket))
  let pending = ''
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n')
    pending = lines.pop() ?? ''
    if (pending.length > lineBytesMax) return void socket.end('ERR the line is too long\n')
    if (lines.length > 0) socket.write(lines.map((line) => `${reply(line)}\n`).join(''))
  })
}

function reply(line: string): string {
  try {
    return answerLine(stock, line)
  } catch (error) {
    log('inventory', `${line}: ${String(error)}`)
    return 'ERR internal error'
  }
}

const { host, port } = bindAddress(7000)
const stock = makeStock(database, (isbn) => levels.changed(isbn))
const levels = await startLevelServer(stock, host, numberFrom('GRPC_PORT', 9000))
const server = createServer(serve)
server.listen(port, host, () => {
  const bound = server.address() as AddressInfo
  log('inventory', `listening on tcp://${bound.address}:${bound.port} and grpc://${levels.address}`)
  flushCompileCache()
})

// Each line is answered in the same turn in which it arrives, so connections may be ended at once.
function end(): void {
  log('inventory', 'ending')
  setTimeout(() => process.exit(0), closeTimeoutMs).unref()
  const closed = [new Promise<void>((resolve) => server.close(() => resolve())), levels.close()]
  void Promise.all(closed).then(() => {
    database.close()
    process.exit(0)
  })
  for (const socket of open) socket.end()
}
process.once('SIGTERM', end)
process.once('SIGINT', end)
