// What protects the index of dependants: a translator that followed any history of changes gives what one built from nothing
// gives, byte for byte, to each proxy; and a stream that was told the changes only holds the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkloadInstance } from '@weft/resources'
import {
  newServerState,
  onDeltaRequest,
  onTable,
  pushOrder,
  type ResourceTable,
  type ServerEffect,
  type ServerState,
  typeUrl,
} from '@weft/xds'
import { newDeltaDiscoveryRequest } from '@weft/xds/lean'
import fc from 'fast-check'
import { buildSnapshot, type MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import type { UnenforceablePolicy } from '../store/store-state.ts'
import type { ProxyRef } from './generator.ts'
import { instance, kindOfProxy, objectOf, placed, type Placed, unenforceable } from './test-random-mesh.ts'
import { findingsOf, Translator } from './translator.ts'

type Step =
  | { readonly kind: 'put'; readonly placed: Placed }
  | { readonly kind: 'delete'; readonly index: number }
  | { readonly kind: 'instance'; readonly value: WorkloadInstance }
  | { readonly kind: 'leave'; readonly index: number }
  | { readonly kind: 'proxy'; readonly index: number; readonly is: Pick<ProxyRef, 'flavor' | 'interception'> }
  | { readonly kind: 'unenforceable'; readonly list: readonly UnenforceablePolicy[] }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('put' as const), placed }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), index: fc.nat(50) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('instance' as const), value: instance }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), index: fc.nat(10) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('proxy' as const), index: fc.nat(10), is: kindOfProxy }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('unenforceable' as const),
      list: fc.uniqueArray(unenforceable, { maxLength: 2, selector: ({ id }) => id.namespace }),
    }),
  },
)

class World {
  readonly texts = new Map<string, string>()
  readonly instances = new Map<string, WorkloadInstance>()
  readonly kinds = new Map<string, Pick<ProxyRef, 'flavor' | 'interception'>>()
  readonly streams = new Map<string, StreamOfEverything>()
  readonly translator = new Translator()
  broken: readonly UnenforceablePolicy[] = []
  mesh: MeshSnapshot | undefined

  run(next: Step): void {
    if (next.kind === 'put') {
      if (objectOf(next.placed.text) !== undefined) this.texts.set(next.placed.place, next.placed.text)
    } else if (next.kind === 'delete') {
      const key = [...this.texts.keys()][next.index % Math.max(1, this.texts.size)]
      if (key !== undefined) this.texts.delete(key)
    } else if (next.kind === 'instance') this.instances.set(`${next.value.name}.${next.value.namespace}`, next.value)
    else if (next.kind === 'unenforceable') this.broken = next.list
    else {
      const id = [...this.instances.keys()][next.index % Math.max(1, this.instances.size)]
      if (id === undefined) return
      if (next.kind === 'proxy') this.kinds.set(id, next.is)
      else this.instances.delete(id)
    }
  }

  snapshot(previous: MeshSnapshot | undefined, turned: boolean): MeshSnapshot {
    const objects = [...this.texts.values()].flatMap((text) => objectOf(text) ?? [])
    // A registry that is read again gives new objects of the same content.
    const instances = structuredClone([...this.instances.values()])
    if (turned) [objects, instances].map((list) => list.reverse())
    return buildSnapshot({ objects, instances, unenforceable: this.broken, settings: defaultMeshSettings }, previous)
  }

  proxies(mesh: MeshSnapshot): ProxyRef[] {
    return mesh.running.instances
      .filter(({ value }) => value.proxy !== 'none')
      .map(({ value }) => {
        const id = `${value.name}.${value.namespace}`
        return { id, instance: value, ...(this.kinds.get(id) ?? { flavor: 'weft', interception: 'explicit' }) }
      })
  }

