// What a route changes: paths and hosts, where a redirect points, headers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FormatTemplate, HeaderOption, RedirectAction, Route, RouteAction } from '../model.ts'
import type { PlainRequest } from '../request-head.ts'
import { subject } from '../subject-under-test.ts'
import { editHeaders, type HeaderTarget, headerLevels } from './header-edits.ts'
import { redirectResponse, replacesHost, rewriteRequest } from './rewrite.ts'

function route(pathMatch: Route['pathMatch'], action: Partial<RouteAction> | RedirectAction): Route {
  return { name: 'x', pathMatch, action: { kind: 'route', ...action } } as unknown as Route
}
const prefix = (value: string): Route['pathMatch'] => ({ kind: 'prefix', value, caseSensitive: true })

test('rewrites replace what was matched and keep the query', () => {
  const rewritten = (match: Route['pathMatch'], value: string, path: string) =>
    rewriteRequest(route(match, { pathRewrite: { kind: 'prefix', value } }), undefined, subject({ path }).head, '').path
  assert.equal(rewritten(prefix('/api'), '/', '/api/x?q=1'), '//x?q=1')
  assert.equal(rewritten(prefix('/api/'), '/', '/api/x?q=1'), '/x?q=1')
  assert.equal(rewritten({ kind: 'path', value: '/a', caseSensitive: true }, '/b', '/a?q'), '/b?q')
  assert.equal(rewritten({ kind: 'path-separated-prefix', value: '/a', caseSensitive: true }, '/b', '/a/c'), '/b/c')
})

test('host rewrites: literal, header, endpoint', () => {
  const authority = (hostRewrite: RouteAction['hostRewrite'], endpoint = '') =>
    rewriteRequest(
      route(prefix('/'), { hostRewrite }),
      undefined,
      subject({ headers: { 'x-h': 'from.header' } }).head,
      endpoint,
    ).authority
  assert.equal(authority({ kind: 'literal', value: 'l' }), 'l')
  assert.equal(authority({ kind: 'header', header: 'x-h' }), 'from.header')
  assert.equal(authority({ kind: 'header', header: 'x-none' }), 'catalog')
  assert.equal(authority({ kind: 'endpoint' }, 'host.name'), 'host.name')
  assert.equal(authority({ kind: 'endpoint' }), 'catalog')
})

test('a rewrite by a header replaces the host only where the header says something', () => {
  const rewrite = { kind: 'header', header: 'x-to' } as const
  const head = (value?: string) => subject(value === undefined ? {} : { headers: { 'x-to': value } }).head
  assert.deepEqual([replacesHost(rewrite, head()), replacesHost(rewrite, head(''))], [false, false])
  assert.equal(replacesHost(rewrite, head('b')), true)
  assert.equal(replacesHost({ kind: 'literal', value: 'b' }, head()), true)
})

test('redirects change scheme, host, port and path', () => {
  const base = {
    kind: 'redirect',
    status: 301,
    scheme: undefined,
    httpsRedirect: false,
    host: undefined,
    port: undefined,
    path: undefined,
    stripQuery: false,
  } as const // prettier-ignore
  const location = (action: Partial<RedirectAction>, request: Partial<PlainRequest> = {}) => {
    const redirect = { ...base, ...action } as RedirectAction
    return redirectResponse(redirect, route(prefix('/a'), redirect), subject({ path: '/a/b?q=1', ...request }).head)
      .location
  }
  assert.equal(location({ httpsRedirect: true }), 'https://catalog/a/b?q=1')
  assert.equal(location({ httpsRedirect: true }, { authority: 'catalog:80' }), 'https://catalog/a/b?q=1')
  assert.equal(location({ httpsRedirect: true }, { authority: 'catalog:8080' }), 'https://catalog:8080/a/b?q=1')
  assert.equal(location({ host: 'new', port: 8443 }), 'http://new:8443/a/b?q=1')
  assert.equal(location({ path: { kind: 'full', value: '/n' } }), 'http://catalog/n?q=1')
  assert.equal(location({ path: { kind: 'full', value: '/n?own' } }), 'http://catalog/n?own')
  assert.equal(location({ path: { kind: 'prefix', value: '/z' }, stripQuery: true }), 'http://catalog/z/b')
})

function headers(initial: Readonly<Record<string, string>>): {
  readonly map: Map<string, string>
  readonly target: HeaderTarget
} {
  const map = new Map(Object.entries(initial))
  const target: HeaderTarget = {
    has: (name) => map.has(name),
    add: (name, value) => map.set(name, map.has(name) ? `${map.get(name)},${value}` : value),
    set: (name, value) => map.set(name, value),
    remove: (name) => map.delete(name),
  }
  return { map, target }
}

function option(
  name: string,
  value: FormatTemplate,
  action: HeaderOption['action'],
  keepEmptyValue = false,
): HeaderOption {
  return { name, writtenName: name, value, action, keepEmptyValue }
}

test('header options follow append_action, and removals come first', () => {
  const { map, target } = headers({ a: '1', gone: 'x' })
  const requestAdd = [
    option('a', ['2'], 'append-or-add'),
    option('a', ['3'], 'add-if-absent'),
    option('b', ['4'], 'overwrite-if-exists'),
    option('c', ['5'], 'overwrite-or-add'),
    option('gone', [{ operator: 'REQ', argument: 'X', maxLength: undefined }], 'append-or-add'),
    option('empty', [''], 'append-or-add'),
    option('kept', [''], 'append-or-add', true),
  ]
  const rules = { requestAdd, requestRemove: ['gone'], responseAdd: [], responseRemove: [] }
  editHeaders('request', [rules], target, () => 'value')
  assert.deepEqual(Object.fromEntries(map), { a: '1,2', c: '5', gone: 'value', kept: '' })
})

test('the least specific level has the last word, unless the configuration turns it round', () => {
  const level = (value: string) => ({
    requestAdd: [option('x', [value], 'overwrite-or-add')],
    requestRemove: [],
    responseAdd: [],
    responseRemove: [],
  }) // prettier-ignore
  const last = (wins: boolean) => {
    const { map, target } = headers({})
    const routed = {
      config: { headers: level('config'), mostSpecificHeaderMutationsWins: wins },
      host: { headers: level('host') },
      route: { headers: level('route') },
      leg: undefined,
    } // prettier-ignore
    editHeaders(
      'request',
      headerLevels(routed as unknown as Parameters<typeof headerLevels>[0]),
      target,
      () => undefined,
    )
    return map.get('x')
  }
  assert.equal(last(false), 'config')
  assert.equal(last(true), 'route')
})
