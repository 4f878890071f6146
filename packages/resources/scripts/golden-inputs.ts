// The inputs of the control plane's golden cases, as what shows that a field is translated.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { isWrittenAs } from '../src/definitions.ts'
import type { ShownBy } from '../src/reference/field-table.ts'
import { writes } from '../src/reference/written-fields.ts'

const golden = join(import.meta.dirname, '../../control/golden')

interface Input {
  readonly name: string
  readonly objects: readonly { readonly apiVersion?: unknown; readonly kind?: unknown }[]
}

function readInputs(): Input[] {
  return globSync('**/in.yaml', { cwd: golden })
    .sort()
    .map((path) => {
      const documents = parseAllDocuments(readFileSync(join(golden, path), 'utf8'))
      const objects = Array.isArray(documents)
        ? documents.map((document) => document.toJS() as Input['objects'][0])
        : []
      return { name: dirname(path), objects: objects.filter((object) => object !== null) }
    })
}

/** The first golden case, by name, that writes a field. */
export function goldenCases(): ShownBy {
  const inputs = readInputs()
  return (definition, row) =>
    definition.shownBy ??
    inputs.find(({ objects }) => objects.some((object) => isWrittenAs(definition, object) && writes(object, row)))?.name
}
