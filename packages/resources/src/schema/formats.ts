// Text formats: each says why a text does not fit, in plain English.
import { parse as parseCel } from '@bufbuild/cel'
import { RE2JS } from 're2js'
import { parseDurationMs } from '../duration.ts'
import { kubernetesFormats } from './kubernetes-formats.ts'
import { type Format, type FormatFault, patternOf, shaped, shown } from './shaped.ts'

function duration(text: string): FormatFault | undefined {
  const ms = parseDurationMs(text)
  if (ms === undefined) {
    const mend = /^\d+(\.\d+)?$/.test(text)
      ? `Add a unit: ${JSON.stringify(`${text}s`)} for seconds, ${JSON.stringify(`${text}ms`)} for milliseconds.`
      : 'Write a number with a unit, like 500ms, 1.5s or 2m.'
    return { code: 'bad-duration', message: `${shown(text)} is not a duration`, mend }
  }
  if (ms > 0 && ms < 1) return outOfRange(text, 'is shorter than the smallest duration, 1ms', '1ms')
  if (ms > 365 * 86_400_000) return outOfRange(text, 'is longer than a year', '8760h')
  return undefined
}

function outOfRange(text: string, why: string, bound: string): FormatFault {
  return {
    code: 'out-of-range',
    message: `${shown(text)} ${why}`,
    mend: `Write a duration from 1ms to 8760h, e.g. ${bound}.`,
  }
}

function positiveDuration(text: string): FormatFault | undefined {
  if (parseDurationMs(text) === 0) return outOfRange(text, 'must be longer than zero', '1s')
  return duration(text)
}

function regex(text: string): FormatFault | undefined {
  if (text.length > 1024) return { code: 'bad-regex', message: 'is longer than 1024 characters', mend: 'Shorten it.' }
  try {
    RE2JS.compile(text)
    return undefined
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const mend = 'Write an RE2 regular expression (no backreferences, no look-around); it must match the whole value.'
    return { code: 'bad-regex', message: `${shown(text)} is not a regular expression of RE2: ${why}`, mend }
  }
}

