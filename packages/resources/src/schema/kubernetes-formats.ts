// Text formats of Kubernetes' own APIs and of the Gateway API. They accept exactly what the published CRDs accept, which is not
// always what the formats of other kinds do: no limit of 63 characters per label, for example.
import { type Format, shaped, shown } from './shaped.ts'

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(?:\\.${label})*`
const tail = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"

/** Whether a text is an IPv4 address in dotted form, or an IPv6 address (also one that ends in an IPv4 address). */
export function isIpAddress(text: string): boolean {
  if (!text.includes(':')) return isIpv4(text)
  const last = text.slice(text.lastIndexOf(':') + 1)
  if (!last.includes('.')) return isIpv6(text)
  return isIpv4(last) && isIpv6(`${text.slice(0, -last.length)}0:0`)
}

function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text)
}

function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false
  return halves.length === 2 ? groups.length < 8 : groups.length === 8
}

/** A text of bounded length, counted as the API server counts. */
function sized(minimum: number, maximum: number): Format {
  const bounds = minimum === 0 ? `at most ${maximum}` : `${minimum} to ${maximum}`
  return shaped(new RegExp(`^[^]{${minimum},}$`), maximum, 'of a fitting length', `Write ${bounds} characters.`)
}

/** The formats by name. */
export const kubernetesFormats = {
  'object-name': sized(1, 253),
  'text-128': sized(0, 128),
  'text-253': sized(0, 253),
  'text-1024': sized(0, 1024),
  'text-4096': sized(0, 4096),
  'some-text-1024': sized(1, 1024),
  'some-text-4096': sized(1, 4096),
  'short-description': sized(0, 64),
  'reference-group': shaped(
    new RegExp(`^$|^${subdomain}$`),
    253,
    'an API group',
    'Write one like gateway.networking.k8s.io, or "" for Service.',
  ),
  'reference-kind': shaped(/^[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 63, 'a kind', 'Write a kind like Service.'),
  'reference-namespace': shaped(new RegExp(`^${label}$`), 63, 'a namespace', 'Use lower-case letters, digits and "-".'),
  'section-name': shaped(
    new RegExp(`^${subdomain}$`),
    253,
    'a name',
    'Use lower-case letters, digits, "-" and ".", at most 253.',
  ),
  'optional-dns-label': shaped(
    /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)?$/,
    63,
    'a name',
    'Use lower-case letters, digits and "-", at most 63.',
  ),
  hostname: shaped(
    new RegExp(`^(?:\\*\\.)?${subdomain}$`),
    253,
    'a host name',
    'Write a name like shop.example.com or *.example.com, in lower case, without scheme, port or path.',
  ),
  'precise-hostname': shaped(
    new RegExp(`^${subdomain}$`),
    253,
    'a host name',
    'Write a name like shop.example.com, in lower case, without wildcard, scheme, port or path.',
  ),
  'controller-name': shaped(
    new RegExp(`^${subdomain}/${tail}$`),
    253,
    'the name of a controller',
    'Write a domain and a path, like weft.dev/gateway-controller.',
  ),
  'listener-protocol': shaped(
    new RegExp(`^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$|${subdomain}/[A-Za-z0-9]+$`),
    255,
    'a protocol',
    'Write HTTP, HTTPS, TLS, TCP or UDP.',
  ),
  // The published expression has no parentheses around its alternatives, so that only the first is bound to the start and the last to the end.
  'address-type': shaped(
    new RegExp(`^Hostname|IPAddress|NamedAddress|${subdomain}/${tail}$`),
    253,
    'a type of address',
    'Write IPAddress, Hostname or NamedAddress.',
  ),
  'gateway-duration': shaped(
    /^(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}$/,
    28,
    'a duration',
    'Write whole numbers with units, like 500ms, 10s or 1h30m; at most four.',
  ),
  'token-name': shaped(
    /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/,
    256,
    'a header name',
    'Use letters, digits and "-", as in x-user.',
  ),
  // Words of visible ASCII with single spaces or tabs between; written without the nested repetition of the published expression.
  'visible-text': shaped(
    /^[!-~]+(?:[\t ][!-~]+)*$/,
    4096,
    'a header value',
    'Write 1 to 4096 visible ASCII characters, with single spaces between words.',
  ),
  'path-characters': shaped(
    /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/,
    1024,
    'a path',
    'Use letters, digits, "/" and the characters that RFC 3986 allows in a path; encode others with "%".',
  ),
  'cors-origin': shaped(
    /^\*$|^https?:\/\/(?:(?:\*\.)?(?:[a-zA-Z0-9-]+\.)*[a-zA-Z0-9-]+|\*)(?::[0-9]{1,5})?$/,
    253,
    'an origin',
    'Write scheme and host, like https://shop.example.com or https://*.example.com, or "*" for all.',
  ),
  'absolute-uri': shaped(
    /^[^:/?#]+:\/\/[^/?#]*[^?#]*(?:\?[^#]*)?(?:#.*)?/,
    253,
    'a URI',
    'Write a scheme and an authority, like spiffe://cluster.local/ns/shop/sa/web.',
  ),
  'known-authorities': shaped(
    new RegExp(`^(?:System|${subdomain}/(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])$`),
    253,
    'a set of authorities',
    'Write System for those of the operating system.',
  ),
  'qualified-key': shaped(
    new RegExp(`^(?:(?=[^/]{1,252}/)${subdomain}/)?(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`),
    317,
    'the name of a label or annotation',
    'Use letters, digits, "-", "_" and ".", optionally after a domain and "/".',
  ),
  'cluster-ip': (text: string) =>
    text === '' || text === 'None' || isIpAddress(text)
      ? undefined
      : { code: 'bad-format', message: `${shown(text)} is not an address`, mend: 'Write an IP address or None.' },
  'optional-ip-address': (text: string) =>
    text === '' || isIpAddress(text)
      ? undefined
      : { code: 'bad-format', message: `${shown(text)} is not an address`, mend: 'Write an IP address.' },
  'file-key': shaped(
    /^[-._a-zA-Z0-9]+$/,
    253,
    'the name of a value',
    'Use letters, digits, "-", "_" and ".", as in tls.crt.',
  ),
  'optional-label-value': shaped(
    /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/,
    63,
    'a label value',
    'Use at most 63 letters, digits, "-", "_" and ".".',
  ),
} satisfies Readonly<Record<string, Format>>
