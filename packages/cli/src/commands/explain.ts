// `weft explain`: why a request goes where it goes, with the line of YAML behind each step.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { err, ok, type Origin, type Position, type Result } from '@weft/core'
import { type Explanation, explain, explainTcp, type PlainRequest, type TcpTarget } from '@weft/engine'
import { type Asked, explainArrival, hidesListeners, listenersOf, portOf, serverNameOf } from '../gateway-arrival.ts'
import { explanationText } from '../explanation-text.ts'
import { type MeshViews, type NamedView, type ProxyFlavor, offlineViews, runningViews } from '../mesh-views.ts'
import { nowhereAdvice } from '../nowhere-advice.ts'
import { EXIT } from '../program.ts'
import { type MeshOptions, runningMesh, withMeshOptions } from '../running-mesh.ts'

interface ExplainOptions extends MeshOptions {
  readonly from: string
  readonly header?: readonly string[]
  readonly sni?: string
  readonly certificate?: readonly string[]
  readonly file?: string
  readonly proxy?: ProxyFlavor
  readonly draw: number
  readonly inside: string
  readonly fault?: true
}

/** Adds `weft explain`. */
export function registerExplain(program: Command): void {
  withMeshOptions(
    program
      .command('explain')
      .description('why a request goes where it goes: listener, identity, policy, route, split, cluster, endpoints')
      .argument(
        '<method>',
        'GET, POST, ...; CONNECT: the way of a tunnel and of what it carries; or tcp://host:port or tls://host:port alone',
      )
      .argument('[url]', 'as the workload would write it: http://catalog/books; CONNECT also takes host:port')
      .requiredOption('--from <workload>', 'who sends it: a workload (web), an instance (web-0), or a gateway'),
  )
    .option('-H, --header <line>', 'a request header, `name: value`; may be repeated', collect)
    .option('-f, --file <dir>', 'explain the files of this directory; nothing needs to run')
    .addOption(
      new Option('--proxy <kind>', 'with -f: whose proxies the mesh has (default: weft)').choices(['weft', 'envoy']),
    )
    .option('--draw <number>', "the request's random value, for splits: a whole number", parseDraw, 0)
    .option('--inside <method>', 'the method of the request inside a CONNECT tunnel', 'GET')
    .option('--sni <name>', 'the server name that a tls:// client asks for, instead of the host; empty: none')
    .option(
      '--certificate <name>',
      'a name in the certificate that a tls:// client shows where it is asked for one (its SPIFFE id first); may be repeated',
      collectName,
    )
    .option('--fault', 'let faults hit that hit only a share of the requests')
    .addOption(new Option('-o, --output <format>', 'print every step as JSON').choices(['json']))
    .addHelpText(
      'after',
      `
Examples:
  weft explain --from web GET http://catalog/books -H 'x-user: jason'
  weft explain --from web GET http://catalog/books -f examples/bookstore
  weft explain --from web GET http://catalog/books -f examples/bookstore --proxy envoy
  weft explain --from gateway GET http://127.0.0.1:8080/ -o json
  weft explain --from gateway GET https://shop.example/
  weft explain --from orders tcp://inventory:7000
  weft explain --from orders tls://vault:8443 --sni vault.example
  weft explain --from gateway tls://127.0.0.1:8443 --sni shop.example --certificate spiffe://cluster.local/ns/shop/sa/web
  weft explain --from web CONNECT http://catalog/books

Exit code 0: explained (whatever the answer is); 1: no such workload, or no mesh answers; 2: wrong usage.`,
    )
    .action(async (method: string, url: string | undefined, options: ExplainOptions, command: Command) => {
      const asked = parseAsked(method, url, options)
      if (!asked.ok) return command.error(`error: ${asked.error}`)
      const done = await run(asked.value, options)
      if (done.ok) return
      process.stderr.write(`${done.error}\n`)
      process.exitCode = EXIT.failed
    })
}

