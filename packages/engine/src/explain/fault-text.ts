import type { Fault } from '../model.ts'

/** What a fault filter does with one request, in words. `delayMs`, `status`: what was drawn. */
export function faultText(fault: Fault, delayMs: number | undefined, status: number | undefined): string {
  const share = (part: { readonly numerator: number; readonly denominator: number }) =>
    `${(part.numerator * 100) / part.denominator} % of requests`
  const parts: string[] = []
  if (fault.delay !== undefined) {
    parts.push(
      delayMs === undefined
        ? `no delay (${share(fault.delay)} would have one)`
        : `delay of ${delayMs} ms (${share(fault.delay)})`,
    )
  }
  if (fault.abort !== undefined) {
    parts.push(
      status === undefined
        ? `no abort (${share(fault.abort)} would be)`
        : `abort with ${status} (${share(fault.abort)})`,
    )
  }
  return parts.join(', ')
}
