// The lookup table of "Maglev: A Fast and Reliable Software Network Load Balancer" (section 3.4), filled as Envoy fills it.
import type { HashTable } from './hash-ring.ts'
import type { WeightedHost } from './weighted-hosts.ts'
import { type Hash64, remainder, xxHash64 } from './xx-hash64.ts'

const second: Hash64 = { hi: 0, lo: 1 }
const none = 0xffff_ffff

interface Entry {
  readonly host: number
  readonly skip: number
  readonly weight: number
  place: number
  target: number
}

/** A table of `size` places, a prime number, for at least one endpoint. */
export function maglevTable(given: readonly WeightedHost[], size: number): HashTable {
  const hosts = [...given].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const places = filled(hosts, size)
  return {
    choose(hash, attempt) {
      const place = remainder(attempt === 0 ? hash : elsewhere(hash, attempt), size)
      return (hosts[places[place] as number] as WeightedHost).endpoint
    },
  }
}

/** Another place for each further attempt: the bits that an attempt's number does not have are turned over. */
function elsewhere({ hi, lo }: Hash64, attempt: number): Hash64 {
  return { hi: ~hi >>> 0, lo: (lo ^ (0x1_0000_0000 - attempt)) >>> 0 }
}

function filled(hosts: readonly WeightedHost[], size: number): Uint32Array {
  const places = new Uint32Array(size).fill(none)
  const most = Math.max(...hosts.map(({ weight }) => weight))
  const entries = hosts.map(({ key, weight }, host): Entry => {
    const skip = remainder(xxHash64(key, second), size - 1) + 1
    return { host, skip, weight, place: remainder(xxHash64(key), size), target: 0 }
  })
  let left = size
  for (let turn = 1; left > 0; turn++) {
    for (const entry of entries) {
      if (left === 0) break
      if (turn * entry.weight < entry.target) continue
      entry.target += most
      while (places[entry.place] !== none) entry.place = (entry.place + entry.skip) % size
      places[entry.place] = entry.host
      left--
    }
  }
  return places
}
