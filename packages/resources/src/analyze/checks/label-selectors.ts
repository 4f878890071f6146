// Kubernetes' label selectors, as webhooks use them.
import { dig, type Fields, fieldsOf, itemsOf, labelsOf, textOf, textsOf } from '../written-object.ts'

type Labels = Readonly<Record<string, string>>

/** What a webhook selects. */
export interface WebhookSelectors {
  readonly namespace: Fields
  readonly object: Fields
}

/** The selectors of a webhook. */
export function selectorsOf(webhook: Fields): WebhookSelectors {
  return { namespace: fieldsOf(webhook['namespaceSelector']), object: fieldsOf(webhook['objectSelector']) }
}

/** Whether a label selector picks labels. */
export function picks(selector: Fields, labels: Labels): boolean {
  return (
    Object.entries(labelsOf(selector['matchLabels'])).every(([label, value]) => labels[label] === value) &&
    itemsOf(selector['matchExpressions']).every((expression) => holds(expression, labels))
  )
}

function holds(expression: Fields, labels: Labels): boolean {
  const value = labels[textOf(expression['key'])]
  const values = textsOf(expression['values'])
  switch (expression['operator']) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}

/** Whether some pod in some namespace is selected by both. */
export function selectTogether(a: WebhookSelectors, b: WebhookSelectors): boolean {
  return satisfiable([a.namespace, b.namespace]) && satisfiable([a.object, b.object])
}

/** Whether some labels fit all selectors: each label on its own, as selectors relate none to another. */
function satisfiable(selectors: readonly Fields[]): boolean {
  const keys = new Set(
    selectors.flatMap((selector) => [
      ...Object.keys(labelsOf(selector['matchLabels'])),
      ...itemsOf(selector['matchExpressions']).map(({ key }) => textOf(key)),
    ]),
  )
  return [...keys].every((key) => {
    const parts = selectors.map((selector) => only(selector, key))
    const values = parts.flatMap((part) => [
      ...Object.values(labelsOf(part['matchLabels'])),
      ...itemsOf(part['matchExpressions']).flatMap((expression) => textsOf(expression['values'])),
    ])
    const candidates: Labels[] = [{}, { [key]: '\0 any other' }, ...values.map((value) => ({ [key]: value }))]
    return candidates.some((labels) => parts.every((part) => picks(part, labels)))
  })
}

function only(selector: Fields, key: string): Fields {
  const matchLabels = labelsOf(selector['matchLabels'])
  return {
    matchLabels: Object.hasOwn(matchLabels, key) ? { [key]: matchLabels[key] } : {},
    matchExpressions: itemsOf(dig(selector, 'matchExpressions')).filter((expression) => expression['key'] === key),
  }
}
