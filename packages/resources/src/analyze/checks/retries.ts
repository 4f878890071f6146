// Retries that cannot all happen in the time there is, and retries that multiply from hop to hop.
import { parseDurationMs } from '../../duration.ts'
import { resolveHost } from '../../networking/host-names.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { selectorOf } from '../selectors.ts'
import { accountOf, gatewaysOf, hostsOf, runningLabels, topic } from '../topics.ts'
import { dig, fieldsOf, fullKind, itemsOf, nameOf, textOf, textsOf, type WrittenObject } from '../written-object.ts'

function* checkTimeouts({ spec }: WrittenObject): Iterable<Fault> {
  for (const [i, rule] of itemsOf(spec['http']).entries()) {
    const { attempts, perTryTimeout } = fieldsOf(rule['retries'])
    const whole = milliseconds(rule['timeout'])
    const each = milliseconds(perTryTimeout)
    if (typeof attempts !== 'number' || attempts < 1 || whole === undefined || each === undefined) continue
    if (each * (attempts + 1) <= whole) continue
    const fit = Math.max(1, Math.ceil(whole / each))
    const message = `ends the request after ${textOf(rule['timeout'])}, in which ${fit} of ${attempts + 1} tries of ${textOf(perTryTimeout)} fit`
    const mend = `Write at least ${(each * (attempts + 1)) / 1000}s, or fewer or shorter tries.`
    yield { code: 'WEFT0109', field: `spec.http[${i}].timeout`, message, mend }
  }
}

function milliseconds(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const ms = parseDurationMs(value)
  return ms !== undefined && ms > 0 ? ms : undefined
}

/** From so many requests for one on, a slow service is finished off by those who wait for it. */
const storm = 27
const longestChain = 6

interface Hop {
  readonly host: string
  readonly tries: number
}

/** Who calls whom is known where an AuthorizationPolicy lets the account of one service into another. */
function* checkStorm(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const own = mostTries(object)
  if (own.tries < 2) return
  const hosts = textsOf(object.spec['hosts']).map((host) => resolveHost(host, object.id.namespace))
  // At a gateway the host is a name of the outside: what counts is where its rules lead.
  const targets = gatewaysOf(object).includes('mesh') ? hosts : targetsOf(object)
  for (const host of targets) {
    const chain = longest(host, [{ host, tries: own.tries }], mesh)
    const product = chain.reduce((all, { tries }) => all * tries, 1)
    if (product < storm || chain.length < 2) continue
    const steps = chain.map((hop) => `${hop.tries} tries at ${hop.host}`).join(' times ')
    const last = chain.at(-1)?.host
    const message = `one request can become ${product} at ${last} when it is slow or fails: ${steps}`
    const mend = 'Retry at one hop of the chain only, best the last one.'
    yield { code: 'WEFT0108', field: `${own.field}.retries`, message, mend }
    return
  }
}

function targetsOf({ spec, id }: WrittenObject): string[] {
  const routes = itemsOf(spec['http']).flatMap((rule) => itemsOf(rule['route']))
  return [...new Set(routes.map((route) => resolveHost(textOf(dig(route, 'destination', 'host')), id.namespace)))]
}

function mostTries({ spec }: WrittenObject): { readonly tries: number; readonly field: string } {
  let most = { tries: 1, field: 'spec.http' }
  for (const [i, rule] of itemsOf(spec['http']).entries()) {
    const attempts = Number(dig(rule, 'retries', 'attempts') ?? 0)
    if (attempts + 1 > most.tries) most = { tries: attempts + 1, field: `spec.http[${i}]` }
  }
  return most
}

function longest(host: string, so: readonly Hop[], mesh: MeshView): readonly Hop[] {
  let best = so
  if (so.length >= longestChain) return best
  for (const next of calledBy(host, mesh)) {
    if (so.some((hop) => hop.host === next)) continue
    const tries = Math.max(1, ...mesh.at(topic.meshHost(next)).map((rule) => mostTries(rule).tries))
    if (tries < 2) continue
    const chain = longest(next, [...so, { host: next, tries }], mesh)
    if (multiplied(chain) > multiplied(best)) best = chain
  }
  return best
}

function multiplied(chain: readonly Hop[]): number {
  return chain.reduce((all, { tries }) => all * tries, 1)
}

/** The hosts whose policies let in the accounts that run behind a host. */
function calledBy(host: string, mesh: MeshView): string[] {
  const services = mesh.at(topic.host(host)).filter(({ id }) => fullKind(id) === 'Service')
  const accounts = new Set(services.flatMap((service) => mesh.behind(service)).map(accountOf))
  const policies = [...accounts].flatMap((account) => mesh.at(topic.letsIn(account)))
  const behind = policies.flatMap((policy) => mesh.selected(policy.id.namespace, selectorOf(policy)))
  const called = behind.flatMap((workload) => mesh.servicesFor(workload.id.namespace, runningLabels(workload) ?? {}))
  return [...new Set(called.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).flatMap(hostsOf))]
}

const kinds = ['VirtualService.networking.istio.io']

/** Checks of retries and timeouts. */
export const retries: readonly Check[] = [
  { name: 'timeouts', kinds, run: checkTimeouts },
  { name: 'retry-storms', kinds, run: checkStorm },
]
