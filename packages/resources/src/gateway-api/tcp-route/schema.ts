// Schemas of TCPRoute and UDPRoute, and of what TLSRoute shares with them.
import { doc, list, object, type Schema } from '../../schema/schema.ts'
import { parentRefs, ruleNames, sectionName, useDefaultGateways, weightedBackend } from '../references.ts'

const rule = object(
  {
    name: sectionName('Name of the rule.'),
    backendRefs: doc('Where the traffic goes, by weight.', list(weightedBackend(), { min: 1, max: 16 })),
  },
  { required: ['backendRefs'] },
)

/** Fields of a route for streams or datagrams with at most so many rules. */
export function streamRouteFields(maxRules: number): Readonly<Record<string, Schema>> {
  const rules = list(rule, { min: 1, max: maxRules, ...(maxRules > 1 ? { check: ruleNames } : {}) })
  return { parentRefs, useDefaultGateways, rules: doc('The rule of the route.', rules) }
}

/** Schema of `spec`. */
export const streamRouteSchema: Schema = object(streamRouteFields(1), { required: ['rules'] })

/** Schema of `spec` before v1. */
export const oldStreamRouteSchema: Schema = object(streamRouteFields(16), { required: ['rules'] })
