import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFile } from '../parse/parse-file.ts'
import { analyzeWritten, istioCodeOf } from './analyze.ts'
import type { Check } from './check.ts'

const text = `
apiVersion: v1
kind: Service
metadata: { name: catalog, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
`

test('a check that fails is told as a failure of analysis, and the findings of the others stand', () => {
  const failing: Check = {
    name: 'failing',
    kinds: ['Service'],
    *run() {
      yield { code: 'WEFT0112', field: 'spec', message: 'is lost', mend: '' }
      throw new Error('no such thing')
    },
  }
  const fine: Check = {
    name: 'fine',
    kinds: ['Service'],
    *run() {
      yield { code: 'WEFT0111', field: 'spec', message: 'is found', mend: '' }
    },
  }
  const { written } = parseFile({ name: 'mesh.yaml', text })
  const found = analyzeWritten(written, { checks: [failing, fine] })
  assert.deepEqual(found.map(({ code, severity }) => `${code} ${severity}`).sort(), [
    'IST0001 warning',
    'WEFT0111 info',
  ])
  assert.match(found.find(({ code }) => code === 'IST0001')?.message ?? '', /failing.*no such thing/)
})

test('a warning of validation is a schema warning to Istio, a mistake a schema error', () => {
  const rule = (weight: number, more = ''): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: catalog, namespace: shop }
spec: { hosts: [catalog], http: [{ ${more} route: [{ destination: { host: catalog }, weight: ${weight} }, { destination: { host: old }, weight: 50 }] }] }
`
  const codesOf = (yaml: string): (string | undefined)[] =>
    parseFile({ name: 'mesh.yaml', text: yaml }).problems.map(istioCodeOf)
  assert.deepEqual(codesOf(rule(30)), ['IST0133'])
  assert.deepEqual(codesOf(rule(50, 'matches: [],')), ['IST0106'])
  assert.deepEqual(codesOf(rule(50)), [])
})
