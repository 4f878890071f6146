// The index answers what a search through all objects would.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostCovers, resolveGateway, resolveHost, selectsLabels, serviceFqdn, serviceSelects } from '@weft/resources'
import fc from 'fast-check'
import { instance, objectOf, placed, unenforceable } from '../generators/test-random-mesh.ts'
import { serviceNameLabel } from './elsewhere.ts'
import { MeshIndex } from './mesh-index.ts'
import { MeshQuery } from './mesh-query.ts'
import { buildSnapshot, type MeshSnapshot } from './mesh-snapshot.ts'
import { defaultMeshSettings } from './mesh-settings.ts'

const mesh: fc.Arbitrary<MeshSnapshot> = fc
  .record({
    objects: fc.uniqueArray(placed, { maxLength: 40, size: 'max', selector: ({ place }) => place }),
    instances: fc.uniqueArray(instance, { maxLength: 8, selector: ({ name, namespace }) => `${name}.${namespace}` }),
    broken: fc.uniqueArray(unenforceable, { maxLength: 2, selector: ({ id }) => id.namespace }),
  })
  .map(({ objects, instances, broken }) =>
    buildSnapshot({
      objects: objects.flatMap(({ text }) => objectOf(text) ?? []),
      instances,
      unenforceable: broken,
      settings: defaultMeshSettings,
    }),
  )

const root = defaultMeshSettings.rootNamespace
const keys = (refs: readonly { readonly key: string }[]): string[] => refs.map(({ key }) => key)

function checkServices(query: MeshQuery, { config, running }: MeshSnapshot): void {
  const { Service, Workload, DestinationRule, VirtualService, Pod, EndpointSlice } = config.objects
  assert.deepEqual(keys(query.services()), keys(Service))
  for (const service of Service) {
    const host = serviceFqdn(service.id)
    const behind = (namespace: string, labels: Readonly<Record<string, string>>): boolean =>
      namespace === service.id.namespace && serviceSelects(service.spec.selector, labels)
    assert.equal(query.service(host), service)
    assert.deepEqual(
      keys(query.ownWorkloadsBehind(service)),
      keys(Workload.filter(({ id, labels }) => behind(id.namespace, labels))),
    )
    const slices = EndpointSlice.filter(
      ({ id, labels }) => id.namespace === service.id.namespace && labels[serviceNameLabel] === service.id.name,
    )
    const alive = Pod.filter(
      ({ id, labels, spec: { status } }) =>
        behind(id.namespace, labels) && status.podIP !== undefined && status.phase === 'Running',
    )
    const told = slices.flatMap(({ key, spec }) => (spec.endpoints ?? []).map((_, index) => `${key}#000${index}`))
    assert.deepEqual(keys(query.elsewhereBehind(service)), slices.length > 0 ? told : keys(alive))
    assert.deepEqual(
      keys(query.instancesBehind(service)),
      [
        ...keys(query.elsewhereBehind(service)),
        ...keys(running.instances.filter(({ value }) => behind(value.namespace, value.labels))),
      ].sort(),
    )
    assert.deepEqual(
      keys(query.destinationRulesOf(service)),
      keys(DestinationRule.filter(({ id, spec }) => resolveHost(spec.host, id.namespace) === host)),
    )
    assert.deepEqual(
      keys(query.virtualServicesNaming(host)),
      keys(
        VirtualService.filter(({ id, spec }) =>
          spec.hosts.some((name) => hostCovers(resolveHost(name, id.namespace), host)),
        ),
      ),
    )
  }
}

