// SMI's conformance checks, played: applications call each other through real Envoys and through Weft's proxies, and who may call
// whom, and who gets how much, is what the checks expect. WEFT_TEST_DATA names the directory of the checks; without it the tests are
// skipped.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import { parse } from 'yaml'
import type { EnvoyMesh } from '../interop/envoy-mesh/envoy-mesh.ts'
import { onBothPlanes, startedMesh } from '../interop/envoy-mesh/mesh-suites.ts'

interface App {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount?: string
  readonly port: number
}

interface Ask {
  readonly from: string
  readonly url: string
  readonly method: string
  readonly count?: number
  readonly expect?: { readonly verdict: 'allowed' | 'denied'; readonly seenBy?: string }
}

interface Case {
  readonly group: string
  readonly name: string
  readonly manifests: string
  readonly requests: readonly Ask[]
  /** Of requests that applications received: `app-b > 0`, `app-b > app-c`. */
  readonly expect?: readonly string[]
}

interface Checks {
  readonly setups: Readonly<Record<string, { readonly apps: readonly App[]; readonly manifests: string }>>
  readonly cases: readonly Case[]
}

const root = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data')
const file = join(root, 'smi/cases.yaml')
const skipWithoutData = existsSync(file) ? false : `no test data in ${root}`
const checks: Checks = skipWithoutData === false ? parse(readFileSync(file, 'utf8')) : { setups: {}, cases: [] }

const workload = ({ name, labels, serviceAccount = name, port }: App): string => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: smi-test, labels: ${JSON.stringify(labels)} }
spec: { command: [${name}], serviceAccount: ${serviceAccount}, ports: [{ name: http, port: ${port} }] }
`

/** What the checks of access take for granted. */
const denyByDefault = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny-by-default, namespace: smi-test }
spec: {}
`

test('there are ten checks in three groups', { skip: skipWithoutData }, () => {
  assert.deepEqual([checks.cases.length, Object.keys(checks.setups).length], [10, 3])
})

for (const [group, { apps, manifests }] of Object.entries(checks.setups)) {
  onBothPlanes(`SMI ${group}, carried by`, (dataPlane) => {
    const access = group === 'traffic-split' ? [] : [denyByDefault]
    const mesh = startedMesh({ base: [...apps.map(workload), ...access, manifests].join('\n---\n'), dataPlane })

    for (const one of checks.cases.filter((each) => each.group === group)) {
      test(one.name, async () => {
        mesh.edit(one.manifests)
        await mesh.settled()
        let last = ''
        await until(
          async () => (last = await faultOf(mesh, one)) === '',
          () => last,
        )
        // What holds once holds again: the state before may have looked alike.
        assert.equal(await faultOf(mesh, one), '')
      })
    }
  })
}

/** What is not as expected; empty: everything is. */
async function faultOf(mesh: EnvoyMesh, { requests, expect }: Case): Promise<string> {
  const before = mesh.seen.length
  for (const ask of requests) {
    for (let n = 0; n < (ask.count ?? 1); n++) {
      const seen = mesh.seen.length
      const { status } = await mesh.call(`${ask.from}-0`, ask.url, {}, ask.method)
      const arrived = mesh.seen.slice(seen).map(({ instance }) => instance)
      const wanted = ask.expect
      if (wanted === undefined && status !== 200) return `${ask.method} ${ask.url}: ${status}`
      if (wanted?.verdict === 'denied' && (status < 400 || arrived.length > 0))
        return `${ask.url} is not denied: ${status}`
      if (wanted?.verdict === 'allowed' && status >= 400) return `${ask.method} ${ask.url} is not allowed: ${status}`
      if (wanted?.seenBy !== undefined && arrived.join() !== `${wanted.seenBy}-0`) return `seen by ${arrived.join()}`
    }
  }
  const received = (name: string): number =>
    mesh.seen.slice(before).filter(({ instance }) => instance === `${name}-0`).length
  return (expect ?? []).filter((condition) => !holds(condition, received)).join(', ')
}

function holds(condition: string, received: (name: string) => number): boolean {
  const [left = '', operator = '', right = ''] = condition.split(' ')
  const [a, b] = [left, right].map((side) => (/^\d+$/.test(side) ? Number(side) : received(side))) as [number, number]
  if (operator === '>') return a > b
  if (operator === '<') return a < b
  assert.equal(operator, '==', condition)
  return a === b
}
