// Card authorisation. The same reference is charged once, however often it is asked.
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { HttpError, type Call, type Reply, type Route } from '../platform/http-service.ts'
import { countField, objectFrom, parseFields, textField } from '../platform/json-fields.ts'
import { judgeCard } from './card.ts'

export const paymentSchema = `
  create table if not exists authorisation (reference text primary key, id text not null, amountCents int not null,
    lastDigits text not null, at text not null) strict;
`
const amountCentsMax = 1_000_000

interface Authorisation {
  readonly id: string
  readonly amountCents: number
  readonly lastDigits: string
}

/** The routes of payments, over a database with `paymentSchema`. */
export function paymentRoutes(database: DatabaseSync): readonly Route[] {
  const insert = database.prepare('insert or ignore into authorisation values (?, ?, ?, ?, ?)')
  const get = database.prepare('select id, amountCents, lastDigits from authorisation where reference = ?')
  const authorise = async (call: Call): Promise<Reply> => {
    const fields = parseFields(await call.body())
    const reference = textField(fields, 'reference')
    const amountCents = countField(fields, 'amountCents', 1, amountCentsMax)
    const given = objectFrom(fields['card'], 'card')
    const card = { number: textField(given, 'number').replaceAll(/[ -]/g, ''), expires: textField(given, 'expires') }
    const verdict = judgeCard(card, new Date())
    if (verdict.kind !== 'approved') throw new HttpError(verdict.kind === 'declined' ? 402 : 422, verdict.reason)
    // Of the card only the last digits are kept.
    insert.run(reference, randomUUID(), amountCents, card.number.slice(-4), new Date().toISOString())
    const kept = get.get(reference) as unknown as Authorisation
    if (kept.amountCents !== amountCents) throw new HttpError(409, 'this reference was used for another amount')
    return { status: 201, json: kept }
  }
  return [{ method: 'POST', path: '/authorisations', handle: authorise }]
}
