// The codes of findings. IST codes mean what Istio's analysis means by them, so that tools and habits built on them go on
// working; WEFT codes are ours.
import type { Severity } from '../mesh-object.ts'

/** A code: its name, and how bad a finding is unless it says otherwise. */
export interface CodeDescription {
  readonly name: string
  readonly severity: Severity
}

const described = {
  WEFT0001: { name: 'NoEffectYet', severity: 'warning' },
  WEFT0002: { name: 'NoEffectOnWeftsProxyYet', severity: 'warning' },
  WEFT0003: { name: 'NoEffectOnEnvoy', severity: 'warning' },
  WEFT0101: { name: 'UnknownPort', severity: 'error' },
  WEFT0102: { name: 'ServiceSelectsNothing', severity: 'warning' },
  WEFT0103: { name: 'PolicySelectsNothing', severity: 'warning' },
  WEFT0104: { name: 'UnknownPrincipal', severity: 'warning' },
  WEFT0105: { name: 'UnreachableRule', severity: 'warning' },
  WEFT0106: { name: 'ShadowedHost', severity: 'warning' },
  WEFT0107: { name: 'ConflictingPolicies', severity: 'warning' },
  WEFT0108: { name: 'RetryStorm', severity: 'warning' },
  WEFT0109: { name: 'TimeoutShorterThanRetries', severity: 'warning' },
  WEFT0110: { name: 'ConditionOnUnboundGateway', severity: 'warning' },
  WEFT0111: { name: 'IneffectiveMatch', severity: 'info' },
  WEFT0112: { name: 'WithoutEffect', severity: 'warning' },
  WEFT0113: { name: 'TranslationNote', severity: 'warning' },
  IST0001: { name: 'InternalError', severity: 'error' },
  IST0002: { name: 'Deprecated', severity: 'warning' },
  IST0101: { name: 'ReferencedResourceNotFound', severity: 'error' },
  IST0102: { name: 'NamespaceNotInjected', severity: 'info' },
  IST0103: { name: 'PodMissingProxy', severity: 'warning' },
  IST0106: { name: 'SchemaValidationError', severity: 'error' },
  IST0107: { name: 'MisplacedAnnotation', severity: 'warning' },
  IST0108: { name: 'UnknownAnnotation', severity: 'warning' },
  // Conflicts of hosts and gateways are settled by a rule here, so they are no errors.
  IST0109: { name: 'ConflictingMeshGatewayVirtualServiceHosts', severity: 'warning' },
  IST0110: { name: 'ConflictingSidecarWorkloadSelectors', severity: 'error' },
  IST0111: { name: 'MultipleSidecarsWithoutWorkloadSelectors', severity: 'error' },
  IST0112: { name: 'VirtualServiceDestinationPortSelectorRequired', severity: 'error' },
  IST0116: { name: 'DeploymentAssociatedToMultipleServices', severity: 'warning' },
  IST0118: { name: 'PortNameIsNotUnderNamingConvention', severity: 'info' },
  IST0123: { name: 'NamespaceMultipleInjectionLabels', severity: 'warning' },
  IST0125: { name: 'InvalidAnnotation', severity: 'warning' },
  IST0126: { name: 'UnknownMeshNetworksServiceRegistry', severity: 'error' },
  IST0127: { name: 'NoMatchingWorkloadsFound', severity: 'warning' },
  // Here the system's authorities are asked instead, so the server is verified.
  IST0128: { name: 'NoServerCertificateVerificationDestinationLevel', severity: 'info' },
  IST0129: { name: 'NoServerCertificateVerificationPortLevel', severity: 'info' },
  IST0130: { name: 'VirtualServiceUnreachableRule', severity: 'warning' },
  IST0131: { name: 'VirtualServiceIneffectiveMatch', severity: 'info' },
  IST0132: { name: 'VirtualServiceHostNotFoundInGateway', severity: 'warning' },
  IST0133: { name: 'SchemaWarning', severity: 'warning' },
  IST0134: { name: 'ServiceEntryAddressesRequired', severity: 'warning' },
  IST0135: { name: 'DeprecatedAnnotation', severity: 'info' },
  IST0136: { name: 'AlphaAnnotation', severity: 'info' },
  IST0137: { name: 'DeploymentConflictingPorts', severity: 'warning' },
  IST0138: { name: 'GatewayDuplicateCertificate', severity: 'warning' },
  IST0139: { name: 'InvalidWebhook', severity: 'error' },
  IST0140: { name: 'IngressRouteRulesNotAffected', severity: 'warning' },
  IST0141: { name: 'InsufficientPermissions', severity: 'error' },
  IST0142: { name: 'UnsupportedKubernetesVersion', severity: 'error' },
  IST0143: { name: 'LocalhostListener', severity: 'error' },
  IST0144: { name: 'InvalidApplicationUID', severity: 'warning' },
  IST0145: { name: 'ConflictingGateways', severity: 'warning' },
  IST0146: { name: 'ImageAutoWithoutInjectionWarning', severity: 'warning' },
  IST0147: { name: 'ImageAutoWithoutInjectionError', severity: 'error' },
  IST0148: { name: 'NamespaceInjectionEnabledByDefault', severity: 'info' },
  IST0149: { name: 'JwtClaimBasedRoutingWithoutRequestAuthN', severity: 'error' },
  IST0150: { name: 'ExternalNameServiceTypeInvalidPortName', severity: 'warning' },
  IST0151: { name: 'EnvoyFilterUsesRelativeOperation', severity: 'warning' },
  IST0152: { name: 'EnvoyFilterUsesReplaceOperationIncorrectly', severity: 'error' },
  IST0153: { name: 'EnvoyFilterUsesAddOperationIncorrectly', severity: 'error' },
  IST0154: { name: 'EnvoyFilterUsesRemoveOperationIncorrectly', severity: 'error' },
  IST0155: { name: 'EnvoyFilterUsesRelativeOperationWithProxyVersion', severity: 'warning' },
  IST0156: { name: 'UnsupportedGatewayAPIVersion', severity: 'error' },
  IST0157: { name: 'InvalidTelemetryProvider', severity: 'warning' },
  IST0158: { name: 'PodsIstioProxyImageMismatchInNamespace', severity: 'warning' },
  IST0159: { name: 'ConflictingTelemetryWorkloadSelectors', severity: 'error' },
  IST0160: { name: 'MultipleTelemetriesWithoutWorkloadSelectors', severity: 'error' },
  IST0161: { name: 'InvalidGatewayCredential', severity: 'error' },
  IST0162: { name: 'GatewayPortNotDefinedOnService', severity: 'warning' },
  IST0163: { name: 'InvalidExternalControlPlaneConfig', severity: 'warning' },
  IST0164: { name: 'ExternalControlPlaneAddressIsNotAHostname', severity: 'info' },
  IST0165: { name: 'ReferencedInternalGateway', severity: 'warning' },
  IST0166: { name: 'IneffectiveSelector', severity: 'warning' },
  IST0167: { name: 'IneffectivePolicy', severity: 'warning' },
  IST0168: { name: 'UnknownUpgradeCompatibility', severity: 'warning' },
  IST0169: { name: 'UpdateIncompatibility', severity: 'warning' },
  IST0170: { name: 'MultiClusterInconsistentService', severity: 'warning' },
  IST0171: { name: 'NegativeConditionStatus', severity: 'warning' },
  IST0172: { name: 'FutureUnsupportedGatewayAPIVersion', severity: 'warning' },
  IST0173: { name: 'DestinationRuleSubsetNotSelectPods', severity: 'warning' },
  IST0174: { name: 'UnknownDestinationRuleHost', severity: 'warning' },
  IST0175: { name: 'JwksUriFetchUnrestricted', severity: 'warning' },
  IST0176: { name: 'GatewayAPICRDVersionBelowMinimum', severity: 'warning' },
  IST0177: { name: 'ConflictingServiceEntryProtocol', severity: 'warning' },
} satisfies Readonly<Record<string, CodeDescription>>

/** A code that findings have. */
export type FindingCode = keyof typeof described

/** Every code. */
export const codes: Readonly<Record<FindingCode, CodeDescription>> = described

/** The name of a code: `ReferencedResourceNotFound`; undefined for codes of validation, which are names themselves. */
export function nameOfCode(code: string): string | undefined {
  return Object.hasOwn(codes, code) ? codes[code as FindingCode].name : undefined
}
