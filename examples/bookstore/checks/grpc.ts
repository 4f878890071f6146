// The shop's gRPC calls: orders asks inventory, unary and as a stream.
import { randomUUID } from 'node:crypto'
import type { Check, CheckContext, CheckOutcome, RequestOptions } from './check-context.ts'
import { address, enterAs, goodCard } from './customers.ts'

// A title that no other check orders.
const watched = '9781950000104'

interface GrpcOutcome {
  readonly code: string
  readonly details: string
  readonly levels: readonly { readonly copies: number }[]
  readonly trailers: Readonly<Record<string, string>>
}

export const grpcChecks: readonly Check[] = [
  { name: 'copies over gRPC', expected: 'OK, a level, the request’s id back', needs: 'shop', run: unary },
  {
    name: 'what is no ISBN, over gRPC',
    expected: 'INVALID_ARGUMENT, and why',
    needs: 'shop',
    async run(context) {
      const { code, details } = await ask(context, '/test/level/none')
      return { seen: `${code}, ${details}`, ok: code === 'INVALID_ARGUMENT' && details.includes('no ISBN') }
    },
  },
  { name: 'a gRPC stream while copies are ordered', expected: 'before and after', needs: 'shop', run: stream },
  {
    name: 'x-test: no-stock aborts gRPC calls',
    expected: 'UNAVAILABLE, by the fault filter',
    needs: 'mesh',
    run: abort,
  },
]

async function ask(context: CheckContext, path: string, options: RequestOptions = {}): Promise<GrpcOutcome> {
  const { status, text } = await context.request(path, options)
  if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`)
  return JSON.parse(text) as GrpcOutcome
}

async function unary(context: CheckContext): Promise<CheckOutcome> {
  const { code, levels, trailers } = await ask(context, `/test/level/${watched}`)
  const id = trailers['x-request-id'] ?? ''
  const seen = `${code}, ${levels[0]?.copies ?? 'no'} copies, ${id === '' ? 'no id' : 'the id'}`
  return { seen, ok: code === 'OK' && levels.length === 1 && id !== '' }
}

async function stream(context: CheckContext): Promise<CheckOutcome> {
  await enterAs(context, 'jason', 'jason')
  const before = (await ask(context, `/test/level/${watched}`)).levels[0]?.copies ?? 0
  const watching = ask(context, `/test/watch/${watched}?count=2`, { timeoutMs: 20_000 })
  // Wherever in the stream's life the order comes, it is told: as a change, or as the level now and then a change of its own.
  const ordering = (async (): Promise<void> => {
    for (let tries = 0; tries < 10; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      const json = { lines: [{ isbn: watched, quantity: 1 }], address, card: goodCard }
      const headers = { 'idempotency-key': randomUUID() }
      await context.request('/api/orders', { json, headers, visitor: 'jason' })
      if (await Promise.race([watching.then(() => true), new Promise<boolean>((r) => setTimeout(r, 500, false))]))
        return
    }
  })()
  const [{ code, levels }] = await Promise.all([watching, ordering])
  const copies = levels.map((level) => level.copies)
  const [first = 0, second = 0] = copies
  // At the end of a printing 500 new copies come in.
  const fell = (first - second + 500) % 500 === 1
  return { seen: `${code}, ${before} before, then ${copies.join(', ')}`, ok: copies.length === 2 && fell }
}

async function abort(context: CheckContext): Promise<CheckOutcome> {
  const { code, details } = await ask(context, `/test/level/${watched}`, { headers: { 'x-test': 'no-stock' } })
  return { seen: `${code}, ${details}`, ok: code === 'UNAVAILABLE' && details.includes('fault filter abort') }
}
