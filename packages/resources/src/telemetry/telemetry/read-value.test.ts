import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../format-problem.ts'
import { parseFile } from '../../parse/parse-file.ts'
import type { DataPlane } from '../../schema/describe-effect.ts'
import { readValue } from './read-value.ts'

function told(value: string, dataPlane: DataPlane = 'weft'): string[] {
  const tag = `tagOverrides: { tag: { value: ${JSON.stringify(value)} } }`
  const spec = `{ metrics: [{ overrides: [{ match: { metric: REQUEST_COUNT }, ${tag} }] }] }`
  const text = `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: t }\nspec: ${spec}\n`
  const { problems } = parseFile({ name: 'in.yaml', text }, 1, undefined, dataPlane)
  return problems.map((problem) => formatProblem(problem))
}

test('the expressions of the documentation of Istio are read', () => {
  assert.deepEqual(readValue('string(destination.port)'), { call: 'string', of: [{ attribute: 'destination.port' }] })
  assert.deepEqual(readValue('request.host'), { attribute: 'request.host' })
  assert.deepEqual(readValue("upstream_peer.labels['app'].value"), { attribute: 'upstream_peer.app' })
  assert.deepEqual(readValue("xds.node.metadata['NAMESPACE']"), { attribute: 'node.metadata', key: 'NAMESPACE' })
  assert.deepEqual(readValue("request.headers['X-User']"), { attribute: 'request.headers', key: 'x-user' })
  assert.deepEqual(readValue('has(request.headers.referer)'), {
    attribute: 'request.headers',
    key: 'referer',
    has: true,
  })
  assert.deepEqual(readValue("request.url_path.startsWith('/api') ? 'api' : \"web\""), {
    call: '?:',
    of: [
      { call: 'startsWith', of: [{ attribute: 'request.url_path' }, { constant: '/api' }] },
      { constant: 'api' },
      { constant: 'web' },
    ],
  })
})

test("what Weft's proxy cannot compute is refused, by name, with its place and a mend", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      'request.hots',
      /request\.hots is not an attribute.*\(character 1 of the expression\).*Did you mean request\.host\?/s,
    ],
    ["'a' + connection.sni", /connection\.sni is not an attribute.*\(character 7 of the expression\)/s],
    ["request.host.matches('a')", /the function matches is not supported \(character 1 of the expression\)/],
    ['request.headers', /request\.headers is a map.*Write a key/s],
    ['request.headers[request.host]', /keys must be fixed texts/],
    ["string('a', 'b')", /string takes 1 values, not 2/],
    ['[1, 2]', /a list is no value of a label/],
    ['null', /null and bytes are no values/],
    ["request.host in ['a'].map(x, x)", /is understood of lists, and of maps/],
    ["upstream_peer.labels['tier'].value", /upstream_peer\.labels\.tier\.value is not an attribute/],
  ]
  for (const [value, expected] of cases) {
    const problems = told(value)
    assert.equal(problems.length, 1, `${value}: ${problems.join('\n')}`)
    assert.match(problems[0] ?? '', expected)
    assert.match(problems[0] ?? '', /^in\.yaml:4.*tagOverrides\.tag\.value/)
  }
})

test('what is no CEL is refused for every proxy; what only Envoy lacks is told where Envoy is the proxy', () => {
  assert.match(told('request.host ==').join('\n'), /is not a CEL expression/)
  assert.deepEqual(told('request.host'), [])
  const [onEnvoy, ...others] = told('connection.sni', 'envoy')
  assert.match(onEnvoy ?? '', /has no effect where Envoy is the proxy: Envoy as it is released lacks the filter/)
  assert.deepEqual(others, [])
})
