// What translation notes is a finding with a place: without a running mesh nobody would hear of it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '@weft/resources'
import { buildOffline } from './build-offline.ts'
import { notesAsProblems } from './notes-as-problems.ts'

const wildcard = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: any, namespace: shop }
spec: { hosts: ['*.any.example'], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: NONE }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { command: [node], ports: [{ name: http, port: 8080 }] }
`
const policy = `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: asks, namespace: shop }
spec: { selector: { matchLabels: { app: web } }, action: CUSTOM, provider: { name: nobody }, rules: [{}] }
`

test('what a translation notes is told with its place, its meaning and its mend, once for all proxies', () => {
  const mesh = buildOffline([{ name: 'f.yaml', text: wildcard + policy }], { flavor: 'envoy' })
  const [entry = '', denied = '', ...more] = notesAsProblems(mesh, mesh.problems).map(formatProblem)
  assert.match(
    entry,
    /^f\.yaml:\d+:\d+: warning: ServiceEntry shop\/any: .*get no further \(503\).* [A-Z][^.]*\. \[WEFT0113\]$/,
  )
  assert.match(denied, /AuthorizationPolicy shop\/asks: .*everything is denied: .*no extension provider "nobody"/)
  assert.deepEqual(more, [])
})

test('what another finding tells of the same field is not told again', () => {
  const mesh = buildOffline([{ name: 'f.yaml', text: wildcard }])
  const found = notesAsProblems(mesh, [])
  assert.equal(found.length, 1)
  assert.deepEqual(notesAsProblems(mesh, found), [])
})
