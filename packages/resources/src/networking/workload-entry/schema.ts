// Schema of Istio's WorkloadEntry.
import { object, type Schema } from '../../schema/schema.ts'
import { checkWorkload, workloadFields } from '../match-schema.ts'

/** Schema of `spec`. */
export const workloadEntrySchema: Schema = object(workloadFields, { check: checkWorkload })
