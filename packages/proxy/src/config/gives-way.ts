import type { LeafFacts } from './secret-source.ts'

/**
 * Whether connections made with the certificate `shown` give way to ones that show the `present` one: when it is another identity, or when less
 * than half of the life that the present one has is left to it. Certificates are renewed at half their life, so as a rule that is at each
 * rotation; rotations in quick succession cost no handshakes (Envoy keeps connections through all of them).
 */
export function givesWay(shown: LeafFacts | undefined, present: LeafFacts | undefined, wallMs: number): boolean {
  if (shown === undefined || present === undefined) return shown !== present
  if (shown.serial === present.serial) return false
  return shown.spiffeId !== present.spiffeId || shown.notAfterMs - wallMs < (present.notAfterMs - wallMs) / 2
}
