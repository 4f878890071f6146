import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles } from '../../parse/load-files.ts'

function problemOf(path: string): string | undefined {
  const text = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: t, namespace: shop }
spec: { action: DENY, rules: [{ to: [{ operation: { paths: [${JSON.stringify(path)}] } }] }] }
`
  return loadFiles([{ name: 'policy.yaml', text }], 'envoy').problems[0]?.message
}

test('path templates that Envoy reads are accepted', () => {
  for (const path of [
    '/{*}',
    '/{**}',
    '/a/{*}/',
    '/{**}/end',
    '/{*}/{**}',
    "/aZ09-._~%20!$&'()+,;=:@/{*}",
    `/${'a'.repeat(253)}/{*}`,
  ])
    assert.equal(problemOf(path), undefined, path)
})

test('those that would end Envoy, or that it does not take, are refused and say why', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ...[' ', '"', '#', '<', '>', '?', '[', ']', '\\', '^', '`', '|', 'é', '\t'].map(
      (character) => [`/a${character}b/{*}`, /characters that a path holds as %XX only/] as const,
    ),
    ['/a//{*}', /an empty segment/],
    ['/{*}//', /an empty segment/],
    ['//{**}', /an empty segment/],
    [`/${'a'.repeat(254)}/{*}`, /more than 256 characters/],
    ['/a{*}', /neither text nor/],
    ['{*}', /does not begin with/],
    ['/{**}/{**}', /more than one/],
    ['/{**}/{*}', /after {\*\*}/],
  ]
  for (const [path, message] of cases) assert.match(problemOf(path) ?? 'accepted', message, path)
})
