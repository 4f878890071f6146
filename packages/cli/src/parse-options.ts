// Values of options, parsed once for all commands.
import { isIP } from 'node:net'
import { parseTrustDomain as trustDomainOf } from '@weft/identity'
import { InvalidArgumentError } from 'commander'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `500ms`, `60s`, `5m`, `24h` as milliseconds. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  const valueMs = Number(match?.[1]) * (UNITS_MS[match?.[2] ?? ''] ?? Number.NaN)
  if (!Number.isFinite(valueMs) || valueMs <= 0) throw new InvalidArgumentError('Write it like 500ms, 60s, 5m or 24h.')
  return valueMs
}

/** A TCP port; 0 is any free one. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.')
  return port
}

/** A trust domain as SPIFFE allows it, bare or as an id of it (`spiffe://corp.example`). */
export function parseTrustDomain(text: string): string {
  const parsed = trustDomainOf(text)
  if (!parsed.ok)
    throw new InvalidArgumentError(`It is no SPIFFE trust domain: ${parsed.error}. Write it like cluster.local.`)
  return parsed.value
}

/** `127.0.0.1`, `127.0.0.1:5353`, `::1`, `[::1]:5353`, in addition to those before it; port 53 unless written. */
export function parseNameServer(
  text: string,
  before: readonly { readonly address: string; readonly port: number }[] = [],
): readonly { readonly address: string; readonly port: number }[] {
  const match = isIP(text) === 6 ? [text, text] : /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text)
  const [, bracketed, plain, port = '53'] = match ?? []
  const address = bracketed ?? plain ?? ''
  if (isIP(address) === 0)
    throw new InvalidArgumentError('Write an IP address, or one with a port, like 127.0.0.1:5353.')
  return [...before, { address, port: parsePort(port) }]
}
