// Writes docs/reference/fields.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allKinds } from '../src/definitions.ts'
import { fieldReference } from '../src/reference/field-table.ts'
import { goldenCases } from './golden-inputs.ts'

writeFileSync(join(import.meta.dirname, '../../../docs/reference/fields.md'), fieldReference(allKinds(), goldenCases()))
