// What a customer does, as checks that hold with and without a mesh. They run in order: one buys what another put in the basket.
import { createHash, randomUUID } from 'node:crypto'
import type { Check, CheckContext, CheckOutcome, CheckResponse } from './check-context.ts'
import { address, alice, goodCard, isbn, registerAs } from './customers.ts'

const deliveryTimeoutMs = 30_000

export const journeyChecks: readonly Check[] = [
  {
    name: 'browse',
    expected: '200, twelve books',
    needs: 'shop',
    async run(context) {
      const { status, text } = await context.request('/')
      const count = text.match(/class="card"/g)?.length ?? 0
      return { seen: `${status}, ${count} books`, ok: status === 200 && count === 12 }
    },
  },
  {
    name: 'search',
    expected: '200, one book',
    needs: 'shop',
    async run(context) {
      const { status, text } = await context.request('/?q=copper')
      const count = text.match(/class="card"/g)?.length ?? 0
      return {
        seen: `${status}, ${count} books`,
        ok: status === 200 && count === 1 && text.includes('Rivers of Copper'),
      }
    },
  },
  {
    name: 'book page, with copies from inventory over gRPC',
    expected: '200, title, in stock',
    needs: 'shop',
    async run(context) {
      const { status, text } = await context.request(`/books/${isbn}`)
      const title = text.includes('<h1>The Lighthouse Ledger</h1>')
      const stock = text.includes('In stock')
      return {
        seen: `${status}, ${title ? 'title' : 'no title'}, ${stock ? 'in stock' : 'no stock'}`,
        ok: status === 200 && title && stock,
      }
    },
  },
  {
    name: 'a book that is not there',
    expected: '404',
    needs: 'shop',
    run: async (context) => statusOnly(await context.request('/books/9780000000000'), 404),
  },
  {
    name: 'register',
    expected: '303 to the shop',
    needs: 'shop',
    run: (context) => registerAs(context, alice(context)),
  },
  {
    name: 'log in with a wrong password',
    expected: '401',
    needs: 'shop',
    run: async (context) =>
      statusOnly(
        await context.request('/login', { form: { name: alice(context), password: 'not the password' } }),
        401,
      ),
  },
  {
    name: 'log in',
    expected: '303 to the shop',
    needs: 'shop',
    async run(context) {
      const form = { name: alice(context), password: `${alice(context)}-secret`, next: '/' }
      return redirect(await context.request('/login', { form, visitor: 'alice' }), /^\/$/)
    },
  },
  { name: 'put a book into the basket', expected: '303 to /basket', needs: 'shop', run: addToBasket },
  {
    name: 'pay with a card that is declined',
    expected: '402, and says so',
    needs: 'shop',
    async run(context) {
      const { status, text } = await checkout(context, '4000 0000 0000 0002')
      const told = text.includes('The card was declined')
      return { seen: `${status}${told ? ', and says so' : ''}`, ok: status === 402 && told }
    },
  },
  {
    name: 'pay with a number that is no card’s',
    expected: '422',
    needs: 'shop',
    run: async (context) => statusOnly(await checkout(context, '4242 4242 4242 4241'), 422),
  },
  { name: 'pay and order', expected: '303 to the order', needs: 'shop', run: payAndOrder },
  { name: 'copies reserved over TCP', expected: 'as many less as were ordered', needs: 'shop', run: stockFalls },
  { name: 'the same order twice, at the same time', expected: 'one order, one row', needs: 'shop', run: orderTwice },
  { name: 'delivery', expected: 'delivered in the end', needs: 'shop', run: waitForDelivery },
  {
    name: 'download of the electronic edition',
    expected: '200, some MB, checksum right',
    needs: 'shop',
    run: download,
  },
  {
    name: 'download by someone else',
    expected: '404',
    needs: 'shop',
    async run(context) {
      await registerAs(context, `mallory-${randomUUID().slice(0, 8)}`, 'mallory')
      return statusOnly(await context.request(editionPath(context), { visitor: 'mallory' }), 404)
    },
  },
]

function statusOnly(response: CheckResponse, wanted: number): CheckOutcome {
  return { seen: String(response.status), ok: response.status === wanted }
}

function redirect({ status, headers }: CheckResponse, to: RegExp): CheckOutcome {
  const location = headers.location ?? 'nowhere'
  return { seen: `${status} to ${location}`, ok: status === 303 && to.test(location) }
}

