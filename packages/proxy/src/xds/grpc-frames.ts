// gRPC's length-prefixed messages (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): a flag byte, four bytes
// of length, the message. Compression is not offered, so a compressed message is an error.

/** Larger messages end the stream: a guard against a broken peer, far above any real configuration. */
const maxGrpcMessageBytes = 256 * 1024 * 1024

/** Puts one message into its frame. */
export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, 5)
  return frame
}

/** Cuts a byte stream into messages. */
export interface FrameReader {
  /** Hands every message the chunk completes to `onMessage`; returns what is wrong with the stream, if anything. */
  push(chunk: Buffer): string | undefined
}

/** A reader at the start of a stream. */
export function frameReader(onMessage: (message: Uint8Array) => void): FrameReader {
  const header = Buffer.alloc(5)
  let headerBytes = 0
  let body: Buffer | undefined
  let bodyBytes = 0
  return {
    push(chunk) {
      let at = 0
      while (at < chunk.length) {
        if (body === undefined) {
          const taken = chunk.copy(header, headerBytes, at, at + 5 - headerBytes)
          headerBytes += taken
          at += taken
          if (headerBytes < 5) return undefined
          if (header[0] !== 0) return 'compressed gRPC message, though no compression was offered'
          const size = header.readUInt32BE(1)
          if (size > maxGrpcMessageBytes) return `gRPC message of ${size} bytes`
          headerBytes = 0
          bodyBytes = 0
          body = Buffer.allocUnsafeSlow(size)
        }
        // Also when `at` has reached the end: an empty message is complete with its header.
        const taken = chunk.copy(body, bodyBytes, at)
        bodyBytes += taken
        at += taken
        if (bodyBytes === body.length) {
          const message = body
          body = undefined
          onMessage(message)
        }
      }
      return undefined
    },
  }
}