function checkTargets(query: MeshQuery, { config, running }: MeshSnapshot): void {
  const { Service, PeerAuthentication, AuthorizationPolicy, Gateway } = config.objects
  for (const { value } of running.instances) {
    const here = (namespace: string): boolean => namespace === value.namespace || namespace === root
    const holds = (namespace: string, selector: Readonly<Record<string, string>> | undefined): boolean =>
      here(namespace) && selectsLabels(selector ?? {}, value.labels)
    assert.deepEqual(
      keys(query.servicesFor(value)),
      keys(
        Service.filter(
          ({ id, spec }) => id.namespace === value.namespace && serviceSelects(spec.selector, value.labels),
        ),
      ),
    )
    assert.deepEqual(
      keys(query.gatewaysFor(value.labels)),
      keys(Gateway.filter(({ spec }) => selectsLabels(spec.selector, value.labels))),
    )
    // Candidates: all that hold are among them, and they are in order.
    const sorted = (list: readonly string[]): void => assert.deepEqual(list, [...list].sort())
    const peers = keys(query.peerAuthentications([value]))
    const policies = keys(query.authorizationPolicies([value]))
    const broken = keys(query.unenforceable(value))
    for (const list of [peers, policies, broken]) sorted(list)
    for (const { key, id, spec } of PeerAuthentication) {
      if (holds(id.namespace, spec.selector?.matchLabels)) assert.ok(peers.includes(key))
    }
    for (const { key, id, spec } of AuthorizationPolicy) {
      if (holds(id.namespace, spec.selector?.matchLabels)) assert.ok(policies.includes(key))
    }
    for (const { key, value: policy } of config.unenforceable) {
      if (holds(policy.id.namespace, policy.selector)) assert.ok(broken.includes(key))
    }
  }
}

function checkRules(query: MeshQuery, { config }: MeshSnapshot): void {
  const { VirtualService, DestinationRule } = config.objects
  const matches = VirtualService.flatMap(({ spec }) => [...spec.http, ...spec.tcp]).flatMap((rule) => rule.match ?? [])
  assert.deepEqual(
    query.sourceLabelKeys(),
    [...new Set(matches.flatMap((match) => Object.keys(match.sourceLabels ?? {})))].sort(),
  )
  assert.deepEqual(
    keys(query.virtualServicesOf(['a/gw', 'b/gw'])),
    keys(
      VirtualService.filter(({ id, spec }) =>
        spec.gateways.some((name) => ['a/gw', 'b/gw'].includes(resolveGateway(name, id.namespace))),
      ),
    ),
  )
  for (const { id, spec } of DestinationRule) {
    const exported = spec.exportTo.length === 0 || spec.exportTo.includes('*')
    const foreign = resolveHost(spec.host, id.namespace).split('.')[1] !== id.namespace
    if (!exported || foreign) assert.ok(query.localRules(id.namespace).namespaces.has(id.namespace))
  }
}

test('every question is answered as a search would answer it, also after the index followed another mesh', () => {
  fc.assert(
    fc.property(mesh, mesh, (first, second) => {
      const index = new MeshIndex()
      for (const snapshot of [first, second]) {
        index.follow(snapshot)
        const query = new MeshQuery(index, snapshot.config.settings)
        checkServices(query, snapshot)
        checkTargets(query, snapshot)
        checkRules(query, snapshot)
      }
    }),
    { numRuns: 150, seed: 4 },
  )
})

test('an object is found only where its own content says, so a change of it reaches nobody else', () => {
  const service = (name: string, port: number): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'a' },
      spec: { selector: { app: name }, ports: [{ name: 'http', port }] },
    })
  const snapshot = (port: number, previous?: MeshSnapshot): MeshSnapshot =>
    buildSnapshot(
      {
        objects: [service('s0', port), service('s1', 80)].flatMap((text) => objectOf(text) ?? []),
        instances: [],
        unenforceable: [],
        settings: defaultMeshSettings,
      },
      previous,
    )
  const index = new MeshIndex()
  const first = snapshot(80)
  index.follow(first)
  const { topics, objects } = index.follow(snapshot(90, first))
  assert.equal(objects, 1)
  assert.deepEqual([...topics].sort(), ['Service', 'Service/s0.a.svc.cluster.local', 'Service?a|app=s0'])
})
