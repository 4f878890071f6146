// What the mesh does to the shop's requests, seen from outside.
import type { Check } from './check-context.ts'

export const meshChecks: readonly Check[] = []
