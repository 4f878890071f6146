// An explanation for people.
import type { Origin, Position } from '@weft/core'
import type { Explanation, ExplainStep, Loser, Origins, RequestChange } from '@weft/engine'
import type { NamedView } from './mesh-views.ts'
import { nowhereAdvice } from './nowhere-advice.ts'

/** How to print. */
export interface ExplanationStyle {
  readonly from: NamedView
  readonly places: ReadonlyMap<Origin, Position>
  readonly colours: boolean
}

/** All steps, grouped by proxy, and the outcome. */
export function explanationText(explanation: Explanation, style: ExplanationStyle): string {
  const { request } = explanation
  const paint = painter(style.colours)
  const headers = Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${one}`),
  )
  const shown = headers.length === 0 ? '' : ` (${headers.join('; ')})`
  const title = titleOf(explanation)
  const lines = [`${paint.bold(title)}${shown} from ${style.from.id}`]
  let proxy = ''
  for (const step of explanation.steps) {
    if (step.proxy !== proxy) lines.push('', paint.bold(step.proxy))
    proxy = step.proxy
    lines.push(...stepLines(step, style, paint))
  }
  lines.push('', outcomeLine(explanation, style, paint))
  const advice = nowhereAdvice(explanation, style.from)
  if (advice !== undefined) lines.push(`   ${advice}`)
  lines.push('')
  return lines.join('\n')
}

function titleOf({ request, protocol }: Explanation): string {
  if (protocol === 'tcp') return `${request.method.toLowerCase()}://${request.authority}`
  if (request.method === 'CONNECT') return `CONNECT ${request.authority}`
  return `${request.method} ${request.scheme}://${request.authority}${request.path}`
}

interface Painter {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
}

function painter(colours: boolean): Painter {
  const code = (open: number, close: number) => (text: string) =>
    colours ? `\x1b[${open}m${text}\x1b[${close}m` : text
  return { bold: code(1, 22), dim: code(2, 22), good: code(32, 39), bad: code(31, 39) }
}

const labels: Readonly<Record<ExplainStep['decision'], string>> = {
  listener: 'listener',
  'filter-chain': 'chain',
  identity: 'identity',
  authorization: 'policy',
  'virtual-host': 'host',
  route: 'route',
  cluster: 'cluster',
  endpoint: 'endpoint',
  cors: 'cors',
  mirror: 'copies',
  hedge: 'hedging',
  redirect: 'redirect',
  fault: 'fault',
  filter: 'filter',
  response: 'response',
}

function stepLines(step: ExplainStep, style: ExplanationStyle, paint: Painter): string[] {
  const label = labels[step.decision].padEnd(9)
  const summary = step.summary.replace(/^(listener|filter chain|virtual host|route|cluster|endpoint) /, '')
  const lines = [`  ${paint.dim(label)} ${summary}${placeSuffix(step.origins, style, paint)}`]
  if (step.decision === 'endpoint') lines.push(...step.losers.map((loser) => otherEndpoint(loser, paint)))
  else
    for (const loser of step.losers.filter((one) => isWritten(step, one)))
      lines.push(...loserLines(loser, style, paint))
  return lines
}

/** Routes without an origin are Weft's own (the CONNECT route of the explicit proxy): nobody wrote them, nobody asks. */
function isWritten(step: ExplainStep, loser: Loser): boolean {
  return step.decision !== 'route' || Object.keys(loser.origins).length > 0
}

/** Which one is taken is the balancer's choice of the moment: healthy ones have not lost. */
function otherEndpoint({ name, failed }: Loser, paint: Painter): string {
  const health = failed[0]?.seen ?? 'unknown'
  const usable = ['unknown', 'healthy', 'degraded'].includes(health.toLowerCase())
  return `            ${paint.dim(usable ? 'or' : 'not')} ${name}${usable ? '' : `: it is ${health}`}`
}

