export { applyChanges, type ConfigChanges, emptyConfig } from './compile/apply-changes.ts'
export { compileCluster } from './compile/cluster.ts'
export { type Compile, compile } from './compile/compile.ts'
export { compileEndpoints } from './compile/endpoints.ts'
export { compileFormat } from './compile/format.ts'
export { compileListener } from './compile/listener.ts'
export type { CompileError, CompileOptions } from './compile/refusal.ts'
export { compileRouteConfig } from './compile/route-config.ts'
export { authorize, type RbacVerdict } from './decide/authorize.ts'
export { chainName } from './decide/chain-steps.ts'
export { chooseCluster, chooseTcpCluster, type ClusterChoice } from './decide/cluster-choice.ts'
export { decideFault, type FaultDecision, type FaultDraws } from './decide/fault.ts'
export { matchFilterChain } from './decide/filter-chain.ts'
export { filterOverride, isFilterEnabled, type Routed } from './decide/filter-override.ts'
export { formatText, type ReadOperator } from './decide/format-text.ts'
export { editHeaders, headerLevels, type HeaderTarget } from './decide/header-edits.ts'
export { type NormalizedPath, normalizePath } from './decide/normalize-path.ts'
export { redirectResponse, type Rewritten, rewriteRequest } from './decide/rewrite.ts'
export { decideRoute, matchRoute, type RouteDecision, routeName } from './decide/route.ts'
export { type EffectiveTimeouts, effectiveTimeouts } from './decide/timeouts.ts'
export { transportSocketFor } from './decide/transport-socket.ts'
export { virtualClusterName } from './decide/virtual-cluster.ts'
export { matchVirtualHost, withoutPort } from './decide/virtual-host.ts'
export { inCidr, isLoopback, makeCidr, parseAddress } from './match/cidr.ts'
export { closure, makeRule } from './match/closure.ts'
export { evaluate } from './match/interpret.ts'
export type * from './model.ts'
export type * from './predicate.ts'
export { failedConditions, predicateText } from './prove/describe.ts'
export { overlay } from './prove/overlay.ts'
export type * from './prove/proof.ts'
export { admits, type BreakerUse, noUse, used } from './reduce/circuit-breaker.ts'
export { makePicker, type Pick, type PickContext, type Picker } from './reduce/picker.ts'
export {
  type AttemptOutcome,
  backOffMs,
  effectiveRetryPolicy,
  isIdempotent,
  type RetryState,
  type RetryVerdict,
  retryVerdict,
} from './reduce/retry-plan.ts'
export { fullBucket, takeTokens, type TokenBucket, type TokenBucketSpec } from './reduce/token-bucket.ts'
export * from './request-head.ts'
