// Every check, in the order in which one object's findings are made.
import type { Check } from '../check.ts'
import { annotations } from './annotations.ts'
import { attachedPolicies } from './attached-policies.ts'
import { authorizationPolicies } from './authorization-policies.ts'
import { conditions } from './conditions.ts'
import { controlPlanes } from './control-planes.ts'
import { deprecatedFields } from './deprecated.ts'
import { destinationRules } from './destination-rules.ts'
import { dynamicHosts } from './dynamic-hosts.ts'
import { endpointSources } from './endpoint-sources.ts'
import { envoyFilters } from './envoy-filters.ts'
import { gateways } from './gateways.ts'
import { injection } from './injection.ts'
import { policyConflicts } from './policy-conflicts.ts'
import { retries } from './retries.ts'
import { ruleOrder } from './rule-order.ts'
import { serviceEntries } from './service-entries.ts'
import { services } from './services.ts'
import { telemetry } from './telemetry.ts'
import { virtualServiceGateways } from './virtual-service-gateways.ts'
import { virtualServiceHostConflicts } from './virtual-service-host-conflicts.ts'
import { virtualServiceReferences } from './virtual-service-references.ts'
import { workloadSelectors } from './workload-selectors.ts'

/** All checks. */
export const checks: readonly Check[] = [
  ...virtualServiceReferences,
  ...dynamicHosts,
  ...virtualServiceGateways,
  ...virtualServiceHostConflicts,
  ...ruleOrder,
  ...retries,
  ...destinationRules,
  ...serviceEntries,
  ...services,
  ...endpointSources,
  ...gateways,
  ...workloadSelectors,
  ...policyConflicts,
  ...attachedPolicies,
  ...authorizationPolicies,
  ...envoyFilters,
  ...telemetry,
  ...injection,
  ...controlPlanes,
  ...deprecatedFields,
  ...annotations,
  ...conditions,
]