function cel(text: string): FormatFault | undefined {
  if (text.length > 2048) return { code: 'bad-cel', message: 'is longer than 2048 characters', mend: 'Shorten it.' }
  try {
    parseCel(text)
    return undefined
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    const mend = 'Write an expression such as response.code >= 400.'
    return { code: 'bad-cel', message: `${shown(text)} is not a CEL expression: ${shortened(why)}`, mend }
  }
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}...` : text
}

function cidr(text: string): FormatFault | undefined {
  const [address = '', prefix, ...rest] = text.split('/')
  const v4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(address)
  const v6 = address.includes(':') && isIpv6(address)
  const bits = prefix === undefined ? 0 : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (rest.length === 0 && (v4 || v6) && bits <= (v4 ? 32 : 128)) return undefined
  const mend = 'Write an address or a range like 10.1.0.0/16 or 2001:db8::/32.'
  return { code: 'bad-format', message: `${shown(text)} is not an IP address or range`, mend }
}

/** IPv6 in the textual forms of RFC 4291 section 2.2, without zone and without embedded IPv4. */
function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  return (
    groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) &&
    (halves.length === 2 ? groups.length < 8 : groups.length === 8)
  )
}

const portDigits = '[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d\\d|655[0-2]\\d|6553[0-5]'
const dnsLabel = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const dnsName = `${dnsLabel}(?:\\.${dnsLabel})*`

/** An IP address, a host name, or a Unix socket. */
function workloadAddress(text: string): FormatFault | undefined {
  const refuse = (message: string, mend: string): FormatFault => ({ code: 'bad-format', message, mend })
  if (text.startsWith('unix://')) {
    const socket = text.slice('unix://'.length)
    if (/^@[^\s\0]+$/.test(socket) || /^\/[^\0]*[^/\0]$/.test(socket)) return undefined
    return refuse(`${shown(text)} is not a Unix socket`, 'Write unix:///path/of/socket or unix://@name.')
  }
  if (text.length <= 256 && (cidr(text) === undefined ? !text.includes('/') : dnsPattern.test(text))) return undefined
  return refuse(`${shown(text)} is not an address`, 'Write an IP address, a host name, or unix:///path/of/socket.')
}

const dnsPattern = new RegExp(`^${dnsName}$`, 'i')

function isAddress(text: string): boolean {
  return !text.includes('/') && cidr(text) === undefined
}

/** The formats by name. */
export const formats = {
  ...kubernetesFormats,
  duration,
  'positive-duration': positiveDuration,
  regex,
  cel,
  cidr,
  'dns-label': shaped(new RegExp(`^${dnsLabel}$`), 63, 'a name', 'Use lower-case letters, digits and "-", at most 63.'),
  'dns-name': shaped(
    new RegExp(`^${dnsName}$`),
    253,
    'a name',
    'Use lower-case letters, digits, "-" and ".", at most 253.',
  ),
  host: shaped(
    new RegExp(`^(?:\\*|(?:\\*\\.)?${dnsName})$`, 'i'),
    253,
    'a host name',
    'Write a name like catalog, catalog.bookstore.svc.cluster.local or *.example.com, without scheme, port or path.',
  ),
  'gateway-host': shaped(
    new RegExp(`^(?:(?:${dnsLabel}|\\.|\\*)/)?(?:\\*|(?:\\*\\.)?${dnsName})$`, 'i'),
    320,
    'a host name of a gateway',
    'Write a name like shop.example.com, *.example.com or *, optionally after "namespace/".',
  ),
  'gateway-name': shaped(
    new RegExp(`^(?:(?:${dnsLabel}|\\.)/)?${dnsName}$`),
    320,
    'the name of a gateway',
    "Write mesh, a Gateway's name, or namespace/name.",
  ),
  'label-key': shaped(
    new RegExp(`^(?:${dnsName}/)?[A-Za-z0-9](?:[\\w.-]{0,61}[A-Za-z0-9])?$`),
    317,
    'a label name',
    'Use letters, digits, "-", "_" and ".", optionally after a domain and "/".',
  ),
  'label-value': shaped(
    /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/,
    63,
    'a label value',
    'Use at most 63 letters, digits, "-", "_" and ".".',
  ),
  'header-name': shaped(
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
    256,
    'a header name',
    'Use letters, digits and "-", as in x-user; for the authority, path and method there are own fields.',
  ),
  'hashed-header': shaped(
    /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|:(?:authority|method|path|scheme))$/,
    256,
    'the name of a header',
    'Use letters, digits and "-", as in x-user, or one of :path, :authority, :method and :scheme.',
  ),
  'header-value': shaped(/^[^\r\n\0]*$/, 8192, 'a header value', 'Remove line breaks; at most 8192 characters.'),
  'env-name': shaped(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    256,
    'a variable name',
    'Use letters, digits and "_", as in CATALOG_URL.',
  ),
  'no-nul': shaped(/^[^\0]*$/, 131_072, 'a usable text', 'Remove NUL characters.'),
  'port-text': shaped(new RegExp(`^(?:${portDigits})$`), 5, 'a port number', 'Write a number from 1 to 65535.'),
  'not-empty': shaped(/^[^]+$/, 8192, 'allowed here', 'Write at least one character.'),
  path: shaped(/^\/[^\s\0]*$/, 4096, 'a path', 'Begin it with "/".'),
  // No user before the host, and no characters in it that Envoy does not take.
  url: shaped(
    new RegExp(`^https?://(?:[a-z0-9.-]*[a-z0-9.]|\\[[0-9a-f:.]+\\])(?::(?:${portDigits}))?(?:[/?#][!-~]*)?$`, 'i'),
    2048,
    'a URL',
    'Write https://host/path or http://host:port/path, with a host of letters, digits, "-" and ".".',
  ),
  'wasm-url': shaped(
    /^(?:(?:https?|oci):\/\/[^\s/?#]+\S*|file:\/\/\/\S+|(?!\w+:\/\/)[\w.-]+(?::\d+)?(?:[/@:][\w./@:-]*)?)$/i,
    2048,
    'the place of a module',
    'Write a URL with oci, https, http or file, or the name of an image.',
  ),
  base64: shaped(
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    1_500_000,
    'base64',
    'Encode it in base64.',
  ),
  'key-hash': shaped(/^[A-Za-z0-9+/]{43}=$/, 44, 'the base64 of a SHA-256', 'Write 44 characters that end with "=".'),
  'certificate-hash': shaped(
    /^(?:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i,
    95,
    'a SHA-256 in hexadecimal',
    'Write 64 hexadecimal digits, with or without ":" between the pairs.',
  ),
  sha256: shaped(/^(?:[0-9a-f]{64})?$/, 64, 'a SHA-256', 'Write 64 hexadecimal digits in lower case.'),
  'kind-name': shaped(/^[A-Za-z](?:[-A-Za-z0-9]*[A-Za-z0-9])?$/, 63, 'a kind', 'Write a kind like Service.'),
  'api-group': shaped(
    new RegExp(`^(?:${dnsName})?$`),
    253,
    'an API group',
    'Write one like gateway.networking.k8s.io, or "" for Service.',
  ),
  'export-scope': shaped(
    new RegExp(`^(?:\\*|\\.|~|${dnsLabel})$`),
    63,
    'a namespace',
    'Write the name of a namespace, "." for the own one, "*" for all, or "~" for none.',
  ),
  'short-text': shaped(/^[^\0]+$/, 256, 'allowed here', 'Write 1 to 256 characters.'),
  'plain-name': shaped(/^[-_A-Za-z0-9]+$/, 256, 'a header name', 'Use letters, digits, "-" and "_".'),
  'entry-host': shaped(
    new RegExp(`^(?:\\*(?:\\.?${dnsName})|${dnsName})$`, 'i'),
    253,
    'a host name of a ServiceEntry',
    'Write a name like api.example.com or *.example.com, without scheme, port or path.',
  ),
  'workload-address': (text: string): FormatFault | undefined => workloadAddress(text),
  'target-host': (text: string): FormatFault | undefined =>
    isAddress(text) || new RegExp(`^${dnsName}$`, 'i').test(text)
      ? undefined
      : {
          code: 'bad-format',
          message: `${shown(text)} is neither a host name nor an IP address`,
          mend: 'Write a name like api.example.com, without scheme, port or path, or an address.',
        },
  'egress-host': shaped(
    new RegExp(`^~?(?:${dnsLabel}|\\.|\\*|~)/(?:\\*|(?:\\*\\.)?${dnsName})$`, 'i'),
    320,
    'a host of a Sidecar',
    'Write namespace/host, as in ./*, */* or shop/catalog.shop.svc.cluster.local.',
  ),
  'ip-address': (text: string): FormatFault | undefined =>
    isAddress(text)
      ? undefined
      : {
          code: 'bad-format',
          message: `${shown(text)} is not an IP address`,
          mend: 'Write an address like 10.1.0.1 or 2001:db8::1.',
        },
  'loopback-address': shaped(
    /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/,
    15,
    'a loopback address',
    'Write an address of this machine like 127.0.0.1.',
  ),
} satisfies Readonly<Record<string, Format>>

/** A known text format. */
export type FormatName = keyof typeof formats

/** The regular expression that a format comes down to; undefined where code decides. */
export function formatPattern(name: FormatName): string | undefined {
  return patternOf(formats[name])
}
