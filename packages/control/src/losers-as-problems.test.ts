import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildOffline } from './build-offline.ts'
import { losersAsProblems } from './losers-as-problems.ts'

const mesh = `apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: a, labels: { app: a } }
spec: { command: [node], ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: a }
spec: { selector: { app: a }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: first }
spec: { host: a, subsets: [{ name: v1, labels: { app: a } }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: second }
spec: { host: a, subsets: [{ name: v1, labels: { app: a } }] }
`

test('what lost at translation is told where it stands, with the place of the winner, once', () => {
  const offline = buildOffline([{ name: 'mesh.yaml', text: mesh }])
  const [problem, ...more] = losersAsProblems(offline, [])
  assert.deepEqual(more, [])
  assert.deepEqual(
    [problem?.code, problem?.objectId?.name, problem?.field, problem?.position?.line],
    ['WEFT0112', 'second', 'spec.subsets[0]', 19],
  )
  assert.match(problem?.message ?? '', /subset v1 is already defined for this host \(mesh\.yaml:14\)/)
  assert.ok(problem !== undefined)
  assert.deepEqual(losersAsProblems(offline, [problem]), [], 'told already')
})
