// Balancing by hash: what has the same hash goes to the same endpoint.
import { hashRing, type HashTable } from '../hash/hash-ring.ts'
import { maglevTable } from '../hash/maglev-table.ts'
import { weightedHosts } from '../hash/weighted-hosts.ts'
import type { Hash64 } from '../hash/xx-hash64.ts'
import type { Balancer } from '../model.ts'
import type { Choose } from './choose-endpoint.ts'
import type { PickContext } from './picker.ts'
import type { PriorityLevel } from './priority-levels.ts'

type HashBalancer = Extract<Balancer, { policy: 'ring-hash' | 'maglev' }>

/** Tables are made when they are first asked: endpoints may change many times before anybody does. */
export function byHash(balancer: HashBalancer): Choose {
  const tables = new Map<PriorityLevel, HashTable>()
  return (level, context, _turn, attempt) => {
    let table = tables.get(level)
    if (table === undefined) tables.set(level, (table = tableOf(level, balancer)))
    return table.choose(context.hash ?? drawn(context), attempt)
  }
}

function tableOf(level: PriorityLevel, balancer: HashBalancer): HashTable {
  const hosts = weightedHosts(level, balancer.byHostname)
  return balancer.policy === 'maglev' ? maglevTable(hosts, balancer.tableSize) : hashRing(hosts, balancer)
}

function drawn(context: PickContext): Hash64 {
  const half = (): number => Math.floor(context.random() * 0x1_0000_0000)
  return { hi: half(), lo: half() }
}
