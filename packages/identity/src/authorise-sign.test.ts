import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttestedCaller, authoriseSign, type SignPolicy } from './authorise-sign.ts'
import { agentId, controlPlaneId } from './workload-id.ts'

const web = 'spiffe://cluster.local/ns/shop/sa/web'
const policy: SignPolicy = { trustDomain: 'cluster.local', hosted: new Set([web]) }
const agent: AttestedCaller = { kind: 'svid', id: agentId() }

const rows: [string, AttestedCaller, string, boolean, SignPolicy?][] = [
  ['a token buys the agent', { kind: 'token' }, agentId(), true],
  ['a token does not buy a workload', { kind: 'token' }, web, false],
  ['a token does not buy the control plane', { kind: 'token' }, controlPlaneId(), false],
  ['the agent renews itself', agent, agentId(), true],
  ['the agent asks for a workload', agent, web, true],
  ['the agent does not become the control plane', agent, controlPlaneId(), false],
  ['a workload renews itself', { kind: 'svid', id: web }, web, true],
  [
    'a workload that is gone does not renew itself',
    { kind: 'svid', id: web },
    web,
    false,
    { ...policy, hosted: new Set() },
  ],
  ['the control plane does not ask here', { kind: 'svid', id: controlPlaneId() }, controlPlaneId(), false],
  ['a workload does not ask for another', { kind: 'svid', id: web }, 'spiffe://cluster.local/ns/shop/sa/db', false],
  ['a workload does not become the agent', { kind: 'svid', id: web }, agentId(), false],
  ['nobody asks for anything', { kind: 'none' }, web, false],
  ['an agent of another domain is nobody special', { kind: 'svid', id: agentId('other.test') }, web, false],
  ['no id of another domain is signed', agent, 'spiffe://other.test/ns/shop/sa/web', false],
  ['no id of another form is signed', agent, 'spiffe://cluster.local/shop', false],
  ['no text that is not an id is signed', agent, 'https://cluster.local/ns/shop/sa/web', false],
  ['the agent does not ask for a workload that is nowhere', agent, 'spiffe://cluster.local/ns/shop/sa/db', false],
  ['the agent does not ask for an id like a hosted one', agent, `${web}2`, false],
  ['the agent of a node without workloads asks for none', agent, web, false, { ...policy, hosted: new Set() }],
  [
    "a hosted id in the system namespace stays the system's",
    agent,
    controlPlaneId(),
    false,
    { ...policy, hosted: new Set([controlPlaneId()]) },
  ],
]

for (const [name, caller, id, allow, given] of rows) {
  test(name, () => {
    const decision = authoriseSign(caller, id, given ?? policy)
    assert.equal(decision.allow, allow)
    if (!decision.allow) assert.notEqual(decision.reason, '')
  })
}
