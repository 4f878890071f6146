export { compileCluster } from './compile/cluster.ts'
export { type Compile, compile } from './compile/compile.ts'
export { compileEndpoints } from './compile/endpoints.ts'
export { emptyConfig } from './compile/empty-config.ts'
export { compileListener } from './compile/listener.ts'
export type { CompileError, CompileOptions } from './compile/refusal.ts'
export { compileRouteConfig } from './compile/route-config.ts'
export { authorize } from './decide/authorize.ts'
export { chooseCertificate } from './decide/choose-certificate.ts'
export { chooseCluster, chooseTcpCluster } from './decide/cluster-choice.ts'
export { decideCors } from './decide/cors.ts'
export { type DynamicHost, dynamicEndpoint, dynamicHost, literalAddress } from './decide/dynamic-host.ts'
export { decideFault, type FaultDecision } from './decide/fault.ts'
export { matchFilterChain } from './decide/filter-chain.ts'
export { filterOverride, isFilterEnabled, type Routed } from './decide/filter-override.ts'
export { formatText } from './decide/format-text.ts'
export { connectionHash, type RequestHash, requestHash } from './decide/request-hash.ts'
export { editHeaders, fixedAdditions, headerLevels, type HeaderTarget, receivedValue } from './decide/header-edits.ts'
export { grpcStatusOf, isGrpcType } from './decide/grpc-status.ts'
export {
  followRedirect,
  notRedirected,
  type RedirectsSoFar,
  type RedirectVerdict,
} from './decide/internal-redirect.ts'
export { dueMirrors, type Mirror, shadowHost } from './decide/mirrors.ts'
export { normalizePath, requestPath } from './decide/normalize-path.ts'
export { isRegisteredMethod } from './decide/registered-methods.ts'
export { originalDestination } from './decide/original-destination.ts'
export {
  directLocation,
  redirectResponse,
  replacesHost,
  type Rewritten,
  rewriteRequest,
  rewrittenHead,
} from './decide/rewrite.ts'
export { decideRoute, decideRouteIn, type RouteDecision } from './decide/route.ts'
export { matchVirtualHost } from './decide/virtual-host.ts'
export { type EffectiveTimeouts, effectiveTimeouts, grpcTimeoutText } from './decide/timeouts.ts'
export { passedMetadata, proxyProtocolFor, transportSocketFor } from './decide/transport-socket.ts'
export { expectedNames, type TunnelTarget, tunnelTarget } from './decide/tunnel.ts'
export { namedEndpoint } from './decide/upstream-names.ts'
export { virtualClusterName } from './decide/virtual-cluster.ts'
export type { Hash64 } from './hash/xx-hash64.ts'
export { withoutPort } from './match/authority.ts'
export { inCidr, isLoopback, makeCidr, parseAddress } from './match/cidr.ts'
export { testValue } from './match/value-test.ts'
export type * from './model.ts'
export type * from './predicate.ts'
export { overlay } from './prove/overlay.ts'
export type * from './prove/proof.ts'
export { recordTo } from './prove/record-to.ts'
export { admits } from './reduce/circuit-breaker.ts'
export { RecentRequests } from './reduce/recent-requests.ts'
export { type EjectionScope, OutlierDetector, type RequestResult } from './reduce/outlier-detector.ts'
export { pickWanted, type WantedEndpoint } from './decide/wanted-endpoint.ts'
export { concerns, sessionEndpoint, sessionLine } from './decide/session.ts'
export { makePicker, type Pick, type Picker } from './reduce/picker.ts'
export {
  type AttemptOutcome,
  backOffMs,
  effectiveRetryPolicy,
  hedgeVerdict,
  isIdempotent,
  isRepeated,
  noRetries,
  type RetryState,
  type RetryVerdict,
  retryVerdict,
} from './reduce/retry-plan.ts'
export { RetryPriorities } from './reduce/retry-priorities.ts'
export { computeValue, type ReadAttribute } from './decide/compute-value.ts'
export { RateLimiter } from './reduce/rate-limiter.ts'
export * from './request-head.ts'
export { explain, explainTcp } from './explain/explain.ts'
export type * from './explain/explanation.ts'
export { walkProxy } from './explain/walk-proxy.ts'