async function addToBasket(context: CheckContext): Promise<CheckOutcome> {
  const response = await context.request('/basket/add', { form: { isbn, quantity: '1' }, visitor: 'alice' })
  const basket = await context.request('/basket', { visitor: 'alice' })
  const outcome = redirect(response, /^\/basket$/)
  return { ...outcome, ok: outcome.ok && basket.text.includes('The Lighthouse Ledger') }
}

async function checkout(context: CheckContext, number: string): Promise<CheckResponse> {
  const { text } = await context.request('/checkout', { visitor: 'alice' })
  const [, key = ''] = /name="key" value="([^"]+)"/.exec(text) ?? []
  const form = { key, ...address, number, expires: goodCard.expires }
  return context.request('/checkout', { form, visitor: 'alice' })
}

async function payAndOrder(context: CheckContext): Promise<CheckOutcome> {
  const response = await checkout(context, goodCard.number)
  const [, id] = /^\/orders\/(\w+)$/.exec(response.headers.location ?? '') ?? []
  if (id !== undefined) context.notes.set('order', id)
  return redirect(response, /^\/orders\/\w+$/)
}

async function stockFalls(context: CheckContext): Promise<CheckOutcome> {
  // A title of which few enough are ordered that no reprint comes in between.
  const copies = async (): Promise<number> => {
    const { text } = await context.request('/test/stock/9781950000111')
    return (JSON.parse(text) as { copies: number }).copies
  }
  const before = await copies()
  const json = { lines: [{ isbn: '9781950000111', quantity: 3 }], address, card: goodCard }
  const headers = { 'idempotency-key': randomUUID() }
  const { status } = await context.request('/api/orders', { json, headers, visitor: 'alice' })
  const after = await copies()
  // At the end of a printing 500 new copies come in.
  const taken = (before - after + 500) % 500
  return { seen: `${status}, ${before} before, ${after} after`, ok: status === 201 && taken === 3 }
}

async function orderTwice(context: CheckContext): Promise<CheckOutcome> {
  const count = async (): Promise<{ orders: number; ids: number }> =>
    JSON.parse((await context.request('/test/orders')).text) as { orders: number; ids: number }
  const before = await count()
  const json = { lines: [{ isbn, quantity: 1 }], address, card: goodCard }
  const headers = { 'idempotency-key': randomUUID() }
  const send = (): Promise<CheckResponse> => context.request('/api/orders', { json, headers, visitor: 'alice' })
  const answers = await Promise.all([send(), send(), send()])
  const ids = new Set(answers.map((answer) => (JSON.parse(answer.text) as { id?: string }).id))
  const after = await count()
  const statuses = answers.map((answer) => answer.status).join(' ')
  const rows = after.orders - before.orders
  return {
    seen: `${statuses}, ${ids.size} order, ${rows} row`,
    ok: answers.every((answer) => answer.status === 201) && ids.size === 1 && rows === 1 && after.orders === after.ids,
  }
}

async function waitForDelivery(context: CheckContext): Promise<CheckOutcome> {
  const startedAt = performance.now()
  for (;;) {
    const { status, text } = await context.request(`/orders/${context.notes.get('order') ?? 'none'}`, {
      visitor: 'alice',
    })
    const [, stage = 'no stage'] = /data-stage="([^"]+)"/.exec(text) ?? []
    const delivered = status === 200 && stage === 'delivered'
    if (delivered || status !== 200 || performance.now() - startedAt > deliveryTimeoutMs) {
      return { seen: `${status}, ${stage}`, ok: delivered }
    }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

async function download(context: CheckContext): Promise<CheckOutcome> {
  const { status, headers, body } = await context.request(editionPath(context), { visitor: 'alice' })
  const right = createHash('sha256').update(body).digest('hex') === headers['x-content-sha256']
  const megabytes = (body.length / 1024 / 1024).toFixed(1)
  const ok = status === 200 && right && body.length > 3_000_000 && body.length === Number(headers['content-length'])
  return { seen: `${status}, ${megabytes} MB, checksum ${right ? 'right' : 'wrong'}`, ok }
}

function editionPath(context: CheckContext): string {
  return `/orders/${context.notes.get('order') ?? 'none'}/editions/${isbn}`
}
