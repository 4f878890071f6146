import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  newDeltaDiscoveryRequest,
  newDiscoveryRequest,
  newRpcStatus,
  readDeltaDiscoveryRequest,
  readDeltaDiscoveryResponse,
  readDiscoveryRequest,
  readDiscoveryResponse,
  writeDeltaDiscoveryRequest,
  writeDiscoveryRequest,
} from '@weft/xds/lean'
import fc from 'fast-check'
import { type ClientEffect, type ClientState, newClientState } from './client/client-state.ts'
import { onClosed, onDeltaResponse, onOpen, onProcessed, onSotwResponse, onWant } from './client/client-stream.ts'
import { type EncodedResource, resourceTable, type ResourceTable } from './resource-table.ts'
import { layeredTable } from './layered-table.ts'
import { ResourceSet } from './resource-set.ts'
import { encodeDeltaResponse, encodeSotwResponse } from './server/envelope.ts'
import { onDeltaRequest, onSotwRequest, onTable } from './server/server-stream.ts'
import { badRequestDetail } from './server/settle.ts'
import { newServerState, type ServerEffect, type ServerState } from './server/stream-state.ts'
import { typeUrl } from './type-urls.ts'

// A server and a client reducer joined by two queues of real bytes. fast-check moves the table, the subscriptions, the
// queues and the connection in any order; afterwards everything is let run out, and both sides must agree.

const types: readonly string[] = [
  typeUrl.cluster,
  typeUrl.clusterLoadAssignment,
  typeUrl.listener,
  typeUrl.routeConfiguration,
]
const names = ['a', 'b', 'c', 'd']

