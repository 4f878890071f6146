// The status of our own policies tells of each target whether it is there and who has it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildOffline } from '../build-offline.ts'
import type { Condition } from './conditions.ts'
import { meshStatuses } from './mesh-statuses.ts'

const yaml = `
apiVersion: v1
kind: Service
metadata: { name: catalog }
spec: { selector: { app: catalog }, ports: [{ name: http, port: 80 }] }
---
apiVersion: weft.dev/v1alpha1
kind: RetryPolicy
metadata: { name: younger, creationTimestamp: '2026-01-02T00:00:00Z', generation: 4 }
spec:
  attempts: 1
  targetRefs:
    - { name: catalog }
    - { name: catalog, sectionName: http }
    - { name: catalog, sectionName: https }
    - { group: gateway.networking.k8s.io, kind: Gateway, name: nowhere }
---
apiVersion: weft.dev/v1alpha1
kind: RetryPolicy
metadata: { name: zz-older, creationTimestamp: '2026-01-01T00:00:00Z' }
spec: { attempts: 2, targetRefs: [{ name: catalog }] }
---
apiVersion: weft.dev/v1alpha1
kind: TimeoutPolicy
metadata: { name: other, creationTimestamp: '2026-01-03T00:00:00Z' }
spec: { request: 1s, targetRefs: [{ name: catalog }] }
`

interface Shown {
  readonly ancestors: readonly {
    readonly ancestorRef: { readonly kind: string; readonly name: string; readonly sectionName?: string }
    readonly conditions: readonly Condition[]
  }[]
}

function told(key: string): string[] {
  const { snapshot, problems } = buildOffline([{ name: 'f', text: yaml }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const status = meshStatuses(snapshot, { time: '2026-01-01T00:00:00Z' }).get(`weft.dev/${key}`) as Shown
  return status.ancestors.map(({ ancestorRef: { kind, name, sectionName = '' }, conditions }) =>
    [kind, name, sectionName, ...conditions.map((one) => `${one.type} ${one.status} ${one.reason}`)].join(' '),
  )
}

test('of each target a policy is told whether it is there, and whether an older one of its kind has it', () => {
  assert.deepEqual(told('RetryPolicy/default/younger'), [
    'Service catalog  Accepted False Conflicted',
    'Service catalog http Accepted True Accepted',
    'Service catalog https Accepted False TargetNotFound',
    'Gateway nowhere  Accepted False TargetNotFound',
  ])
  assert.deepEqual(told('RetryPolicy/default/zz-older'), ['Service catalog  Accepted True Accepted'])
})

test('policies of different kinds do not compete', () => {
  assert.deepEqual(told('TimeoutPolicy/default/other'), ['Service catalog  Accepted True Accepted'])
})
