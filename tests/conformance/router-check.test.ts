// Envoy's own route tables: 17 configurations and 111 questions, answered by the engine through the same path a proxy
// takes (bytes -> lean reader -> compile -> decide).
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import {
  chooseCluster,
  compileRouteConfig,
  type ConnectionFacts,
  decideRoute,
  editHeaders,
  type HeaderTarget,
  headerLevels,
  type Json,
  plainHead,
  redirectResponse,
  rewriteRequest,
  type RouteConfig,
  type Subject,
  virtualClusterName,
} from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { parse } from 'yaml'

const dataDir = join(process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'router-check')

/** Tests whose expectation Weft deliberately does not meet. */
const different: ReadonlyMap<string, string> = new Map([
  ['Runtime.yaml Test_4', "a route of 0 percent is never taken; the upstream tool's answer depends on its own runtime"],
])

interface Input {
  readonly authority: string
  readonly path: string
  readonly method: string
  readonly ssl?: boolean
  readonly internal?: boolean
  readonly random_value?: number
  readonly runtime?: string
  readonly additional_request_headers?: readonly { readonly key: string; readonly value: string }[]
  readonly dynamic_metadata?: readonly {
    readonly metadata_namespace: string
    readonly value: Json
    readonly allow_overwrite?: boolean
  }[]
}
interface HeaderCheck {
  readonly name: string
  readonly string_match?: { readonly exact?: string; readonly prefix?: string }
  readonly range_match?: { readonly start: number; readonly end: number }
  readonly present_match?: boolean
  readonly invert_match?: boolean
}
interface Validate {
  readonly route_metadata?: readonly { readonly namespace: string; readonly key: string; readonly value: Json }[]
  readonly request_header_matches?: readonly HeaderCheck[]
  readonly response_header_matches?: readonly HeaderCheck[]
  readonly [name: string]: unknown
}
interface Golden {
  readonly tests: readonly { readonly test_name: string; readonly input: Input; readonly validate: Validate }[]
}
interface IndexEntry {
  readonly config: string
  readonly golden: string
  readonly tests: number
  readonly mustNotMatch?: readonly string[]
}

const skip = existsSync(dataDir) ? false : `no test data at ${dataDir}`
if (skip !== false) test('router-check', { skip }, () => {})
else {
  const index = parse(readFileSync(join(dataDir, 'index.yaml'), 'utf8')) as { readonly files: readonly IndexEntry[] }
  let count = 0
  for (const entry of index.files) {
    const config = load(entry.config)
    const golden = JSON.parse(readFileSync(join(dataDir, entry.golden), 'utf8')) as Golden
    for (const { test_name: name, input, validate } of golden.tests) {
      count++
      const wrong = entry.mustNotMatch?.includes(name) === true || different.has(`${entry.config} ${name}`)
      test(`${entry.golden} ${name}${wrong ? ' is not met' : ''}`, () => {
        const problems = check(config, input, validate)
        if (wrong) assert.notEqual(problems.length, 0)
        else assert.deepEqual(problems, [])
      })
    }
  }
  test('all 111 tests were read', () => assert.equal(count, 111))
}

function load(file: string): RouteConfig {
  const json = durationsAsText(parse(readFileSync(join(dataDir, file), 'utf8')))
  const bytes = toBinary(RouteConfigurationSchema, fromJson(RouteConfigurationSchema, json))
  const compiled = compileRouteConfig(bytes, { regex: compileRegex })
  assert.ok(compiled.ok, compiled.ok ? '' : `${file}: ${compiled.error.field}: ${compiled.error.message}`)
  return compiled.value
}

/** Upstream writes some durations as messages (`{seconds: 30}`), which proto3 JSON does not have. */
function durationsAsText(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(durationsAsText)
  if (value === null || typeof value !== 'object') return value
  const keys = Object.keys(value)
  if (keys.length > 0 && keys.every((key) => key === 'seconds' || key === 'nanos')) {
    return `${Number(value['seconds'] ?? 0) + Number(value['nanos'] ?? 0) / 1e9}s`
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, durationsAsText(one)]))
}

function subjectOf(input: Input): Subject {
  const connection: ConnectionFacts = {
    localAddress: '127.0.0.1',
    localPort: 80,
    remoteAddress: '127.0.0.1',
    remotePort: 50000,
    sni: undefined,
    transportProtocol: 'raw_buffer',
    applicationProtocols: [],
    tls: false,
    peerNames: [],
  }
  const headers: Record<string, string> = { 'x-forwarded-proto': input.ssl === true ? 'https' : 'http' }
  if (input.internal === true) headers['x-envoy-internal'] = 'true'
  for (const { key, value } of input.additional_request_headers ?? []) headers[key] = value
  const dynamicMetadata: Record<string, Json> = {}
  for (const one of input.dynamic_metadata ?? []) {
    if (one.allow_overwrite === true || dynamicMetadata[one.metadata_namespace] === undefined) {
      dynamicMetadata[one.metadata_namespace] = one.value
    }
  }
  return {
    head: plainHead({ ...input, scheme: input.ssl === true ? 'https' : 'http', headers }),
    connection,
    random: input.random_value ?? 0,
    dynamicMetadata,
    // The tool switches one key on and all others off; "on" leaves the configured percentage as it is.
    runtime: (key) => (key === input.runtime ? undefined : 0),
  }
}