function parseAsked(method: string, url: string | undefined, options: ExplainOptions): Result<Asked> {
  const lines = options.header ?? []
  if (options.proxy !== undefined && options.file === undefined)
    return err('--proxy goes with -f DIR: a running mesh says itself whose proxies it has.')
  const [, scheme, rest = ''] = /^(tcp|tls):\/\/(.*?)\/?$/.exec(method) ?? []
  const tcp = parseAuthority(rest)
  if (options.sni !== undefined && scheme !== 'tls') return err('--sni goes with tls://host:port.')
  const { certificate: clientNames } = options
  if (clientNames !== undefined && scheme !== 'tls') return err('--certificate goes with tls://host:port.')
  if (tcp !== undefined && url === undefined) {
    const shown = clientNames === undefined ? {} : { clientNames }
    const serverName = options.sni ?? serverNameOf(tcp.host)
    return ok({ kind: 'tcp', to: scheme === 'tls' ? { ...tcp, serverName, ...shown } : tcp })
  }
  if (method.includes('://')) return err('Write it like tcp://inventory:7000, or GET http://catalog/books.')
  const target = url === undefined ? undefined : parseTarget(url)
  if (method.toUpperCase() !== 'CONNECT') {
    if (target === undefined) return err('Write the URL like http://catalog/books.')
    return ok({ kind: 'request', request: requestOf(method, target, lines) })
  }
  if (target === undefined) {
    const authority = (url ?? '').replace(/^tcp:\/\//, '')
    if (parseAuthority(authority) === undefined) return err('CONNECT takes host:port, or the URL of what it carries.')
    return ok({ kind: 'request', request: connectTo(authority) })
  }
  const port = parseAuthority(target.authority) === undefined ? `:${target.scheme === 'https' ? 443 : 80}` : ''
  const request = connectTo(`${target.authority}${port}`)
  // What is encrypted inside is bytes to every proxy on the way.
  if (target.scheme === 'https') return ok({ kind: 'request', request, inside: 'tls' })
  return ok({ kind: 'request', request, inside: requestOf(options.inside, target, lines) })
}

function connectTo(authority: string): PlainRequest {
  return { method: 'CONNECT', path: '', authority, scheme: 'http' }
}

function parseAuthority(text: string): TcpTarget | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^:/?#[\]]+):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[2])
  if (match === null || port < 1 || port > 65_535) return undefined
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port }
}

interface Target {
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly path: string
}

/** Not `URL`: the path must reach the engine as it was written. What clients keep to themselves (user, fragment) is left out. */
function parseTarget(text: string): Target | undefined {
  const match = /^(https?):\/\/(?:[^/?#@]*@)?([^/?#@]+)([^#]*)/.exec(text)
  if (match === null) return undefined
  const rest = match[3] ?? ''
  return {
    scheme: match[1] as 'http' | 'https',
    authority: match[2] as string,
    path: rest.startsWith('/') ? rest : `/${rest}`,
  }
}

function parseDraw(text: string): number {
  if (!/^\d{1,14}$/.test(text)) throw new InvalidArgumentError('A whole number, e.g. 95 for the last of a hundred.')
  return Number(text)
}

function collect(line: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^:\s]+:/.test(line)) throw new InvalidArgumentError('Write it like "x-user: jason".')
  return [...before, line]
}

function collectName(name: string, before: readonly string[] = []): readonly string[] {
  return [...before, name]
}