function loserLines(loser: Loser, style: ExplanationStyle, paint: Painter): string[] {
  const why = loser.failed.map(
    ({ condition, seen }) => `${condition}, seen ${seen === undefined ? 'nothing' : JSON.stringify(seen)}`,
  )
  const lines = [
    `            ${paint.dim('not')} ${loser.name}: ${why.join('; ') || 'it comes later'}${placeSuffix(loser.origins, style, paint)}`,
  ]
  if (loser.unreachable !== undefined) lines.push(`                ${paint.bad('unreachable')}: ${loser.unreachable}`)
  else if (loser.undecided !== undefined) lines.push(`                ${paint.dim(loser.undecided)}`)
  else if (loser.counterfactual !== undefined && loser.counterfactual.length > 0) {
    lines.push(`                ${paint.dim('it would be with')} ${loser.counterfactual.map(changeText).join(', ')}`)
  }
  return lines
}

function changeText({ attribute, key, value, more = [] }: RequestChange): string {
  const name = names[attribute] ?? attribute
  const what = key === undefined ? name : `${name} ${key}`
  if (value === undefined) return `no ${what}`
  return `${what} ${[value, ...more].map((one) => JSON.stringify(one)).join(' and ')}`
}

const names: Readonly<Record<string, string>> = {
  'request.headers': 'header',
  'request.query_params': 'query parameter',
  'request.url_path': 'path',
  'request.path': 'path',
  'request.method': 'method',
  'request.host': 'authority',
  'request.host_name': 'authority',
  'request.scheme': 'scheme',
  'source.principal': 'peer identity',
  'source.address': 'client address',
  'source.direct_address': 'peer address',
  'source.port': 'client port',
  'destination.address': 'destination address',
  'destination.port': 'destination port',
  'connection.tls': 'TLS',
  'connection.mtls': 'client certificate',
  'connection.requested_server_name': 'server name',
  'connection.transport_protocol': 'transport protocol',
  'connection.application_protocol': 'application protocol',
  random: 'random draw',
}

/** The most telling origin: the policy or rule itself, then the rest. */
function placeSuffix(origins: Origins, style: ExplanationStyle, paint: Painter): string {
  const places = placesOf(origins, style)
  return places.length === 0 ? '' : `  ${paint.dim(places.join(', '))}`
}

function placesOf(origins: Origins, style: ExplanationStyle): readonly string[] {
  const numbered = Object.keys(origins).filter((key) => /^(origin|patch)\d+$/.test(key))
  const places = ['origin', ...numbered, 'virtualService', 'destinationRule']
    .map((key) => origins[key])
    .map((origin) => (origin === undefined ? undefined : (style.places.get(origin) ?? origin)))
    .filter((one) => one !== undefined)
    .map((one) => (typeof one === 'string' ? one : `${one.file}:${one.line}`))
  return [...new Set(places)]
}

function outcomeLine(explanation: Explanation, style: ExplanationStyle, paint: Painter): string {
  const { protocol, status, outcome, flag, reason, delayMs } = explanation
  if (outcome === 'unknown') return `=> ${paint.bad(`it cannot be told: ${reason}`)}`
  const proviso = provisoOf(explanation, style)
  const delay = delayMs > 0 ? `, after ${delayMs} ms` : ''
  const flags = flag === undefined ? '' : ` (${flag})`
  if (protocol === 'tcp') {
    return `=> ${outcome === 'forwarded' ? paint.good(`connected${proviso}: ${reason}`) : paint.bad(`closed${flags}${proviso}: ${reason}`)}`
  }
  const text = status === 0 ? `no answer${proviso}: ${reason}` : `${status}${flags}${delay}${proviso}: ${reason}`
  return `=> ${outcome === 'forwarded' ? paint.good(text) : paint.bad(text)}`
}

/** ` if NAME (file:line) lets it on`: what Envoys on the way decide by what is not computed; '' where everything is. */
function provisoOf({ undecided = [] }: Explanation, style: ExplanationStyle): string {
  if (undecided.length === 0) return ''
  const names = undecided.map(({ name, origins }) => {
    const places = placesOf(origins, style)
    // Any number of EnvoyFilters may have changed the listener: the step names them.
    return places.length === 0 || origins['patch0'] !== undefined ? name : `${name} (${places.join(', ')})`
  })
  return ` if ${names.join(' and ')} ${undecided.length === 1 ? 'lets' : 'let'} it on`
}
