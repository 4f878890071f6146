// Schema of Istio's WorkloadEntry.
import { object, pending, type Schema } from '../../schema/schema.ts'
import { checkWorkload, workloadFields } from '../match-schema.ts'

const noEndpoint = 'it is no endpoint of any host; write `endpoints` in the ServiceEntry'

/** Schema of `spec`. */
export const workloadEntrySchema: Schema = object(
  Object.fromEntries(Object.entries(workloadFields).map(([name, field]) => [name, pending(noEndpoint, field)])),
  { check: checkWorkload },
)
