import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMeshConfig } from './read-mesh-config.ts'

function messageOf(settings: object, kind = 'envoyExtAuthzHttp'): string | undefined {
  const provider = { name: 'decider', [kind]: { service: 'authz.shop', port: 80, ...settings } }
  const { findings } = readMeshConfig(JSON.stringify({ extensionProviders: [provider] }))
  return findings.map(({ message }) => message).join('; ') || undefined
}

test('what Envoy takes of a provider is accepted', () => {
  const good = [
    {},
    { statusOnError: '503' },
    { pathPrefix: '/check' },
    { includeRequestBodyInCheck: { maxRequestBytes: 1 } },
    { includeAdditionalHeadersInCheck: { 'x-share': '100%' }, includeRequestHeadersInCheck: ['*'] },
  ]
  for (const settings of good) assert.equal(messageOf(settings), undefined, JSON.stringify(settings))
})

test('what Envoy does not take of a provider is refused: the listener would stay as it was, without the policy', () => {
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ statusOnError: '418' }, /is not one of/],
    [{ statusOnError: '99' }, /is not one of/],
    [{ pathPrefix: 'check' }, /is not a path/],
    [{ includeRequestBodyInCheck: {} }, /no `maxRequestBytes`/],
    [{ includeRequestBodyInCheck: { maxRequestBytes: 0 } }, /from 1/],
    [{ includeAdditionalHeadersInCheck: { Host: 'x' } }, /by which the provider itself is called/],
    [{ includeAdditionalHeadersInCheck: { 'x-a': 'two\nlines' } }, /is not a header value/],
  ]
  for (const [settings, message] of bad) assert.match(messageOf(settings) ?? 'accepted', message)
  assert.match(messageOf({ includeRequestBodyInCheck: {} }, 'envoyExtAuthzGrpc') ?? 'accepted', /no `maxRequestBytes`/)
})
