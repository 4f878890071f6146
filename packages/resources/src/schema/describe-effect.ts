// Sentences about fields that are understood but have no effect, or are refused.
import type { PathStep } from '../field-path.ts'
import type { LocatedFinding, Pending } from './schema.ts'

/** Code of a field without effect, whichever proxy is the data plane. */
export const pendingCode = 'WEFT0001'

/** Code of a field that Envoy obeys and Weft's own proxy does not. */
export const pendingOnWeftCode = 'WEFT0002'

/** Code of a field that Weft's own proxy obeys and Envoy does not. */
export const pendingOnEnvoyCode = 'WEFT0003'

/** Whose proxies are the data plane of a mesh. */
export type DataPlane = 'weft' | 'envoy'

/** Code of a finding that refuses an object where Weft's own proxy is the data plane, and is nothing elsewhere. */
export const refusedOnWeftCode = 'refused-on-weft'

/** The finding for what only Envoy enforces: `atTheDoor` makes of it what it means for a mesh. */
export function refusedOnWeftFinding(at: readonly PathStep[], mend: string): LocatedFinding {
  const message = "is not enforced by Weft's own proxy yet"
  return {
    at,
    severity: 'info',
    code: refusedOnWeftCode,
    message,
    mend: `Run the mesh on Envoy (--proxy envoy). ${mend}`,
  }
}

/** What a finding means where these proxies are the data plane: what Weft's own proxy does not enforce is refused there. */
export function atTheDoor(findings: readonly LocatedFinding[], dataPlane: DataPlane): LocatedFinding[] {
  return findings.flatMap((finding) => {
    if (finding.code === pendingOnEnvoyCode) return dataPlane === 'envoy' ? [finding] : []
    if (finding.code !== refusedOnWeftCode) return [finding]
    if (dataPlane === 'envoy') return []
    const { severity: _, ...rest } = finding
    return [{ ...rest, code: finding.at.join('.') === 'kind' ? 'unsupported-kind' : 'unsupported-field' }]
  })
}

/** The finding for a written field without effect. */
export function pendingFinding(at: readonly PathStep[], pending: Pending): LocatedFinding {
  if (pending.proxies === 'weft') {
    const message = `has no effect on Weft's own proxy yet: ${pending.effect}`
    const mend = 'Run the mesh on Envoy (--proxy envoy), or remove it.'
    return { at, severity: 'info', code: pendingOnWeftCode, message, mend }
  }
  if (pending.proxies === 'envoy') {
    const message = `has no effect where Envoy is the proxy: ${pending.effect}`
    const mend = "Run the mesh on Weft's own proxy (--proxy weft), or do not rely on it."
    return { at, severity: 'warning', code: pendingOnEnvoyCode, message, mend }
  }
  const message = `is understood but has no effect yet: ${pending.effect}`
  return { at, severity: 'warning', code: pendingCode, message, mend: 'Remove it, or do not rely on it.' }
}

/** The finding for a written field that refuses its object. */
export function refusedFinding(at: readonly PathStep[], mend: string): LocatedFinding {
  return { at, code: 'unsupported-field', message: 'is not supported by Weft yet', mend }
}
