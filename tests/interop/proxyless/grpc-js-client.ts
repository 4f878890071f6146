// @grpc/grpc-js-xds as a client: it reads its bootstrap once per process, so a process is one workload.
import { type ChannelCredentials, Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { register, XdsChannelCredentials } from '@grpc/grpc-js-xds'
import { serverOf } from './echo-server.ts'

/** How a call ended: who answered, or which status. */
export interface Outcome {
  readonly server: string | undefined
  readonly code: string
  readonly details: string
}

/** A channel to a target. */
export interface GrpcJsClient {
  call(headers?: Readonly<Record<string, string>>, timeoutMs?: number): Promise<Outcome>
  /** Some calls, one after the other. */
  calls(count: number): Promise<Outcome[]>
  close(): void
}

const asIs = (bytes: Buffer): Buffer => bytes

/** Opens a channel; `secure`: it takes its security from the control plane, else it speaks plaintext. */
export function grpcJsClient(target: string, bootstrap: string, secure = false): GrpcJsClient {
  process.env['GRPC_XDS_BOOTSTRAP'] = bootstrap
  register()
  const plain: ChannelCredentials = credentials.createInsecure()
  const client = new Client(target, secure ? new XdsChannelCredentials(plain) : plain)
  const call: GrpcJsClient['call'] = (headers = {}, timeoutMs = 15_000) => {
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    const options = { deadline: Date.now() + timeoutMs }
    return new Promise((resolve) => {
      const path = '/grpc.testing.TestService/UnaryCall'
      client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), metadata, options, (error, response) => {
        const code = status[error?.code ?? status.OK] ?? 'UNKNOWN'
        resolve({
          server: response === undefined ? undefined : serverOf(response),
          code,
          details: error?.details ?? '',
        })
      })
    })
  }
  return {
    call,
    async calls(count) {
      const outcomes: Outcome[] = []
      while (outcomes.length < count) outcomes.push(await call())
      return outcomes
    },
    close: () => client.close(),
  }
}
