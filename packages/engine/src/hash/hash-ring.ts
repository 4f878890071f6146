// A ketama ring, built and asked as Envoy's RING_HASH does it.
import type { Balancer, Endpoint } from '../model.ts'
import type { WeightedHost } from './weighted-hosts.ts'
import { type Hash64, xxHash64 } from './xx-hash64.ts'

/** Chooses by a hash; `attempt` counts how often the same exchange asks. */
export interface HashTable {
  choose(hash: Hash64, attempt: number): Endpoint
}

type RingSettings = Extract<Balancer, { policy: 'ring-hash' }>

/** Points of the ring in order; `hosts` by place. */
interface Points {
  readonly hi: Uint32Array
  readonly lo: Uint32Array
  readonly hosts: Uint32Array
}

/** A ring of at least one endpoint. */
export function hashRing(hosts: readonly WeightedHost[], { minimumSize, maximumSize }: RingSettings): HashTable {
  const points = inOrder(pointsOf(hosts, scaleOf(hosts, minimumSize, maximumSize)))
  const size = points.hosts.length
  return {
    choose(hash, attempt) {
      const place = (firstNotBelow(points, hash) + attempt) % size
      return (hosts[points.hosts[place] as number] as WeightedHost).endpoint
    },
  }
}

/** How many points a share of 1 has, so that the least share has a whole number of them. */
function scaleOf(hosts: readonly WeightedHost[], minimumSize: number, maximumSize: number): number {
  const least = Math.min(...hosts.map(({ weight }) => weight))
  return Math.min(Math.ceil(least * minimumSize) / least, maximumSize)
}

function pointsOf(hosts: readonly WeightedHost[], scale: number): Points {
  // Rounding may ask for a point more than the sum says.
  const room = Math.ceil(scale) + hosts.length
  const points = { hi: new Uint32Array(room), lo: new Uint32Array(room), hosts: new Uint32Array(room) }
  let count = 0
  let target = 0
  for (const [index, { key, weight }] of hosts.entries()) {
    target += scale * weight
    for (let each = 0; count < target && count < room; each++, count++) {
      const { hi, lo } = xxHash64(`${key}_${each}`)
      points.hi[count] = hi
      points.lo[count] = lo
      points.hosts[count] = index
    }
  }
  const { hi, lo } = points
  return { hi: hi.subarray(0, count), lo: lo.subarray(0, count), hosts: points.hosts.subarray(0, count) }
}

/** Sorted by radix: a ring may have millions of points. */
function inOrder({ hi, lo, hosts }: Points): Points {
  let order = Uint32Array.from(hosts.keys())
  for (const [digits, shift] of [[lo, 0] as const, [lo, 16] as const, [hi, 0] as const, [hi, 16] as const])
    order = sortedBy(order, digits, shift)
  return {
    hi: Uint32Array.from(order, (at) => hi[at] as number),
    lo: Uint32Array.from(order, (at) => lo[at] as number),
    hosts: Uint32Array.from(order, (at) => hosts[at] as number),
  }
}

function sortedBy(order: Uint32Array, digits: Uint32Array, shift: number): Uint32Array<ArrayBuffer> {
  const begins = new Uint32Array(0x1_0001)
  const digitOf = (at: number): number => ((digits[at] as number) >>> shift) & 0xffff
  for (const at of order) begins[digitOf(at) + 1] = (begins[digitOf(at) + 1] as number) + 1
  for (let digit = 0; digit < 0x1_0000; digit++)
    begins[digit + 1] = (begins[digit + 1] as number) + (begins[digit] as number)
  const sorted = new Uint32Array(order.length)
  for (const at of order) {
    const digit = digitOf(at)
    const place = begins[digit] as number
    begins[digit] = place + 1
    sorted[place] = at
  }
  return sorted
}

/** The first point at or behind the hash; behind the last comes the first. */
function firstNotBelow({ hi, lo }: Points, hash: Hash64): number {
  let low = 0
  let high = hi.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const top = hi[middle] as number
    if (top < hash.hi || (top === hash.hi && (lo[middle] as number) < hash.lo)) low = middle + 1
    else high = middle
  }
  return low === hi.length ? 0 : low
}
