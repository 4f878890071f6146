import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigStore } from '@weft/control/store'
import { SimWorld } from '@weft/testkit'
import { readingOf } from './mesh-source.ts'
import { readingTeller } from './reading-teller.ts'

const service = (app: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { selector: { app: ${app} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }\n`
const workload = `apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: web, namespace: shop, labels: { app: web } }\nspec: { command: [node], ports: [{ name: http, port: 8080 }] }\n`
const routes = (host: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: web, namespace: shop }\nspec: { hosts: [web], http: [{ name: all, route: [{ destination: { host: ${host} } }] }] }\n`

/** A terminal, and files that it is told of. */
class Terminal {
  #said: string[] = []
  readonly #world = new SimWorld(1)
  readonly #store = new ConfigStore(this.#world.runtimeOf('control'), '/m/.weft/state/objects.json')
  readonly #tell = readingTeller(
    { line() {}, weft() {}, say: (text) => this.#said.push(text), problem: (text) => this.#said.push(text) },
    'weft analyze DIR',
  )

  /** What is printed after the files became these. */
  async after(files: Readonly<Record<string, string>>, faults: readonly string[] = []): Promise<string> {
    this.#store.apply(Object.entries(files).map(([name, text]) => ({ name, text })))
    await this.#world.clock.advance(150)
    this.#said = []
    this.#tell(readingOf(this.#store.state), faults)
    return this.#said.join('\n')
  }
}

const good = { 'a.yaml': service('web'), 'b.yaml': workload, 'c.yaml': routes('web') }

test('an edit is confirmed by the objects it changed, once', async () => {
  const terminal = new Terminal()
  assert.equal(await terminal.after(good), '', 'what a mesh starts with was not edited')
  const { 'c.yaml': _, ...fewer } = good
  assert.equal(await terminal.after(fewer), 'applied: VirtualService shop/web removed')
  assert.equal(await terminal.after(good), 'applied: VirtualService shop/web')
  assert.equal(await terminal.after({ ...good, 'c.yaml': `# the same\n${good['c.yaml']}` }), '')
})

test('a selector that selects nobody is told of, though nothing is refused', async () => {
  const terminal = new Terminal()
  await terminal.after(good)
  const told = await terminal.after({ ...good, 'a.yaml': service('wep') })
  assert.match(
    told,
    /^applied: Service shop\/web\nwarnings\n {2}a\.yaml:4:\d+: warning: Service shop\/web: spec\.selector: no workload .*app=wep/,
  )
  const more = await terminal.after({ ...good, 'a.yaml': service('wep'), 'c.yaml': routes('wep') })
  assert.doesNotMatch(more, /app=wep/, 'once is enough')
  assert.match(more, /applied, but it names what is not there\n {2}c\.yaml:4:.*wep/)
  assert.equal(
    await terminal.after(good),
    'applied: Service shop/web, VirtualService shop/web\nthe configuration is good again',
  )
})

test('what is refused is told with what stays in force', async () => {
  const terminal = new Terminal()
  await terminal.after(good)
  const told = await terminal.after({ ...good, 'c.yaml': good['c.yaml'].replace('hosts', 'host') })
  assert.match(told, /^refused; the last good configuration goes on serving\n {2}c\.yaml:4:.*Did you mean `hosts`\?/)
  assert.equal(await terminal.after(good), 'the configuration is good again')
})

test('what cannot run is told of while it cannot', async () => {
  const terminal = new Terminal()
  await terminal.after(good)
  assert.equal(await terminal.after(good, ['no program nodee']), 'applied, but it cannot run\n  no program nodee')
  assert.equal(await terminal.after(good, ['no program nodee']), '')
  assert.equal(await terminal.after(good), 'the configuration is good again')
})

test('more warnings than a screen holds are a matter for weft analyze', async () => {
  const terminal = new Terminal()
  const many = Array.from({ length: 14 }, (_, at) => service('nobody').replace('name: web', `name: web-${at}`)).join(
    '---\n',
  )
  const lines = (await terminal.after({ ...good, 'd.yaml': many })).split('\n')
  assert.equal(lines.length, 12)
  assert.equal(lines.at(-1), '  and 4 more; see weft analyze DIR')
})
