import assert from 'node:assert/strict'
import { test } from 'node:test'
import { admits } from './circuit-breaker.ts'
import { RecentRequests } from './recent-requests.ts'

test('requests are counted for as long as the interval lasts, to a tenth of it', () => {
  const recent = new RecentRequests()
  for (let atMs = 0; atMs < 1000; atMs += 10) recent.add(atMs, 1000)
  assert.equal(recent.count(999, 1000), 100)
  assert.equal(recent.count(1000, 1000), 90)
  assert.equal(recent.count(1550, 1000), 40)
  assert.equal(recent.count(1999, 1000), 0)
})

test('after a pause longer than the interval nothing is left, and counting goes on', () => {
  const recent = new RecentRequests()
  for (let count = 0; count < 5; count++) recent.add(100, 1000)
  assert.equal(recent.count(1_000_000, 1000), 0)
  recent.add(1_000_000, 1000)
  assert.equal(recent.count(1_000_050, 1000), 1)
})

test('another interval begins anew', () => {
  const recent = new RecentRequests()
  recent.add(100, 1000)
  assert.equal(recent.count(100, 500), 0)
})

test('a budget over time is a share of the requests that began in it, not of those in flight', () => {
  const retryBudget = { percent: 20, minConcurrency: 1, intervalMs: 1000 }
  const limits = { maxConnections: 9, maxPendingRequests: 9, maxRequests: 9, maxRetries: 9, retryBudget }
  const noUse = { connections: 0, pendingRequests: 0, requests: 0, retries: 0 }
  assert.equal(admits(limits, { ...noUse, requests: 1, retries: 1, recent: 100 }, 'retries'), true)
  assert.equal(admits(limits, { ...noUse, requests: 100, retries: 20, recent: 100 }, 'retries'), false)
  assert.equal(admits(limits, { ...noUse, requests: 100, retries: 1, recent: 0 }, 'retries'), false)
})
