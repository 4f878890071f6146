// What DestinationRules say of endpoints that fail: which answers are errors, and how many retries there may be.
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { service, workload } from './mesh-texts.ts'

const base = [
  workload('web'),
  workload('catalog', { more: 'replicas: 2' }),
  service('catalog'),
  workload('flaky'),
  service('flaky'),
].join('')

function rule(host: string, policy: string): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host}, namespace: shop }
spec: { host: ${host}, trafficPolicy: { ${policy} } }
`
}

const retries = `
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: flaky, namespace: shop }
spec: { hosts: [flaky], http: [{ retries: { attempts: 2, retryOn: "503" }, route: [{ destination: { host: flaky } }] }] }
`

const ejects = 'consecutive5xxErrors: 2, interval: 1s, baseEjectionTime: 300s, maxEjectionPercent: 100'

onBothPlanes('endpoints that fail, on', (dataPlane) => {
  const failed = new Set<string>()
  const app = (request: IncomingMessage, response: ServerResponse, instance: string): void => {
    const once = request.headers['x-fails-once']
    const wanted = Number(request.headers['x-status'] ?? 200)
    const fails = typeof once === 'string' && !failed.has(once)
    if (fails) failed.add(once)
    response.statusCode = fails ? 503 : instance === 'catalog-0' ? wanted : 200
    response.end(instance)
  }
  const mesh = startedMesh({ base, dataPlane, app })

  /** How many of so many requests came to the endpoint that answers with a status. */
  const toFailing = async (count: number, status: number): Promise<number> => {
    let met = 0
    for (let index = 0; index < count; index++) {
      const { body } = await mesh.call('web-0', 'http://catalog/', { 'x-status': `${status}` })
      if (body === 'catalog-0') met++
    }
    return met
  }

  test('statuses that are named eject, and other errors do not', async () => {
    const codes = `loadBalancer: { simple: ROUND_ROBIN }, outlierDetection: { ${ejects}, outlierDetectionHttpErrorCodes: [418, 429] }`
    mesh.edit(rule('catalog', codes))
    // With the balancer of the rule each of the two has every other request.
    await until(async () => (await toFailing(10, 200)) === 5)
    assert.equal(await toFailing(20, 500), 10)
    await until(async () => (await toFailing(10, 429)) === 0)
  })

  test('a retry budget over time is a share of the requests that began in it', async () => {
    const budget = (more: string): string =>
      retries + rule('flaky', `retryBudget: { percent: 20, minRetryConcurrency: 0${more} }`)
    const failing = async (): Promise<number> => {
      const answer = await mesh.call('web-0', 'http://flaky/', { 'x-fails-once': crypto.randomUUID() })
      return answer.status
    }
    mesh.edit(budget(''))
    // One request in flight has no fifth to spare.
    await until(async () => (await failing()) === 503)
    mesh.edit(budget(', budgetInterval: 60s'))
    await until(async () => {
      for (let index = 0; index < 20; index++) await mesh.call('web-0', 'http://flaky/')
      return (await failing()) === 200
    })
  })
})