type Step =
  | { readonly kind: 'table'; readonly type: number; readonly name: number; readonly version: number }
  | { readonly kind: 'want'; readonly type: number; readonly names: readonly number[] }
  | { readonly kind: 'up' | 'down' | 'reconnect' }
  | { readonly kind: 'process'; readonly index: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('table' as const),
      type: fc.nat(3),
      name: fc.nat(3),
      // 0 removes; versions divisible by four are refused by the client.
      version: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('want' as const),
      type: fc.constantFrom(1, 3),
      names: fc.uniqueArray(fc.nat(3)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('up' as const, 'down' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconnect' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('process' as const), index: fc.nat(3) }) },
)

/** How a client refuses: by details, as Envoy does in text, or without naming anything. */
type Naming = 'details' | 'text' | 'nothing'

class World {
  readonly content = new Map(types.map((type) => [type, new Map<string, EncodedResource>()]))
  readonly held = new Map(types.map((type) => [type, new Map<string, string>()]))
  readonly wanted = new Map<string, readonly string[]>(types.map((type) => [type, []]))
  readonly client: ClientState
  readonly kind: 'delta' | 'sotw'
  readonly naming: Naming
  readonly shape: 'plain' | 'layered'
  readonly layers = [new Map<string, ResourceSet>(), new Map<string, ResourceSet>()]
  lastTable: ResourceTable | undefined
  server: ServerState
  toServer: Uint8Array[] = []
  toClient: Uint8Array[] = []
  processing: Extract<ClientEffect, { kind: 'deliver' }>[] = []
  inFlight = new Map<string, number>()

  constructor(kind: 'delta' | 'sotw', naming: Naming, shape: 'plain' | 'layered') {
    this.shape = shape
    this.kind = kind
    this.naming = naming
    this.client = newClientState(kind)
    this.server = newServerState(kind)
    this.want(typeUrl.cluster, ['*'])
    this.want(typeUrl.listener, ['*'])
    this.connect()
  }

  table(): ResourceTable {
    if (this.shape === 'layered') {
      // Sets that grow out of one another, of which the reducer learns what changed instead of comparing.
      for (const [index, layer] of this.layers.entries()) {
        for (const [type, map] of this.content) {
          const mine = names.filter((_name, at) => at % this.layers.length === index)
          layer.set(type, (layer.get(type) ?? ResourceSet.empty()).with(mine.map((name) => [name, map.get(name)])))
        }
      }
      this.lastTable = layeredTable(
        this.layers.map((layer) => new Map(layer)),
        this.lastTable,
      )
      return this.lastTable
    }
    const copy = new Map([...this.content].map(([type, map]) => [type, new Map(map)]))
    return resourceTable(copy, (text) => text)
  }

  connect(): void {
    onClosed(this.client)
    this.toServer = []
    this.toClient = []
    this.inFlight.clear()
    this.server = newServerState(this.kind)
    this.fromServer(onTable(this.server, this.table()))
    this.fromClient(onOpen(this.client))
  }

  want(type: string, list: readonly string[]): void {
    this.wanted.set(type, list)
    const held = this.held.get(type) ?? new Map<string, string>()
    for (const name of held.keys()) if (!list.includes(name) && !list.includes('*')) held.delete(name)
    this.fromClient(onWant(this.client, type, list))
  }

  fromServer(effects: readonly ServerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'send') continue
      const inFlight = (this.inFlight.get(effect.typeUrl) ?? 0) + 1
      assert.equal(inFlight, 1, 'more than one response of a type in flight')
      this.inFlight.set(effect.typeUrl, inFlight)
      this.toClient.push(this.kind === 'delta' ? encodeDeltaResponse(effect) : encodeSotwResponse(effect))
    }
  }

  fromClient(effects: readonly ClientEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'deliver') this.processing.push(effect)
      else this.toServer.push(this.encode(effect))
    }
  }

  encode(effect: Extract<ClientEffect, { kind: 'request' }>): Uint8Array {
    const { errors, typeUrl: type, nonce: responseNonce } = effect
    const message = this.naming === 'text' ? errors.map((e) => `${e.name}: ${e.reason}`).join(', ') : 'refused'
    const details = this.naming === 'details' ? [badRequestDetail(errors)] : []
    const errorDetail = errors.length === 0 ? undefined : newRpcStatus({ code: 3, message, details })
    if (this.kind === 'sotw') {
      const { version: versionInfo, subscribe: resourceNames } = effect
      return writeDiscoveryRequest(
        newDiscoveryRequest({ typeUrl: type, versionInfo, resourceNames, responseNonce, errorDetail }),
      )
    }
    return writeDeltaDiscoveryRequest(
      newDeltaDiscoveryRequest({
        typeUrl: type,
        resourceNamesSubscribe: effect.subscribe,
        resourceNamesUnsubscribe: effect.unsubscribe,
        initialResourceVersions: effect.initialVersions,
        responseNonce,
        errorDetail,
      }),
    )
  }

  up(): void {
    const bytes = this.toServer.shift()
    if (bytes === undefined) return
    const type = this.kind === 'delta' ? readDeltaDiscoveryRequest(bytes, []) : readDiscoveryRequest(bytes, [])
    if (type.responseNonce !== '' && type.responseNonce === this.server.types.get(type.typeUrl)?.pending?.nonce) {
      this.inFlight.set(type.typeUrl, 0)
    }
    this.fromServer(
      this.kind === 'delta'
        ? onDeltaRequest(this.server, readDeltaDiscoveryRequest(bytes, []))
        : onSotwRequest(this.server, readDiscoveryRequest(bytes, [])),
    )
  }

  down(): void {
    const bytes = this.toClient.shift()
    if (bytes === undefined) return
    this.fromClient(
      this.kind === 'delta'
        ? onDeltaResponse(this.client, readDeltaDiscoveryResponse(bytes, []))
        : onSotwResponse(this.client, readDiscoveryResponse(bytes, []), (_type, value) => nameAndVersion(value)[0]),
    )
  }

  process(index: number): void {
    const [effect] = this.processing.splice(index % Math.max(1, this.processing.length), 1)
    if (effect === undefined) return
    const held = this.held.get(effect.typeUrl) ?? new Map<string, string>()
    const bad = effect.added.filter((resource) => isBad(resource.value))
    // A client that names nothing takes no resource, as one that cannot decode the response would.
    const nothing = this.naming === 'nothing' && bad.length > 0
    const rejected = (nothing ? effect.added : bad).map(({ name }) => ({ name, reason: 'bad' }))
    const refused = new Set(rejected.map((item) => item.name))
    const list = this.wanted.get(effect.typeUrl) ?? []
    for (const { name, value } of effect.added) {
      if (!refused.has(name) && (list.includes('*') || list.includes(name))) held.set(name, nameAndVersion(value)[1])
    }
    for (const name of effect.removed) held.delete(name)
    this.fromClient(onProcessed(this.client, { typeUrl: effect.typeUrl, stream: effect.stream, rejected }))
  }

  settle(): void {
    for (let round = 0; this.toServer.length + this.toClient.length + this.processing.length > 0; round++) {
      assert.ok(round < 5000, 'the streams never come to rest')
      this.up()
      this.down()
      this.process(0)
    }
  }

  check(): void {
    for (const type of types) {
      const list = this.wanted.get(type) ?? []
      const content = this.content.get(type) ?? new Map<string, EncodedResource>()
      const held = this.held.get(type) ?? new Map<string, string>()
      for (const name of names) {
        if (!list.includes('*') && !list.includes(name)) continue
        const resource = content.get(name)
        const has = held.get(name)
        // A State-of-the-World server cannot remove routes and endpoints: whoever referred to them forgets them.
        const cannotRemove = this.kind === 'sotw' && !list.includes('*')
        if (resource === undefined) assert.ok(has === undefined || cannotRemove, `${type} ${name} was not removed`)
        else if (isBad(resource.body)) assert.notEqual(has, resource.version, `${type} ${name} is a refused version`)
        else assert.equal(has, resource.version, `${type} ${name}`)
      }
    }
  }

  run(next: Step): void {
    if (next.kind === 'table') {
      const map = this.content.get(types[next.type] as string) as Map<string, EncodedResource>
      const name = names[next.name] as string
      const version = String(next.version)
      if (next.version === 0) map.delete(name)
      else map.set(name, { name, version, body: Buffer.from(`${name}@${version}`) })
      this.fromServer(onTable(this.server, this.table()))
    } else if (next.kind === 'want') {
      const type = types[next.type] as string
      const list = next.names.map((index) => names[index] as string)
      // A State-of-the-World client that drops a name and takes it back while a response is under way cannot tell the
      // server that it needs it again (the request that dropped it is stale); ours never drops any.
      const kept = this.kind === 'sotw' ? (this.wanted.get(type) ?? []) : []
      this.want(type, [...new Set([...kept, ...list])])
    } else if (next.kind === 'process') this.process(next.index)
    else if (next.kind === 'up') this.up()
    else if (next.kind === 'down') this.down()
    else this.connect()
  }
}

function nameAndVersion(value: Uint8Array): [string, string] {
  const [name, version] = Buffer.from(value).toString().split('@')
  return [name as string, version as string]
}

function isBad(value: Uint8Array): boolean {
  return Number(nameAndVersion(value)[1]) % 4 === 0
}

for (const kind of ['delta', 'sotw'] as const) {
  for (const naming of ['details', 'text', 'nothing'] as const) {
    test(`${kind}: both sides agree after any changes, reconnects and NACKs naming resources by ${naming}`, () => {
      const shape = fc.constantFrom('plain' as const, 'layered' as const)
      const check = fc.property(fc.array(step, { maxLength: 80, size: 'max' }), shape, (steps, tables) => {
        const world = new World(kind, naming, tables)
        for (const next of steps) world.run(next)
        world.settle()
        world.check()
      })
      fc.assert(check, { numRuns: 800, seed: 3 })
    })
  }
}