  check(): void {
    this.mesh = this.snapshot(this.mesh, false)
    const fresh = this.snapshot(undefined, true)
    assert.equal(this.mesh.version, fresh.version)
    const proxies = this.proxies(this.mesh)
    const ids = new Set(proxies.map(({ id }) => id))
    for (const id of [...this.streams.keys()]) {
      if (ids.has(id)) continue
      this.translator.forget(id)
      this.streams.delete(id)
    }
    const fromNothing = new Translator()
    const others = this.proxies(fresh)
    for (const [index, proxy] of proxies.entries()) {
      const followed = this.translator.translate(this.mesh, proxy)
      const built = fromNothing.translate(fresh, others[index] as ProxyRef)
      assert.deepEqual(content(followed.table), content(built.table), proxy.id)
      assert.deepEqual(findingsOf([followed]), findingsOf([built]))
      const stream = this.streams.get(proxy.id) ?? new StreamOfEverything()
      this.streams.set(proxy.id, stream)
      stream.show(followed.table)
      assert.deepEqual(stream.content(), content(built.table), `stream of ${proxy.id}`)
    }
  }
}

/** A client that takes all there is and acknowledges it. */
class StreamOfEverything {
  readonly state: ServerState = newServerState('delta')
  readonly held = new Map(pushOrder.map((type) => [type, new Map<string, string>()]))

  constructor() {
    for (const type of pushOrder) {
      this.take(onDeltaRequest(this.state, newDeltaDiscoveryRequest({ typeUrl: type, resourceNamesSubscribe: ['*'] })))
    }
  }

  show(table: ResourceTable): void {
    this.take(onTable(this.state, table))
  }

  content(): Content {
    return pushOrder.map((type) => [
      type,
      [...(this.held.get(type) ?? [])].sort(byName),
      this.state.types.get(type)?.acceptedVersion,
    ])
  }

  take(effects: readonly ServerEffect[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'send') continue
      const held = this.held.get(effect.typeUrl)
      for (const resource of effect.resources) held?.set(resource.name, bytesOf(resource))
      for (const name of effect.removed) held?.delete(name)
      const ack = newDeltaDiscoveryRequest({ typeUrl: effect.typeUrl, responseNonce: effect.nonce })
      this.take(onDeltaRequest(this.state, ack))
    }
  }
}

type Content = (readonly [type: string, resources: readonly [string, string][], version: string | undefined])[]

function content(table: ResourceTable): Content {
  return pushOrder.map((type) => [
    type,
    [...table.get(type)].map(([name, resource]): [string, string] => [name, bytesOf(resource)]).sort(byName),
    table.versionOf(type),
  ])
}

function bytesOf({ version, body }: { readonly version: string; readonly body: Uint8Array }): string {
  return `${version} ${Buffer.from(body).toString('base64')}`
}

function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1
}

test('after any changes, each proxy and each stream has what a translation from nothing gives', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 4, maxLength: 25, size: 'max' }),
      (rounds) => {
        const world = new World()
        for (const round of rounds) {
          for (const next of round) world.run(next)
          world.check()
        }
      },
    ),
    { numRuns: Number(process.env['WEFT_RUNS'] ?? 60), seed: Number(process.env['WEFT_SEED'] ?? 7) },
  )
})

test('the random meshes are rich: every kind is valid, and routes, rules, policies and endpoints come of them', () => {
  const kinds = new Set<string>()
  const sizes = new Map<string, number>()
  for (const steps of fc.sample(fc.array(step, { minLength: 40, maxLength: 60, size: 'max' }), {
    numRuns: 20,
    seed: 1,
  })) {
    const world = new World()
    for (const next of steps) world.run(next)
    const mesh = world.snapshot(undefined, false)
    for (const [kind, list] of Object.entries(mesh.config.objects)) if (list.length > 0) kinds.add(kind)
    const translator = new Translator()
    for (const proxy of world.proxies(mesh)) {
      const { table } = translator.translate(mesh, proxy)
      for (const type of pushOrder) sizes.set(type, Math.max(sizes.get(type) ?? 0, table.get(type).size))
    }
  }
  assert.equal(kinds.size, 9, [...kinds].join(' '))
  assert.ok(
    (sizes.get(typeUrl.cluster) ?? 0) > 10 && (sizes.get(typeUrl.listener) ?? 0) > 4,
    JSON.stringify([...sizes]),
  )
})
