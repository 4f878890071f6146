import type { MessageHead } from '../codec/message-head.ts'
import type { Exchange } from './exchange.ts'

/** As Envoy: a WebSocket's client has no use for the body of an answer of HTTP/1.1 that is neither a switch nor an error. */
export function ignoresWebSocket({ head: { upgrade } }: Exchange, { status, protocol }: MessageHead): boolean {
  return upgrade !== undefined && status < 400 && protocol !== 'HTTP/2' && upgrade.toLowerCase() === 'websocket'
}
