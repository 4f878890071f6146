/** RFC 9112 2.2: empty lines before a request are ignored; only whole ones, however they were cut. */
export class EmptyLines {
  #sawCr = false

  /** Where the request begins, `end` when it has not; -1: a CR without its LF. */
  skip(bytes: Buffer, start: number, end: number): number {
    let at = start
    while (at < end) {
      const byte = bytes[at]
      if (this.#sawCr) {
        this.#sawCr = false
        if (byte !== 10) return -1
      } else if (byte === 13) this.#sawCr = true
      else break
      at++
    }
    return at
  }
}
