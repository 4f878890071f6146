import type { Buffer } from 'node:buffer'

/** A flag and four bytes of length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const prefixBytes = 5

/** Counts the messages of one direction of a gRPC call, wherever its bytes are cut; what is in them it passes over. */
export class GrpcMessageCounter {
  /** Messages that have begun, as Envoy counts them. */
  count = 0
  /** Bytes of the present message's prefix that were seen. */
  #prefix = 0
  #length = 0
  /** Bytes of the present message that are still to come. */
  #left = 0

  /** The next bytes of the body. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = start
    while (at < end) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, end - at)
        this.#left -= passed
        at += passed
        continue
      }
      if (this.#prefix === 0) {
        this.count++
        this.#length = 0
      } else this.#length = this.#length * 256 + (bytes[at] as number)
      at++
      if (++this.#prefix < prefixBytes) continue
      this.#prefix = 0
      this.#left = this.#length
    }
  }
}
