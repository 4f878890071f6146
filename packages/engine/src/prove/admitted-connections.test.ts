// Policies on connections: the change that is told leads to a chain that asks the policy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { RBACSchema } from '@weft/xds/es/envoy/extensions/filters/network/rbac/v3/rbac'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { DownstreamTlsContextSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { emptyConfig } from '../compile/empty-config.ts'
import { compileListener } from '../compile/listener.ts'
import { walkProxy } from '../explain/walk-proxy.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { noRequest } from '../request-head.ts'
import { subject } from '../subject-under-test.ts'
import type { Loser, ProofStep } from './proof.ts'
import { recordTo } from './record-to.ts'

const registry = createRegistry(DownstreamTlsContextSchema, RBACSchema, TcpProxySchema, TlsInspectorSchema)
const filters = 'type.googleapis.com/envoy.extensions.filters'

/** A chain for names with a DENY policy on others than the one that it is told. */
function chain(serverNames: readonly string[], permission: JsonObject | undefined): JsonObject {
  const policies = { p: { permissions: [permission ?? {}], principals: [{ any: true }] } }
  const rbac = { '@type': `${filters}.network.rbac.v3.RBAC`, statPrefix: 'x', rules: { action: 'DENY', policies } }
  const proxy = { '@type': `${filters}.network.tcp_proxy.v3.TcpProxy`, statPrefix: 'x', cluster: 'c' }
  return {
    name: serverNames[0] ?? 'all',
    filterChainMatch: { serverNames: [...serverNames] },
    filters: [
      ...(permission === undefined ? [] : [{ name: 'rbac', typedConfig: rbac }]),
      { name: 'tcp', typedConfig: proxy },
    ],
  }
}

function loserAt(
  chains: readonly JsonObject[],
  connection: Partial<ConnectionFacts>,
  sniffs = true,
): Loser | undefined {
  const inspector = { name: 'tls', typedConfig: { '@type': `${filters}.listener.tls_inspector.v3.TlsInspector` } }
  const json = {
    name: 'l',
    address: { socketAddress: { address: '127.0.0.2', portValue: 80 } },
    listenerFilters: sniffs ? [inspector] : [],
    filterChains: [...chains],
  }
  const listener = compileListener(toBinary(ListenerSchema, fromJson(ListenerSchema, json, { registry })), {})
  assert.ok(listener.ok)
  const view = { id: 'p', address: '', principal: undefined, config: emptyConfig, endpoints: new Map() }
  const steps: ProofStep[] = []
  const facts = {
    ...subject().connection,
    tls: false,
    peerNames: [],
    localAddress: '127.0.0.2',
    localPort: 80,
    ...connection,
  }
  walkProxy(
    { view, listener: listener.value, connection: facts, request: noRequest, random: 0, faultDraw: 0.5 },
    recordTo((step) => steps.push(step)),
  )
  return steps.find(({ decision }) => decision === 'authorization')?.losers[0]
}

const notA: JsonObject = { notRule: { requestedServerName: { exact: 'a.example' } } }
const asking = (sni: string | undefined) => ({ sni, transportProtocol: 'tls' as const })

test('a policy that wants another server name is told one that a chain with the policy is for', () => {
  const loser = loserAt([chain(['a.example'], notA), chain(['b.example'], notA)], asking('a.example'))
  assert.deepEqual(loser?.counterfactual, [{ attribute: 'connection.requested_server_name', value: 'b.example' }])
})

test('no name is told that no chain is for, or one without the policy', () => {
  const alone = loserAt([chain(['a.example'], notA)], asking('a.example'))
  assert.deepEqual([alone?.counterfactual, alone?.undecided], [undefined, undefined])
  assert.match(alone?.unreachable ?? '', /no request/)
  const other = loserAt([chain(['a.example'], notA), chain(['b.example'], undefined)], asking('a.example'))
  assert.equal(other?.counterfactual, undefined)
})

test('a policy for another port may be asked at another listener', () => {
  const permission: JsonObject = {
    andRules: { rules: [{ destinationPort: 81 }, { requestedServerName: { exact: 'b.example' } }] },
  }
  const loser = loserAt([chain(['a.example'], permission)], asking('a.example'))
  assert.deepEqual(loser?.counterfactual?.map(({ attribute, value }) => `${attribute} ${value}`).sort(), [
    'connection.requested_server_name b.example',
    'destination.port 81',
  ])
})

test('a name under a wildcard is told that no narrower chain has', () => {
  const permission: JsonObject = { requestedServerName: { suffix: '.example' } }
  const chains = [chain(['a.test'], permission), chain(['*.example'], permission), chain(['x.example'], undefined)]
  const [change] = loserAt(chains, asking('a.test'))?.counterfactual ?? []
  assert.match(change?.value ?? '', /.\.example$/)
  assert.notEqual(change?.value, 'x.example')
})

test('who does not look at first bytes sees no server name', () => {
  const permission: JsonObject = { requestedServerName: { exact: 'a.example' } }
  const loser = loserAt([chain([], permission)], { sni: undefined, transportProtocol: 'raw_buffer' }, false)
  assert.equal(loser?.counterfactual, undefined)
  assert.match(loser?.unreachable ?? '', /no request/)
})

test('who speaks TLS already is told another name, not to begin with TLS', () => {
  const permission: JsonObject = { requestedServerName: { exact: 'b.example' } }
  const secrets = [{ name: 'own', sdsConfig: { ads: {}, resourceApiVersion: 'V3' } }]
  const ends = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    commonTlsContext: { tlsCertificateSdsSecretConfigs: secrets },
  }
  const ended = { ...chain(['b.example'], permission), transportSocket: { name: 'tls', typedConfig: ends } }
  const loser = loserAt([chain(['a.example'], permission), ended], asking('a.example'))
  assert.deepEqual(loser?.counterfactual, [{ attribute: 'connection.requested_server_name', value: 'b.example' }])
})
