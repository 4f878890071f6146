// A version for a set of resources that a change updates without a look at the others: the sum of its members' digests.
// Versions are already hashes of the content and names are ours, so nobody chooses collisions; 128 bits keep chance out.

/** Four 32-bit words. */
export type Digest = readonly [number, number, number, number]

/** Of an empty set. */
export const emptyDigest: Digest = [0, 0, 0, 0]

const primes: Digest = [0x01000193, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f]

/** Of one resource. */
export function resourceDigest(name: string, version: string): Digest {
  return textDigest(`${name}\0${version}`)
}

/** Of any text. */
export function textDigest(text: string): Digest {
  return [lane(text, 0), lane(text, 1), lane(text, 2), lane(text, 3)]
}

/** Of a set and one more member (or another set without members in common). */
export function addDigest(a: Digest, b: Digest): Digest {
  return [(a[0] + b[0]) | 0, (a[1] + b[1]) | 0, (a[2] + b[2]) | 0, (a[3] + b[3]) | 0]
}

/** Of a set without one of its members. */
export function subtractDigest(a: Digest, b: Digest): Digest {
  return [(a[0] - b[0]) | 0, (a[1] - b[1]) | 0, (a[2] - b[2]) | 0, (a[3] - b[3]) | 0]
}

/** 32 hexadecimal digits. */
export function digestText(digest: Digest): string {
  return digest.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

function lane(text: string, index: 0 | 1 | 2 | 3): number {
  const prime = primes[index] | 1
  let hash = primes[(index + 1) & 3] as number
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), prime)
    hash ^= hash >>> 13
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}
