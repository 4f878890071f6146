// grpc.testing.TestService as far as these tests need it: every answer names the server, so that callers can tell whom they got.
import { passThroughService } from '@weft/xds'
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js'
import { textField } from '../../../packages/control/src/generators/encode.ts'

/** What a call met, and what it is answered. */
export type Answer = 'name' | 'unavailable' | 'nothing'

/** One server; how it answers may change while it runs. */
export interface EchoServer {
  readonly name: string
  /** Calls so far. */
  readonly calls: number
  answer: Answer
  stop(): void
}

/** The methods, with messages as bytes. */
export const testService: ServiceDefinition = passThroughService(
  'grpc.testing.TestService',
  ['EmptyCall', 'UnaryCall'],
  { unary: true },
)

/** `SimpleResponse` with `server_id` and `hostname`. */
function simpleResponse(name: string): Buffer {
  return Buffer.concat([textField(34, name), textField(50, name)])
}

/** The server a `SimpleResponse` names. */
export function serverOf(response: Buffer): string {
  return response.subarray(2, 2 + (response[1] ?? 0)).toString()
}

/** Adds the methods to a server. */
export function echoOn(server: Server, name: string): EchoServer {
  const echo = { name, calls: 0, answer: 'name' as Answer, stop: () => server.forceShutdown() }
  const reply = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => {
    echo.calls++
    if (echo.answer === 'nothing') return
    if (echo.answer === 'unavailable') done({ code: status.UNAVAILABLE, details: `${name} will not` })
    else done(null, call.getPath().endsWith('/EmptyCall') ? Buffer.alloc(0) : simpleResponse(name))
  }
  server.addService(testService, { EmptyCall: reply, UnaryCall: reply })
  return echo
}

/** Listens without TLS. */
export function startEcho(name: string, host: string, port: number): Promise<EchoServer> {
  const server = new Server()
  const echo = echoOn(server, name)
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve(echo)
      else reject(error)
    })
  })
}
