// The HTTP proxy that the environment names, as other programs read it: `HTTP_PROXY`, and `NO_PROXY` for what needs none.

export interface HttpProxy {
  readonly host: string
  readonly port: number
  /** Names and domains (`.example.org`) that are reached without it; `*`: all. */
  readonly bypassed: readonly string[]
}

/** The proxy, or undefined if there is none; throws if what is there is no http:// URL. */
export function readProxy(env: NodeJS.ProcessEnv): HttpProxy | undefined {
  // The lower-case name is the older one, and wins with curl, too.
  const text = env['http_proxy'] || env['HTTP_PROXY']
  if (text === undefined || text === '') return undefined
  const url = URL.parse(text)
  if (url?.protocol !== 'http:') throw new Error(`HTTP_PROXY=${text} is not an http:// URL`)
  const bypassed = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map((entry) => entry.trim().toLowerCase())
  return { host: url.hostname, port: Number(url.port || 80), bypassed: bypassed.filter((entry) => entry !== '') }
}

/** The proxy to use for `authority` (`host` or `host:port`), if any. */
export function proxyFor(proxy: HttpProxy | undefined, authority: string): HttpProxy | undefined {
  if (proxy === undefined || proxy.bypassed.length === 0) return proxy
  const whole = authority.toLowerCase()
  const host = whole.replace(/:\d+$/, '')
  const fits = (entry: string): boolean =>
    entry === '*' || entry === host || entry === whole || (entry.startsWith('.') && host.endsWith(entry))
  return proxy.bypassed.some(fits) ? undefined : proxy
}
