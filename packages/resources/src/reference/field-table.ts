// The reference of all fields, as Markdown.
import { apiVersionsOf } from '../definitions.ts'
import type { KindDefinition } from '../kind-definition.ts'
import { groupOfKind, writtenKind } from '../kinds.ts'
import { pendingCode, pendingOnEnvoyCode, pendingOnWeftCode } from '../schema/describe-effect.ts'
import { type FieldRow, fieldRows } from './field-status.ts'

/** Finds the golden case that shows a field; undefined: none. */
export type ShownBy = (definition: KindDefinition, row: FieldRow) => string | undefined

const head = `# Fields

Written by \`packages/resources/scripts/fields.ts\` from the schemas; a test fails when this file is stale, when a field has no line, and when an effective field is
in no golden case. The columns **Envoy** and **Weft** are the two data planes.

- **effective**: translated. The last column names the case below \`packages/control/golden\` whose input has the field; taking it away changes what is sent, or what the status says.
- **reported**: accepted and without effect. Each written field is a finding: \`${pendingCode}\` whichever proxy is the data plane, \`${pendingOnWeftCode}\` where Envoy obeys it and Weft's own proxy does not, \`${pendingOnEnvoyCode}\` the other way round.
- **refused**: the object is not taken, and the message says what to do instead.
- **context**: Kubernetes reads the field, and it says nothing to a mesh: accepted without a finding. So is any other field below \`spec\` of a Pod.
`

/** The whole file. */
export function fieldReference(definitions: readonly KindDefinition[], shownBy: ShownBy): string {
  const sections = definitions.map((definition) => section(definition, shownBy))
  return `${[head, ...sections].join('\n')}`
}

function section(definition: KindDefinition, shownBy: ShownBy): string {
  const rows = fieldRows(definition)
  return `## ${writtenKind(definition.kind)} (${groupOfKind[definition.kind] === '' ? 'core' : groupOfKind[definition.kind]})
${definition.description === undefined ? '' : `\n${definition.description}\n`}
${apiVersionsOf(definition).join(', ')}: ${counts(rows)}.${definition.refused === undefined ? '' : ` Refused as a whole: ${definition.refused}`}

| field | value | what it is for | Envoy | Weft | why, or shown by |
| --- | --- | --- | --- | --- | --- |
${rows.map((row) => line(definition, row, shownBy)).join('\n')}
`
}

function counts(rows: readonly FieldRow[]): string {
  const fields = rows.filter(({ value }) => value === undefined)
  const of = (proxy: 'envoy' | 'weft'): string =>
    (['effective', 'reported', 'refused', 'context'] as const)
      .filter((status) => status !== 'context' || fields.some((row) => row[proxy] === status))
      .map((status) => `${fields.filter((row) => row[proxy] === status).length} ${status}`)
      .join(', ')
  return `${fields.length} fields; Envoy: ${of('envoy')}; Weft: ${of('weft')}`
}

function line(definition: KindDefinition, row: FieldRow, shownBy: ShownBy): string {
  const shown = row.envoy === 'effective' || row.weft === 'effective' ? (shownBy(definition, row) ?? '') : ''
  const last = [row.why, shown].filter((part) => part !== undefined && part !== '').join('; ')
  const type = `${row.type}${row.required ? ', required' : ''}`
  const cells = [`\`${row.path}\``, type, row.doc, row.envoy, row.weft, last]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
