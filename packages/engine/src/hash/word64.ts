// 64-bit arithmetic on two halves: BigInt would make an object of every step.

/** A changing unsigned number of 64 bits. */
export class Word64 {
  hi = 0
  lo = 0

  set(hi: number, lo: number): this {
    this.hi = hi
    this.lo = lo
    return this
  }

  add(hi: number, lo: number): this {
    const low = this.lo + lo
    this.hi = (this.hi + hi + (low > 0xffff_ffff ? 1 : 0)) >>> 0
    this.lo = low >>> 0
    return this
  }

  multiply(hi: number, lo: number): this {
    const a0 = this.lo & 0xffff
    const a1 = this.lo >>> 16
    const b0 = lo & 0xffff
    const b1 = lo >>> 16
    const low = a0 * b0
    const middle1 = a0 * b1
    const middle2 = a1 * b0
    const middle = (low >>> 16) + (middle1 & 0xffff) + (middle2 & 0xffff)
    const carried = a1 * b1 + (middle1 >>> 16) + (middle2 >>> 16) + (middle >>> 16)
    this.hi = (carried + Math.imul(this.hi, lo) + Math.imul(this.lo, hi)) >>> 0
    this.lo = ((middle << 16) | (low & 0xffff)) >>> 0
    return this
  }

  xor(hi: number, lo: number): this {
    this.hi = (this.hi ^ hi) >>> 0
    this.lo = (this.lo ^ lo) >>> 0
    return this
  }

  /** `bits` in 1..31. */
  rotateLeft(bits: number): this {
    const { hi, lo } = this
    this.hi = ((hi << bits) | (lo >>> (32 - bits))) >>> 0
    this.lo = ((lo << bits) | (hi >>> (32 - bits))) >>> 0
    return this
  }

  /** Exclusive or with itself moved right by `bits`. */
  foldRight(bits: number): this {
    const { hi, lo } = this
    if (bits >= 32) return this.xor(0, hi >>> (bits - 32))
    return this.xor(hi >>> bits, ((lo >>> bits) | (hi << (32 - bits))) >>> 0)
  }
}
