// The frames of WebSocket (RFC 6455, section 5), as far as a server that only tells needs them: it writes text, and of what it is told
// it minds pings and the end.

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const lengthMax = 4096

/** What a client's frame means to us; `message` is anything it said, of which nothing is kept. */
export type ClientFrame =
  | { readonly kind: 'message' | 'pong' | 'close' }
  | { readonly kind: 'ping'; readonly payload: Buffer }
  /** Not of the protocol, or too long: the connection ends with this code. */
  | { readonly kind: 'fault'; readonly code: 1002 | 1009 }

/** A reader of one connection: give it bytes as they come, it gives the frames that are complete. After a fault it reads no more. */
export function frameReader(): (bytes: Buffer) => ClientFrame[] {
  let pending: Buffer = Buffer.alloc(0)
  let broken = false
  return (bytes) => {
    const frames: ClientFrame[] = []
    pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes])
    while (!broken) {
      const found = readFrame(pending)
      if (found === undefined) return frames
      frames.push(found.frame)
      broken = found.frame.kind === 'fault'
      pending = pending.subarray(found.length)
    }
    pending = Buffer.alloc(0)
    return frames
  }
}

function readFrame(bytes: Buffer): { frame: ClientFrame; length: number } | undefined {
  if (bytes.length < 2) return undefined
  const first = bytes[0] ?? 0
  const second = bytes[1] ?? 0
  const opcode = first & 0x0f
  const isControl = opcode >= opcodes.close
  const short = second & 0x7f
  const known = (Object.values(opcodes) as number[]).includes(opcode)
  // Reserved bits belong to extensions, of which there are none; clients mask; control frames are short and whole.
  if ((first & 0x70) !== 0 || !known || (second & 0x80) === 0) return fault(1002)
  if (isControl && (short > 125 || (first & 0x80) === 0)) return fault(1002)
  if (short === 127) return fault(1009)
  const headLength = short === 126 ? 4 : 2
  if (bytes.length < headLength) return undefined
  const length = short === 126 ? bytes.readUInt16BE(2) : short
  if (length > lengthMax) return fault(1009)
  const end = headLength + 4 + length
  if (bytes.length < end) return undefined
  if (opcode === opcodes.close) return { frame: { kind: 'close' }, length: end }
  if (opcode === opcodes.pong) return { frame: { kind: 'pong' }, length: end }
  if (opcode !== opcodes.ping) return { frame: { kind: 'message' }, length: end }
  const mask = bytes.subarray(headLength, headLength + 4)
  const payload = Buffer.from(bytes.subarray(headLength + 4, end))
  for (let index = 0; index < payload.length; index++) payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0)
  return { frame: { kind: 'ping', payload }, length: end }
}

function fault(code: 1002 | 1009): { frame: ClientFrame; length: number } {
  return { frame: { kind: 'fault', code }, length: 0 }
}

/** A whole frame of the server, unmasked. */
export function serverFrame(kind: 'text' | 'ping' | 'pong' | 'close', payload: Buffer): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : 4)
  head[0] = 0x80 | opcodes[kind]
  if (payload.length < 126) head[1] = payload.length
  else {
    if (payload.length > 0xffff) throw new RangeError(`${payload.length} bytes are too much for one frame`)
    head[1] = 126
    head.writeUInt16BE(payload.length, 2)
  }
  return Buffer.concat([head, payload])
}
