import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '@weft/testkit'
import { ConfigStore } from './config-store.ts'

const service =
  'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { selector: { app: a }, ports: [{ name: http, port: 80, targetPort: 8080 }] }\n'
const gateway =
  'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: { name: door }\nspec:\n  selector: { app: gateway }\n' +
  '  servers: [{ port: { number: 8000, name: http, protocol: HTTP }, hosts: ["*"] }]\n'
const routes =
  'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: r }\nspec:\n  hosts: ["a.example"]\n' +
  '  gateways: [door]\n  http: [{ route: [{ destination: { host: a } }] }]\n'
const workload =
  'apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: gateway, labels: { app: gateway } }\nspec: { proxy: gateway }\n'
const application =
  'apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: a, labels: { app: a } }\n' +
  'spec: { command: [node], ports: [{ name: http, port: 8080 }] }\n'
const others = { 'a.yaml': `${service}---\n${application}`, 'routes.yaml': routes, 'workload.yaml': workload }

function store() {
  const world = new SimWorld(1)
  const made = new ConfigStore(world.runtimeOf('control'), '/m/state.json')
  const apply = (files: Readonly<Record<string, string>>) => {
    made.apply(Object.entries(files).map(([name, text]) => ({ name, text })))
    return told()
  }
  const told = () => ({
    problems: made.state.problems.map(({ code }) => code),
    relations: made.state.relations?.map(({ code, message }) => `${code}: ${message}`),
    serving: made.state.objects.some(({ id }) => id.kind === 'Gateway'),
  })
  return { world, apply, told }
}

for (const [name, spoil] of [
  ['whose kind is misspelt', (text: string) => text.replace('Gateway', 'Gatewy')],
  ['whose file does not parse', (text: string) => text.replace('[{ port', '[{ { port')],
] as const) {
  test(`an object ${name} serves on in its last good version, so nobody is told that it is missing`, () => {
    const { apply } = store()
    assert.deepEqual(apply({ ...others, 'door.yaml': gateway }).relations, [])
    const bad = apply({ ...others, 'door.yaml': spoil(gateway) })
    assert.equal(bad.serving, true)
    assert.equal(new Set(bad.problems).size, 1, 'only what is wrong with it')
    assert.deepEqual(bad.relations, [])
    const mended = apply({ ...others, 'door.yaml': gateway })
    assert.deepEqual(mended, { problems: [], relations: [], serving: true })
  })
}

test('a misspelt kind that never was right is told together with what misses it', () => {
  const { apply } = store()
  const told = apply({ ...others, 'door.yaml': gateway.replace('Gateway', 'Gatewy') })
  assert.deepEqual(told.problems, ['unknown-kind'])
  assert.match(told.relations?.join('\n') ?? '', /IST0101: there is no Gateway default\/door/)
})

test('an object that is deleted is missed at once by those that refer to it', async () => {
  const { apply, told, world } = store()
  apply({ ...others, 'door.yaml': gateway })
  apply(others)
  await world.clock.advance(1_000)
  assert.match(told().relations?.join('\n') ?? '', /there is no Gateway default\/door/)
})