function check(config: RouteConfig, input: Input, validate: Validate): string[] {
  const seen = answer(config, input)
  const problems: string[] = []
  for (const [name, wanted] of Object.entries(validate)) {
    if (typeof wanted !== 'string' && typeof wanted !== 'number') continue
    const got = seen.values[name]
    if (got !== wanted) problems.push(`${name}: ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`)
  }
  for (const one of validate.request_header_matches ?? []) problems.push(...checkHeader(seen.request, one))
  for (const one of validate.response_header_matches ?? []) problems.push(...checkHeader(seen.response, one))
  for (const { namespace, key, value } of validate.route_metadata ?? []) {
    const fields = seen.metadata[namespace] as { readonly [key: string]: Json } | undefined
    if (fields?.[key] !== value) problems.push(`metadata ${namespace} ${key}: ${JSON.stringify(fields?.[key])}`)
  }
  return problems
}

interface Answer {
  readonly values: Readonly<Record<string, unknown>>
  readonly request: ReadonlyMap<string, string>
  readonly response: ReadonlyMap<string, string>
  readonly metadata: Readonly<Record<string, Json>>
}

const nothing = {
  cluster_name: '',
  virtual_host_name: '',
  virtual_cluster_name: '',
  path_rewrite: '',
  host_rewrite: '',
  path_redirect: '',
}

function answer(config: RouteConfig, input: Input): Answer {
  const subject = subjectOf(input)
  const decision = decideRoute(config, subject)
  const request = new Map<string, string>()
  const response = new Map<string, string>()
  if (decision.kind === 'tls-redirect') {
    return {
      values: { ...nothing, path_redirect: decision.location, code_redirect: 301 },
      request,
      response,
      metadata: {},
    }
  }
  if (decision.kind === 'none') return { values: nothing, request, response, metadata: {} }
  const { host, route } = decision
  const { action, metadata } = route
  const read = () => subject.connection.remoteAddress
  if (action.kind === 'redirect') {
    const { status, location } = redirectResponse(action, route, subject.head)
    return { values: { ...nothing, path_redirect: location, code_redirect: status }, request, response, metadata }
  }
  if (action.kind === 'direct') {
    if (action.body.length > 0) {
      response.set('content-type', 'text/plain').set('content-length', String(action.body.length))
    }
    editHeaders('response', headerLevels({ config, host, route, leg: undefined }), target(response), read)
    const path_redirect = `${subject.head.scheme()}://${input.authority}${input.path}`
    return { values: { ...nothing, path_redirect, code_redirect: action.status }, request, response, metadata }
  }
  if (action.kind !== 'route') return { values: nothing, request, response, metadata }
  const choice = chooseCluster(action, subject)
  const leg = choice.kind === 'cluster' ? choice.leg : undefined
  const { path, authority } = rewriteRequest(route, leg, subject.head, '')
  request.set(':path', path).set(':authority', authority).set(':method', input.method)
  editHeaders('request', headerLevels({ config, host, route, leg }), target(request), read)
  editHeaders('response', headerLevels({ config, host, route, leg }), target(response), read)
  const values = {
    ...nothing,
    cluster_name: choice.kind === 'cluster' ? choice.name : '',
    virtual_host_name: host.name,
    virtual_cluster_name: virtualClusterName(host, subject) ?? '',
    path_rewrite: path,
    host_rewrite: authority,
    timeout: `${action.timeoutMs / 1000}s`,
  }
  return { values, request, response, metadata }
}

function target(headers: Map<string, string>): HeaderTarget {
  return {
    has: (name) => headers.has(name),
    add: (name, value) => headers.set(name, headers.has(name) ? `${headers.get(name)},${value}` : value),
    set: (name, value) => headers.set(name, value),
    remove: (name) => headers.delete(name),
  }
}

function checkHeader(headers: ReadonlyMap<string, string>, wanted: HeaderCheck): string[] {
  const value = headers.get(wanted.name.toLowerCase())
  const { string_match: text, range_match: range } = wanted
  let matches = value !== undefined
  if (value !== undefined && text?.exact !== undefined) matches = value === text.exact
  if (value !== undefined && text?.prefix !== undefined) matches = value.startsWith(text.prefix)
  if (value !== undefined && range !== undefined) matches = Number(value) >= range.start && Number(value) < range.end
  if (wanted.present_match === false) matches = value === undefined
  return matches === (wanted.invert_match !== true) ? [] : [`header ${wanted.name}: ${value}`]
}
