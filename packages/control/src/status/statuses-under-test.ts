// Statuses of written objects, for tests.
import assert from 'node:assert/strict'
import { buildOffline } from '../build-offline.ts'
import type { Condition } from './conditions.ts'
import { meshStatuses } from './mesh-statuses.ts'

/** The version that most kinds have. */
export const api = 'apiVersion: gateway.networking.k8s.io/v1'
/** The time at which statuses are told. */
export const time = '2026-01-01T00:00:00Z'

interface Shown {
  readonly addresses?: readonly { readonly value: string }[]
  readonly conditions?: readonly Condition[]
  readonly listeners?: readonly {
    readonly name: string
    readonly attachedRoutes: number
    readonly conditions: readonly Condition[]
  }[]
  readonly parents?: readonly {
    readonly parentRef: { readonly name: string }
    readonly conditions: readonly Condition[]
  }[]
  readonly ancestors?: readonly {
    readonly ancestorRef: { readonly kind: string; readonly name: string }
    readonly conditions: readonly Condition[]
  }[]
}

/** Of an object of that version, by `<kind>/<namespace>/<name>`. */
export function statusOf(yaml: string, key: string): Shown | undefined {
  return statusByKey(yaml, `gateway.networking.k8s.io/${key}`)
}

/** Of any object, by its key; fails on errors in what is written. */
export function statusByKey(yaml: string, key: string): Shown | undefined {
  const { snapshot, problems } = buildOffline([{ name: 'f', text: yaml }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  return meshStatuses(snapshot, { time }).get(key) as Shown | undefined
}

/** What tests compare. */
export const brief = (conditions: readonly Condition[] | undefined): string[] =>
  (conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`)

/** A ConfigMap. */
export const settings = (name: string, data: string): string => `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name} }
data: { ${data} }
`
