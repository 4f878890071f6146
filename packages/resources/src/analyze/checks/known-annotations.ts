// Istio's annotations: where they belong, how settled they are, what their values look like.

/** One annotation. */
export interface KnownAnnotation {
  /** The kinds it belongs on; empty for any. */
  readonly on: readonly string[]
  readonly state: 'stable' | 'alpha' | 'deprecated'
  /** What is wrong with a value; undefined when nothing is. */
  readonly check?: (value: string) => string | undefined
}

type Row = readonly [names: string, on: string, state: KnownAnnotation['state'], check?: KnownAnnotation['check']]

const number = (value: string): string | undefined => (/^\d{1,9}$/.test(value) ? undefined : 'a whole number')
const truth = (value: string): string | undefined => (/^(true|false)$/i.test(value) ? undefined : 'true or false')
const mode = (value: string): string | undefined =>
  ['REDIRECT', 'TPROXY', 'NONE'].includes(value) ? undefined : 'REDIRECT, TPROXY or NONE'
const ports = (value: string): string | undefined =>
  /^(\*|(\d{1,5}(,\d{1,5})*)?)$/.test(value.replace(/\s/g, '')) ? undefined : 'ports with commas between them, or *'
const ranges = (value: string): string | undefined =>
  /^(\*|([0-9a-fA-F:.]+\/\d{1,3}(,[0-9a-fA-F:.]+\/\d{1,3})*)?)$/.test(value.replace(/\s/g, ''))
    ? undefined
    : 'address ranges (CIDR) with commas between them, or *'

const sidecar = 'sidecar.istio.io/'
const traffic = 'traffic.sidecar.istio.io/'
const readiness = 'readiness.status.sidecar.istio.io/'

/** Names after a common prefix, apart by spaces. */
const rows: readonly (readonly [prefix: string, ...Row])[] = [
  [sidecar, 'inject', 'Pod', 'stable', truth],
  [sidecar, 'interceptionMode', 'Pod', 'alpha', mode],
  [sidecar, 'rewriteAppHTTPProbers enableCoreDump nativeSidecar', 'Pod', 'alpha', truth],
  [
    sidecar,
    'status proxyImage proxyImageType proxyCPU proxyCPULimit proxyMemory proxyMemoryLimit bootstrapOverride userVolume userVolumeMount logLevel componentLogLevel agentLogLevel extraStatTags statsHistogramBuckets statsCompression statsEvictionInterval',
    'Pod',
    'alpha',
  ],
  [
    sidecar,
    'controlPlaneAuthPolicy discoveryAddress statsInclusionPrefixes statsInclusionSuffixes statsInclusionRegexps',
    'Pod',
    'deprecated',
  ],
  ['status.sidecar.istio.io/', 'port', 'Pod', 'alpha', number],
  [readiness, 'initialDelaySeconds periodSeconds failureThreshold', 'Pod', 'alpha', number],
  [readiness, 'applicationPorts', 'Pod', 'alpha', ports],
  [traffic, 'includeOutboundIPRanges excludeOutboundIPRanges', 'Pod', 'alpha', ranges],
  [traffic, 'includeInboundPorts excludeInboundPorts includeOutboundPorts excludeOutboundPorts', 'Pod', 'alpha', ports],
  [traffic, 'kubevirtInterfaces excludeInterfaces', 'Pod', 'alpha'],
  ['prometheus.istio.io/', 'merge-metrics', 'Pod', 'alpha', truth],
  ['proxy.istio.io/', 'config', 'Pod', 'stable'],
  ['proxy.istio.io/', 'overrides', 'Pod', 'alpha'],
  ['inject.istio.io/', 'templates', 'Pod', 'alpha'],
  ['ambient.istio.io/', 'redirection bypass-inbound-capture dns-capture', 'Pod', 'stable'],
  ['istio.io/', 'rev reroute-virtual-interfaces', 'Pod', 'stable'],
  ['alpha.istio.io/', 'kubernetes-serviceaccounts canonical-serviceaccounts', 'Service', 'deprecated'],
  ['alpha.istio.io/', 'identity', 'Pod', 'deprecated'],
  ['networking.istio.io/', 'exportTo', 'Service', 'alpha'],
  ['networking.istio.io/', 'traffic-distribution', 'Service', 'alpha'],
  ['networking.istio.io/', 'service-type address-type', 'Gateway', 'alpha'],
  // Written by control planes on whatever they make.
  ['gateway.istio.io/', 'controller-version name-override service-account managed', '', 'stable'],
  ['kubernetes.io/', 'ingress.class', 'Ingress', 'stable'],
  ['install.operator.istio.io/', 'chart-owner owner-generation version', '', 'stable'],
  ['galley.istio.io/', 'analyze-suppress', '', 'stable'],
  ['istio.io/', 'dry-run', 'AuthorizationPolicy', 'alpha', truth],
  ['istio.io/', 'autoRegistrationGroup workloadController connectedAt disconnectedAt', 'WorkloadEntry', 'alpha'],
]

/** Every annotation by name. */
export const knownAnnotations: ReadonlyMap<string, KnownAnnotation> = new Map(
  rows.flatMap(([prefix, names, on, state, check]) =>
    names
      .split(' ')
      .map((name): [string, KnownAnnotation] => [
        prefix + name,
        { on: on === '' ? [] : [on], state, ...(check === undefined ? {} : { check }) },
      ]),
  ),
)
