// What Telemetry objects ask for, done by real Envoys: spans for a collector, and access logs of some requests only.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { before, describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { meshConfig, service, workload } from './mesh-texts.ts'

const base = `${workload('web')}${workload('catalog', { labels: 'app: catalog, version: v2' })}${service('catalog')}
${workload('collector', { namespace: 'observe', more: 'proxy: none', ports: '{ name: other, port: 9411 }' })}
${service('collector', { namespace: 'observe', ports: '{ name: http, port: 9411 }' })}
${meshConfig(`
accessLogFile: /dev/stdout
accessLogFormat: "logged %REQ(:PATH)% %RESPONSE_CODE%"
extensionProviders:
  - { name: zipkin, zipkin: { service: collector.observe.svc.cluster.local, port: 9411 } }
  - { name: otel, opentelemetry: { service: collector.observe.svc.cluster.local, port: 9411, http: { path: /v1/traces } } }
  - { name: gone, zipkin: { service: gone.observe.svc.cluster.local, port: 9411 } }
`)}`

function tracing(rule: string): string {
  return `
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: { name: shop, namespace: shop }
spec:
  tracing: [${rule}]
  accessLogging: [{ filter: { expression: "response.code >= 400 || request.path.startsWith('/seen')" } }]
`
}

interface ZipkinSpan {
  readonly traceId: string
  readonly kind: string
  readonly localEndpoint: { readonly serviceName: string }
  readonly tags: Readonly<Record<string, string>>
}

describe('telemetry on real Envoys', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh(
    {
      base,
      app: (request, response) => {
        response.statusCode = request.url?.startsWith('/bad') === true ? 404 : 200
        response.end()
      },
    },
    tracing(
      '{ providers: [{ name: zipkin }], randomSamplingPercentage: 100, customTags: { tier: { literal: { value: shop } }, user: { header: { name: x-user, defaultValue: nobody } }, asked: { formatter: { value: "%REQ(:METHOD)% by %REQ(X-USER)%" } } } }',
    ),
  )
  const spans: ZipkinSpan[] = []
  const posts: { readonly url: string; readonly body: Buffer }[] = []

  before(() => {
    const collector = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks)
        posts.push({ url: request.url ?? '', body })
        if (request.url === '/api/v2/spans') spans.push(...(JSON.parse(body.toString()) as ZipkinSpan[]))
        response.end()
      })
    })
    return mesh.serve(collector, { host: mesh.instance('collector-0').appAddress, port: 9411 })
  })

  const spansOf = (path: string): ZipkinSpan[] => spans.filter(({ tags }) => tags['http.url']?.endsWith(path))

  test('both ends of a call report spans of one trace, with the tags that were asked for', async () => {
    const answer = await mesh.call('web-0', 'http://catalog/traced', { 'x-user': 'ann' })
    assert.equal(answer.status, 200)
    await until(
      () => spansOf('/traced').length === 2,
      () => JSON.stringify(spans),
    )
    const found = spansOf('/traced')
    assert.deepEqual(found.map(({ kind }) => kind).sort(), ['CLIENT', 'SERVER'])
    assert.equal(new Set(found.map(({ traceId }) => traceId)).size, 1)
    const server = found.find(({ kind }) => kind === 'SERVER')
    assert.equal(server?.localEndpoint.serviceName, 'catalog.shop')
    assert.equal(server?.tags['user'], 'ann')
    assert.equal(server?.tags['tier'], 'shop')
    assert.equal(server?.tags['asked'], 'GET by ann')
    assert.equal(server?.tags['istio.canonical_service'], 'catalog')
    assert.equal(server?.tags['istio.canonical_revision'], 'v2')
  })

  test('with trace headers kept back, each end of a call begins a trace of its own', async () => {
    mesh.edit(
      tracing('{ providers: [{ name: zipkin }], randomSamplingPercentage: 100, disableContextPropagation: true }'),
    )
    let attempt = 0
    await until(async () => {
      const path = `/alone-${attempt++}`
      assert.equal((await mesh.call('web-0', `http://catalog${path}`)).status, 200)
      await until(() => spansOf(path).length === 2)
      return new Set(spansOf(path).map(({ traceId }) => traceId)).size === 2
    })
  })

  test('only what the expression is true of is logged', async () => {
    await mesh.call('web-0', 'http://catalog/seen')
    await mesh.call('web-0', 'http://catalog/good')
    await mesh.call('web-0', 'http://catalog/bad')
    await until(() => mesh.logs.filter((line) => line === 'logged /bad 404').length === 2)
    assert.equal(mesh.logs.filter((line) => line === 'logged /seen 200').length, 2)
    assert.deepEqual(
      mesh.logs.filter((line) => line.includes('/good')),
      [],
    )
  })

  test('a provider of OpenTelemetry gets spans over HTTP, under the name of the workload', async () => {
    mesh.edit(tracing('{ match: { mode: SERVER }, providers: [{ name: otel }], randomSamplingPercentage: 100 }'))
    await until(async () => {
      await mesh.call('web-0', 'http://catalog/otel')
      return posts.some(({ url, body }) => url === '/v1/traces' && body.includes('catalog.shop'))
    })
  })

  test('nothing is reported when it is disabled, at no share, or to a collector that is not there', async () => {
    for (const [path, rule] of [
      ['/disabled', '{ providers: [{ name: zipkin }], randomSamplingPercentage: 100, disableSpanReporting: true }'],
      ['/none', '{ providers: [{ name: zipkin }], randomSamplingPercentage: 0 }'],
      ['/gone', '{ providers: [{ name: gone }], randomSamplingPercentage: 100 }'],
    ] as const) {
      const { version } = await mesh.status()
      mesh.edit(tracing(rule))
      await until(async () => (await mesh.status()).version !== version, 'the edit is read')
      await mesh.settled()
      assert.equal((await mesh.call('web-0', `http://catalog${path}`)).status, 200)
    }
    mesh.edit(tracing('{ providers: [{ name: zipkin }], randomSamplingPercentage: 100 }'))
    await until(async () => {
      await mesh.call('web-0', 'http://catalog/again')
      return spansOf('/again').length > 0
    })
    for (const path of ['/disabled', '/none', '/gone']) assert.deepEqual(spansOf(path), [], path)
  })
})
