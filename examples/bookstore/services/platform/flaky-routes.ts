// For tests of retries: an endpoint that fails the first N calls of a key, and counts them all.
import type { Reply, Route } from './http-service.ts'

const keysMax = 1000

/** `/test/flaky?fail=N&key=K` answers 503 to the first N calls of K, then 200; `/test/calls?key=K` tells how many there were. */
export function flakyRoutes(): readonly Route[] {
  const calls = new Map<string, number>()
  const fail = (key: string, times: number): Reply => {
    const count = (calls.get(key) ?? 0) + 1
    if (calls.size >= keysMax) calls.clear()
    calls.set(key, count)
    return { status: count <= times ? 503 : 200, json: { calls: count } }
  }
  return [
    {
      method: 'GET',
      path: '/test/flaky',
      handle: ({ url }) => fail(url.searchParams.get('key') ?? '', Number(url.searchParams.get('fail') ?? 0)),
    },
    {
      method: 'GET',
      path: '/test/calls',
      handle: ({ url }) => ({ status: 200, json: { calls: calls.get(url.searchParams.get('key') ?? '') ?? 0 } }),
    },
  ]
}