async function run(asked: Asked, options: ExplainOptions): Promise<Result<void>> {
  const mesh =
    options.file === undefined
      ? await runningViews(runningMesh(options).api)
      : offlineViews(options.file, options.proxy ?? 'weft')
  if (!mesh.ok) return options.file === undefined ? err(`${mesh.error}\nOffline: add -f DIR.`) : mesh
  const from = findView(mesh.value.views, options.from)
  if (!from.ok) return from
  const unsent = unsentFault(from.value, asked)
  if (unsent !== undefined) return err(unsent)
  for (const warning of mesh.value.warnings) process.stderr.write(`warning: ${warning}\n`)
  const mapped = mappedPort(from.value, asked)
  if (mapped !== undefined) process.stderr.write(`warning: ${mapped}\n`)
  const explanation = explainFrom(mesh.value, from.value, asked, options)
  const places = await placesOf(mesh.value, explanation)
  if (options.output === 'json')
    process.stdout.write(`${JSON.stringify(forPrograms(explanation, from.value, places), null, 2)}\n`)
  else process.stdout.write(explanationText(explanation, { from: from.value, places, colours: useColours() }))
  return ok(undefined)
}

/** A port that a URL names and the gateway does not listen at, in words; undefined: it does, or the URL names none. */
function mappedPort(from: NamedView, asked: Asked): string | undefined {
  if (from.kind !== 'gateway' || asked.kind !== 'request' || hidesListeners(from)) return undefined
  const port = portOf(asked.request)
  const ports = [...new Set(listenersOf(from).map((one) => String(one.port)))]
  if (port === undefined || ports.includes(port) || ports.length === 0) return undefined
  return `${from.id} does not listen at port ${port} but at ${ports.join(', ')}; explained as if ${port} were mapped there`
}

/** What no request of this workload can look like. */
function unsentFault(from: NamedView, asked: Asked): string | undefined {
  if (asked.kind !== 'request' || asked.request.scheme !== 'https') return undefined
  if (from.kind === 'gateway' || !from.config.listeners.has('outbound-http')) return undefined
  const { authority, path } = asked.request
  const tls = /:\d+$/.test(authority) ? authority : `${authority}:443`
  return `${from.id}: HTTP_PROXY carries http:// alone, so https:// does not reach the sidecar. Write http://${authority.replace(/:443$/, '')}${path} (the sidecars encrypt it), or ask for tls://${tls}.`
}

function useColours(): boolean {
  return process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
}

function requestOf(method: string, { scheme, authority, path }: Target, lines: readonly string[]): PlainRequest {
  const headers: Record<string, string[]> = {}
  let host = authority
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === 'host') host = value
    else headers[name] = [...(headers[name] ?? []), value]
  }
  return { method: method.toUpperCase(), path, authority: host, scheme, headers }
}

function explainFrom(mesh: MeshViews, from: NamedView, asked: Asked, options: ExplainOptions): Explanation {
  const byAddress = new Map(mesh.views.map((view) => [view.address, view]))
  const known = {
    from,
    random: options.draw,
    faultDraw: options.fault === true ? 0 : 0.999_999_9,
    wallMs: Date.now(),
    proxyAt: (address: string) => byAddress.get(address),
  }
  if (from.kind === 'gateway') return explainArrival(asked, known)
  if (asked.kind === 'tcp') return explainTcp({ ...known, to: asked.to })
  return explain({ ...known, ...asked })
}

function findView(views: readonly NamedView[], name: string): Result<NamedView> {
  const found = views.find((view) =>
    [view.id, view.instance, view.workload, `${view.workload}.${view.namespace}`].includes(name),
  )
  if (found !== undefined) return ok(found)
  const names = [...new Set(views.map((view) => view.workload))].sort().join(', ')
  return err(`no workload ${name} has a proxy; there are ${names || 'none'}`)
}

function placesOf(mesh: MeshViews, explanation: Explanation): Promise<ReadonlyMap<Origin, Position>> {
  const origins = explanation.steps.flatMap((step) => [
    ...Object.values(step.origins),
    ...step.losers.flatMap((loser) => Object.values(loser.origins)),
  ])
  return mesh.positions([...new Set(origins)])
}

/** The explanation with a `places` object (origin -> file, line, column), and what to do where it leads nowhere. */
function forPrograms(explanation: Explanation, from: NamedView, places: ReadonlyMap<Origin, Position>): unknown {
  return { ...explanation, advice: nowhereAdvice(explanation, from), places: Object.fromEntries(places) }
}
