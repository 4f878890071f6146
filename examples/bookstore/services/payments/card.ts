// What a card company says to a card.

export interface Card {
  /** Digits only. */
  readonly number: string
  /** `MM/YY`. */
  readonly expires: string
}

export type CardVerdict =
  | { readonly kind: 'approved' }
  | { readonly kind: 'declined' | 'invalid'; readonly reason: string }

/** The card number that is valid but always declined. */
export const declinedNumber = '4000000000000002'

/** Judges a card on a day: number by Luhn's rule (ISO/IEC 7812-1), expiry, then the company's own mind. */
export function judgeCard(card: Card, today: Date): CardVerdict {
  if (!/^\d{12,19}$/.test(card.number) || !hasLuhnDigit(card.number)) {
    return { kind: 'invalid', reason: 'this is not a card number' }
  }
  const expiry = /^(0[1-9]|1[0-2])\/(\d\d)$/.exec(card.expires)
  if (expiry === null) return { kind: 'invalid', reason: 'the expiry date must be MM/YY' }
  // Good until the last moment of its month.
  const until = Date.UTC(2000 + Number(expiry[2]), Number(expiry[1]), 1)
  if (until <= today.getTime()) return { kind: 'declined', reason: 'the card has expired' }
  return card.number === declinedNumber ? { kind: 'declined', reason: 'the card was declined' } : { kind: 'approved' }
}

/** Whether the last digit is right: every second digit from the right counts twice, digits of products are added up. */
export function hasLuhnDigit(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const counted = index % 2 === 0 ? digit : digit * 2
    sum += counted > 9 ? counted - 9 : counted
  }
  return sum % 10 === 0
}
