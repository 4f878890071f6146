// What the mesh does to the shop's requests, seen from outside, with the configuration in `mesh/`.
import { randomUUID } from 'node:crypto'
import type { Check, CheckContext, CheckOutcome } from './check-context.ts'
import { address, enterAs, goodCard, isbn } from './customers.ts'

const splitRequests = 1_000
// A tenth of 1,000, give or take five standard deviations of 9.5.
const splitMin = 53
const splitMax = 147
const delayMs = 2_000

export const meshChecks: readonly Check[] = [
  {
    name: 'x-user: jason goes to catalog v2',
    expected: '20 of 20 from v2, with reviews',
    needs: 'mesh',
    run: jasonSeesV2,
  },
  { name: 'split 90/10', expected: `${splitMin} to ${splitMax} of 1,000 from v2, all 200`, needs: 'mesh', run: split },
  { name: 'x-test: broken aborts calls of orders', expected: '503, a page', needs: 'mesh', run: abort },
  { name: 'the same without the header', expected: '200', needs: 'mesh', run: noAbort },
  { name: 'x-test: slow delays payments', expected: '201 after 2.0 s or more', needs: 'mesh', run: delay },
  { name: 'the same without the header, quick', expected: '201 in less than 2.0 s', needs: 'mesh', run: noDelay },
  {
    name: 'two failures are retried',
    expected: '200, the backend saw 3 calls',
    needs: 'mesh',
    run: (context) => retried(context, 2, 200, 3),
  },
  {
    name: 'retries end',
    expected: '503, the backend saw 4 calls',
    needs: 'mesh',
    run: (context) => retried(context, 9, 503, 4),
  },
]

async function jasonSeesV2(context: CheckContext): Promise<CheckOutcome> {
  await enterAs(context, 'jason', 'jason')
  let fromV2 = 0
  let reviews = 0
  for (let index = 0; index < 20; index++) {
    const { headers, text } = await context.request(`/books/${isbn}`, { visitor: 'jason' })
    if (headers['x-catalog-version'] === 'v2') fromV2 += 1
    if (text.includes('What readers say')) reviews += 1
  }
  return { seen: `${fromV2} of 20 from v2, ${reviews} with reviews`, ok: fromV2 === 20 && reviews === 20 }
}

async function split(context: CheckContext): Promise<CheckOutcome> {
  const counts = new Map<string, number>()
  const lanes = 8
  const lane = async (): Promise<void> => {
    for (let index = 0; index < splitRequests / lanes; index++) {
      const { status, headers } = await context.request(`/api/books/${isbn}`)
      const answer = status === 200 ? String(headers['x-catalog-version']) : String(status)
      counts.set(answer, (counts.get(answer) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  const v1 = counts.get('v1') ?? 0
  const v2 = counts.get('v2') ?? 0
  const seen = [...counts].map(([answer, count]) => `${count} from ${answer}`).join(', ')
  return { seen, ok: v1 + v2 === splitRequests && v2 >= splitMin && v2 <= splitMax }
}

async function abort(context: CheckContext): Promise<CheckOutcome> {
  const { status, text } = await context.request('/basket', { headers: { 'x-test': 'broken' } })
  const kind = text.includes('A part of the shop is resting')
  return { seen: `${status}${kind ? ', a page' : ''}`, ok: status === 503 && kind }
}

async function noAbort(context: CheckContext): Promise<CheckOutcome> {
  const { status } = await context.request('/basket')
  return { seen: String(status), ok: status === 200 }
}

async function delay(context: CheckContext): Promise<CheckOutcome> {
  const { status, elapsedMs } = await order(context, { 'x-test': 'slow' })
  return { seen: `${status} after ${(elapsedMs / 1000).toFixed(2)} s`, ok: status === 201 && elapsedMs >= delayMs }
}

async function noDelay(context: CheckContext): Promise<CheckOutcome> {
  const { status, elapsedMs } = await order(context, {})
  return { seen: `${status} after ${(elapsedMs / 1000).toFixed(2)} s`, ok: status === 201 && elapsedMs < delayMs }
}

async function order(
  context: CheckContext,
  extra: Record<string, string>,
): Promise<{ status: number; elapsedMs: number }> {
  await enterAs(context, 'jason', 'jason')
  const json = { lines: [{ isbn, quantity: 1 }], address, card: goodCard }
  return context.request('/api/orders', {
    json,
    headers: { 'idempotency-key': randomUUID(), ...extra },
    visitor: 'jason',
  })
}

async function retried(
  context: CheckContext,
  failures: number,
  wantedStatus: number,
  wantedCalls: number,
): Promise<CheckOutcome> {
  const key = randomUUID()
  const { status } = await context.request(`/test/flaky?fail=${failures}&key=${key}`)
  const { text } = await context.request(`/test/calls?key=${key}`)
  const { calls } = JSON.parse(text) as { calls: number }
  return { seen: `${status}, the backend saw ${calls} calls`, ok: status === wantedStatus && calls === wantedCalls }
}
