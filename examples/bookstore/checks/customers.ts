// The customers of the check table.
import { randomUUID } from 'node:crypto'
import type { CheckContext, CheckOutcome } from './check-context.ts'

/** The Lighthouse Ledger. */
export const isbn = '9781950000012'

export const address = {
  recipient: 'Alice Reader',
  street: '1 Quay Street',
  postcode: 'GY1 2LL',
  city: 'Saint Peter',
} as const

export const goodCard = { number: '4242424242424242', expires: '12/39' } as const

/** A customer's name that is new in every run: the shop keeps its customers. */
export function alice(context: CheckContext): string {
  const known = context.notes.get('alice')
  if (known !== undefined) return known
  const name = `alice-${randomUUID().slice(0, 8)}`
  context.notes.set('alice', name)
  return name
}

/** Registers `name` with the password `<name>-secret`; the session is kept under `visitor`. */
export async function registerAs(context: CheckContext, name: string, visitor = 'alice'): Promise<CheckOutcome> {
  const form = { name, password: `${name}-secret`, next: '/' }
  const { status, headers } = await context.request('/register', { form, visitor })
  return { seen: `${status} to ${headers.location ?? 'nowhere'}`, ok: status === 303 && headers.location === '/' }
}

/** Logs `name` in, registering it first if the shop does not know it yet. */
export async function enterAs(context: CheckContext, name: string, visitor: string): Promise<void> {
  const form = { name, password: `${name}-secret`, next: '/' }
  const registered = await context.request('/register', { form, visitor })
  if (registered.status === 303) return
  const { status } = await context.request('/login', { form, visitor })
  if (status !== 303) throw new Error(`${name} cannot log in: ${status}`)
}
