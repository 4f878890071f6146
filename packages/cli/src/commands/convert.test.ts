import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ConvertReport } from './convert.ts'
import { type Run, weft as runWeft } from '../weft-under-test.ts'

const dir = mkdtempSync(join(tmpdir(), 'weft-convert-'))
after(() => rmSync(dir, { recursive: true }))

const weft = (...args: readonly string[]): Run => runWeft([...args])

const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop }
spec:
  tls: [{ hosts: [shop.example.com] }]
  rules:
    - host: shop.example.com
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] }
`

test('weft convert prints objects on standard output and what cannot be said on standard error, with its place', () => {
  writeFileSync(join(dir, 'a.yaml'), ingress)
  const text = weft('convert', dir)
  assert.match(text.stdout, /^apiVersion: gateway\.networking\.k8s\.io\/v1\nkind: Gateway\n/)
  assert.match(text.stderr, /^a\.yaml:5:9: warning: Ingress default\/shop: spec\.tls\[0\]: has no `secretName`/)
  assert.equal(text.status, 1)
  const json = JSON.parse(weft('convert', dir, '-o', 'json').stdout) as ConvertReport
  assert.deepEqual([json.objects.length, json.notExpressed.length, json.errors.length], [2, 1, 0])
  const none = weft('convert', dir, '--from', 'smi')
  assert.deepEqual([none.status, none.stdout, none.stderr], [0, '', `nothing in ${dir} is to be converted\n`])
  const file = weft('convert', join(dir, 'a.yaml'))
  assert.equal(file.stdout, text.stdout, 'a file is converted as its directory is')
  for (const wrong of [
    ['convert'],
    ['convert', join(dir, 'no')],
    ['convert', dir, '-o', 'text'],
    ['convert', dir, '--from', 'nginx'],
  ]) {
    assert.equal(weft(...wrong).status, 2, wrong.join(' '))
  }
})

test('weft schema prints the schema of a kind, lists kinds, and asks which of two is meant', () => {
  const schema = JSON.parse(weft('schema', 'httproutes').stdout) as { readonly title: string }
  assert.equal(schema.title, 'HTTPRoute')
  const both = weft('schema', 'Gateway')
  assert.equal(both.status, 2)
  assert.match(both.stderr, /Gateway\.networking\.istio\.io or Gateway\.gateway\.networking\.k8s\.io/)
  assert.equal(weft('schema', 'nothing').status, 2)
  assert.equal(weft('schema', 'service', '--crd').status, 2)
  assert.match(weft('schema').stdout, /^TrafficSplit\tsplit\.smi-spec\.io\tv1alpha4, /m)
  assert.match(weft('schema', '--crd').stdout, /^  name: workloads\.weft\.dev$/m)
  assert.match(weft('schema', '--dir', join(dir, 'schemas')).stdout, /files in/)
  assert.ok(readdirSync(join(dir, 'schemas')).includes('Gateway.gateway.networking.k8s.io.json'))
})
