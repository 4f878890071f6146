// Values as YAML, one document each.
import { stringify } from 'yaml'

/** YAML that `parseFile` reads again. */
export function printDocuments(documents: readonly unknown[]): string {
  return documents
    .map((document) => stringify(document, { lineWidth: 120, aliasDuplicateObjects: false }))
    .join('---\n')
}
