// One probe over the network: what it saw, or undefined when all is well. Nothing of an answer but its status is used.
import { lookup } from 'node:dns'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { Client, credentials } from '@grpc/grpc-js'
import type { Runtime } from '@weft/core'
import type { WorkloadProbe } from '@weft/resources'
import { textField } from '../generators/encode.ts'

/** Asks an entry once. */
export type ProbeOnce = (probe: WorkloadProbe, address: string) => Promise<string | undefined>

type Outside = Pick<Runtime, 'clock' | 'timers' | 'net'>

/** Over the network. */
export function probeOver(runtime: Outside): ProbeOnce {
  return (probe, address) => {
    const timeoutMs = probe.timeoutSeconds * 1000
    if (probe.httpGet !== undefined) return httpGet(runtime, probe.httpGet, address, timeoutMs)
    if (probe.tcpSocket !== undefined) {
      const { host, port } = probe.tcpSocket
      return tcpConnect(runtime, host ?? address, port, timeoutMs)
    }
    const { port = 0, service = '' } = probe.grpc ?? {}
    const target = `${address.includes(':') ? `[${address}]` : address}:${port}`
    return grpcHealth(target, service, runtime.clock.wallMs() + timeoutMs)
  }
}

type HttpGet = NonNullable<WorkloadProbe['httpGet']>

function httpGet(
  { timers }: Outside,
  { host, port, path = '/', scheme, httpHeaders = [] }: HttpGet,
  address: string,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const headers: Record<string, string[]> = {}
    for (const { name = '', value = '' } of httpHeaders) (headers[name] ??= []).push(value)
    // As Kubernetes does it: a probe asks whether somebody answers, and does not look whose certificate it is.
    const options = { host: host ?? address, port, path, headers, agent: false, rejectUnauthorized: false }
    const call = (scheme === 'HTTPS' ? requestTls : request)(options, (response) => {
      const { statusCode = 0 } = response
      response.on('error', () => {})
      call.destroy()
      resolve(statusCode >= 200 && statusCode < 400 ? undefined : `GET ${path} answered ${statusCode}`)
    })
    const deadline = timers.set(timeoutMs, () => {
      call.destroy()
      resolve(`GET ${path} did not answer in time`)
    })
    call.on('close', () => deadline.cancel())
    call.on('error', (error) => resolve(`GET ${path} failed: ${error.message}`))
    call.end()
  })
}

function tcpConnect(
  { timers, net }: Outside,
  host: string,
  port: number,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let giveUp = (): void => {}
    let over = false
    const end = (seen: string | undefined): void => {
      over = true
      deadline.cancel()
      giveUp()
      resolve(seen)
    }
    const deadline = timers.set(timeoutMs, () => end(`port ${port} did not accept in time`))
    lookup(host, (error, address) => {
      if (over) return
      if (error !== null) {
        end(`port ${port} failed: ${error.message}`)
        return
      }
      giveUp = net.connect(
        { host: address, port },
        (transport) => {
          transport.destroy()
          end(undefined)
        },
        (close) => end(`port ${port} failed: ${close.reason}`),
      )
    })
  })
}

/** `grpc.health.v1.Health/Check`: the request is the name of the service (field 1), the answer a status (field 1), where 1 is SERVING. */
function grpcHealth(target: string, service: string, deadline: number): Promise<string | undefined> {
  const asked = Buffer.from(service === '' ? [] : textField(10, service))
  const client = new Client(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      asked,
      { deadline },
      (error, answer) => {
        client.close()
        if (error !== null) resolve(`health check failed: ${error.message}`)
        else
          resolve(answer !== undefined && answer[0] === 8 && answer[1] === 1 ? undefined : 'health check: not serving')
      },
    )
  })
}
