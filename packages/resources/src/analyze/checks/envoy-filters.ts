// Patches of EnvoyFilters that do nothing, or depend on patches of others.
import type { Check, Fault } from '../check.ts'
import { dig, itemsOf, textOf, type WrittenObject } from '../written-object.ts'

const relative = new Set(['INSERT_BEFORE', 'INSERT_AFTER', 'INSERT_FIRST', 'REPLACE', 'REMOVE'])
const routes = new Set(['ROUTE_CONFIGURATION', 'HTTP_ROUTE'])
const filters = new Set(['HTTP_FILTER', 'NETWORK_FILTER'])

/** Tells of the first patch that is wrong, as Istio's analysis does: what comes after it may well follow from it. */
function* checkPatches({ spec }: WrittenObject): Iterable<Fault> {
  for (const [i, patch] of itemsOf(spec['configPatches']).entries()) {
    const faults = [...patchFaults(patch, `spec.configPatches[${i}]`, spec['priority'] !== undefined)]
    yield* faults
    if (faults.length > 0) return
  }
}

function* patchFaults(patch: WrittenObject['spec'], at: string, ordered: boolean): Iterable<Fault> {
  const operation = textOf(dig(patch, 'patch', 'operation'))
  const target = textOf(patch['applyTo'])
  const field = `${at}.patch.operation`
  const mend = 'Use MERGE, or apply it to another part.'
  if (operation === 'ADD' && routes.has(target)) {
    yield { code: 'IST0153', field, message: `ADD is ignored for ${target}`, mend }
  } else if (operation === 'REMOVE' && routes.has(target)) {
    yield { code: 'IST0154', field, message: `REMOVE is ignored for ${target}`, mend }
  } else if (operation === 'REPLACE' && !filters.has(target)) {
    const message = `REPLACE is ignored for ${target}: it replaces HTTP and network filters only`
    yield { code: 'IST0152', field, message, mend }
  } else if (relative.has(operation) && !ordered) {
    const message = `${operation} depends on what other EnvoyFilters have done by then, and the order is not fixed`
    const order = 'Set `priority`.'
    yield { code: 'IST0151', field, message, mend: order }
    const version = textOf(dig(patch, 'match', 'proxy', 'proxyVersion'))
    if (version === '') return
    const tied = `${operation} holds for proxies of version ${version} only, and its place is not fixed: an upgrade can lose it`
    yield { code: 'IST0155', field: `${at}.match.proxy.proxyVersion`, message: tied, mend: order }
  }
}

/** The check. */
export const envoyFilters: readonly Check[] = [
  { name: 'envoy-filter-patches', kinds: ['EnvoyFilter.networking.istio.io'], run: checkPatches },
]
