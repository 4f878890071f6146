// What each field of a kind does, read off its schema: the one source of validation, findings and the reference.
import type { KindDefinition } from '../kind-definition.ts'
import type { Pending, Schema } from '../schema/schema.ts'

/** What a data plane does about a field. */
export type FieldStatus = 'effective' | 'refused' | 'reported' | 'context'

/** One field (or one value of a field) of a kind. */
export interface FieldRow {
  /** `spec.http[].match[].headers.<name>.exact`; a value that differs from its field: `spec.action: CUSTOM`. */
  readonly path: string
  /** The same as steps; `[]` and `<>` stand for any item and any key. Values have the steps of their field. */
  readonly steps: readonly string[]
  /** Set for a row about one value. */
  readonly value?: string
  readonly type: string
  readonly required: boolean
  readonly doc: string
  readonly envoy: FieldStatus
  readonly weft: FieldStatus
  /** Why it is not effective: what does not happen, or what the refusal says. */
  readonly why: string | undefined
}

interface Above {
  readonly refused: string | undefined
  readonly refusedOnWeft?: string | undefined
  readonly pending: Pending | undefined
  readonly context: boolean
}

/** Every field of a kind, in the order of its schema; values that are treated otherwise than their field follow it. */
export function fieldRows(definition: KindDefinition): FieldRow[] {
  const root = definition.root === 'top' ? [] : ['spec']
  const { refused, refusedOnWeft, pending } = definition
  return rowsBelow(definition.spec, root, { refused, refusedOnWeft, pending, context: false })
}

/** What has no effect on a proxy has none on it further down either. */
function narrower(above: Pending | undefined, own: Pending | undefined): Pending | undefined {
  if (above === undefined || own === undefined) return above ?? own
  if (above.proxies === 'all') return above
  return own.proxies === above.proxies ? own : { ...own, proxies: 'all' }
}

function rowsBelow(schema: Schema, steps: readonly string[], above: Above): FieldRow[] {
  const known = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const inherited = {
      refused: above.refused ?? field['x-refused'],
      refusedOnWeft: above.refusedOnWeft ?? field['x-refused-weft'],
      pending: narrower(above.pending, field['x-pending']),
      context: above.context || field['x-context'] === true,
    }
    const { leaf, suffix } = unwrap(field)
    const at = [...steps, name, ...suffix]
    const row: FieldRow = {
      path: pathOf(at),
      steps: at,
      type: typeOf(leaf),
      required: schema.required?.includes(name) === true,
      doc: field.description ?? leaf.description ?? '',
      ...statusOf(inherited),
    }
    return [row, ...valueRows(row, leaf, inherited), ...rowsBelow(leaf, at, inherited)]
  })
  const unknown = Object.entries(schema['x-unsupported'] ?? {}).map(([name, mend]): FieldRow => {
    const at = [...steps, name]
    const refused = statusOf({ refused: mend, pending: undefined, context: false })
    return { path: pathOf(at), steps: at, type: 'anything', required: false, doc: 'Not part of this kind.', ...refused }
  })
  return [...known, ...unknown]
}

function valueRows(row: FieldRow, leaf: Schema, above: Above): FieldRow[] {
  const refused = Object.entries(leaf['x-unsupported-values'] ?? {}).map(([value, mend]) =>
    valueRow(row, value, { refused: above.refused ?? mend, pending: undefined, context: false }),
  )
  const pending = Object.entries(leaf['x-pending-values'] ?? {}).map(([value, each]) =>
    valueRow(row, value, { refused: above.refused, pending: narrower(above.pending, each), context: false }),
  )
  const onWeft = Object.entries(leaf['x-refused-weft-values'] ?? {}).map(([value, mend]) =>
    valueRow(row, value, { ...above, refusedOnWeft: above.refusedOnWeft ?? mend }),
  )
  return [...refused, ...onWeft, ...pending]
}

function valueRow(row: FieldRow, value: string, status: Above): FieldRow {
  return { ...row, path: `${row.path}: ${value}`, value, type: 'value', doc: '', required: false, ...statusOf(status) }
}

function statusOf({ refused, refusedOnWeft, pending, context }: Above): Pick<FieldRow, 'envoy' | 'weft' | 'why'> {
  if (refused !== undefined) return { envoy: 'refused', weft: 'refused', why: refused }
  if (refusedOnWeft !== undefined) {
    const envoy = pending === undefined || pending.proxies === 'weft' ? 'effective' : 'reported'
    return { envoy, weft: 'refused', why: `Weft: ${refusedOnWeft}` }
  }
  if (context) return { envoy: 'context', weft: 'context', why: undefined }
  if (pending === undefined) return { envoy: 'effective', weft: 'effective', why: undefined }
  const { proxies, effect } = pending
  const on = (proxy: 'envoy' | 'weft'): FieldStatus =>
    proxies === 'all' || proxies === proxy ? 'reported' : 'effective'
  return { envoy: on('envoy'), weft: on('weft'), why: effect }
}

/** Looks through lists and maps. */
function unwrap(schema: Schema): { readonly suffix: readonly string[]; readonly leaf: Schema } {
  const inner = schema.items ?? (schema.properties === undefined ? schema.additionalProperties || undefined : undefined)
  if (inner === undefined) return { suffix: [], leaf: schema }
  const { suffix, leaf } = unwrap(inner)
  return { suffix: [schema.items === undefined ? '<>' : '[]', ...suffix], leaf }
}

function pathOf(steps: readonly string[]): string {
  return steps
    .map((step) => (step === '[]' ? step : step === '<>' ? '.<name>' : `.${step}`))
    .join('')
    .slice(1)
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.join(', ')
  if (schema.properties !== undefined) return 'fields'
  if (schema.type === undefined) return 'anything'
  const type = typeof schema.type === 'string' ? schema.type : schema.type.join(' or ')
  if (schema.format !== undefined && schema.format !== 'no-nul' && schema.format !== 'not-empty')
    return schema.format.replaceAll('-', ' ')
  const { minimum, maximum } = schema
  const bounds = minimum === undefined || (maximum ?? 0) > 1e15 ? '' : `, ${minimum} to ${maximum}`
  return `${type === 'string' ? 'text' : type}${bounds}`
}
