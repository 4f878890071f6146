// Kubernetes' selector of labels: schema, and what it selects.
import { doc, type Finding, list, mapOf, object, type Schema, text } from '../schema/schema.ts'
import type { LabelSelector } from './types.ts'

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist']

/** A selector of labels; its operators are judged with a warning, since the published schemas accept any text. */
export function labelSelector(description: string): Schema {
  return doc(
    description,
    object(
      {
        matchLabels: doc('Labels with these values.', mapOf(text(), 'no-nul')),
        matchExpressions: doc(
          'Conditions that must all hold.',
          list(
            object(
              {
                key: doc('Name of the label.', text()),
                operator: doc('In, NotIn, Exists or DoesNotExist.', text()),
                values: doc('Values for In and NotIn.', list(text())),
              },
              { required: ['key', 'operator'] },
            ),
          ),
        ),
      },
      { check: checkOperators },
    ),
  )
}

function* checkOperators(selector: LabelSelector): Iterable<Finding> {
  for (const [index, { operator }] of (selector.matchExpressions ?? []).entries()) {
    if (operators.includes(operator)) continue
    yield {
      at: ['matchExpressions', index, 'operator'],
      severity: 'warning',
      code: 'unknown-value',
      message: `${JSON.stringify(operator)} is not one of ${operators.join(', ')}, so that nothing is selected`,
      mend: `Use one of ${operators.join(', ')}.`,
    }
  }
}

/** Whether labels fit a selector; an empty selector fits all, one that makes no sense fits none. */
export function selectorFits(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const own = (key: string): string | undefined => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  const wanted = Object.entries(selector.matchLabels ?? {})
  if (!wanted.every(([key, value]) => own(key) === value)) return false
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = own(key)
    if (operator === 'In') return value !== undefined && values.includes(value)
    if (operator === 'NotIn') return value === undefined || !values.includes(value)
    if (operator === 'Exists') return value !== undefined
    return operator === 'DoesNotExist' && value === undefined
  })
}
