// Which of Istio's analysis codes says the same as a finding, so that tools and habits built on them go on working.
import type { Problem } from '../mesh-object.ts'

const anyKind: Readonly<Record<string, string>> = {
  'unknown-gateway': 'IST0101',
  'unknown-subset': 'IST0101',
  'duplicate-host': 'IST0109',
  'host-conflict': 'IST0109',
  'undeclared-protocol': 'IST0118',
  'host-not-on-gateway': 'IST0132',
  'no-addresses': 'IST0134',
  'gateway-conflict': 'IST0145',
  'empty-subset': 'IST0173',
}

const byKind: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  VirtualService: { 'unknown-host': 'IST0101' },
  DestinationRule: { 'unknown-host': 'IST0174' },
  Gateway: { 'selects-nothing': 'IST0101' },
  AuthorizationPolicy: { 'selects-nothing': 'IST0127' },
}

/** The code of Istio for a finding; every error of a schema is IST0106. Undefined: Istio has none. */
export function istioCodeOf({ code, severity, objectId, field }: Problem): string | undefined {
  if (code === 'unverified-by-istio') return field.includes('portLevelSettings') ? 'IST0129' : 'IST0128'
  const same = byKind[objectId?.kind ?? '']?.[code] ?? anyKind[code]
  if (same !== undefined) return same
  return severity === 'error' && objectId !== undefined && !code.startsWith('duplicate-object') ? 'IST0106' : undefined
}
