// What a customer does, as checks that hold with and without a mesh.
import type { Check } from './check-context.ts'

export const journeyChecks: readonly Check[] = []
