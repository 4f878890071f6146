import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { stringify } from 'yaml'
import { isKind } from '../../kinds.ts'
import { parseFile } from '../../parse/parse-file.ts'
import { Sealed } from './sealed.ts'

const text = (data: string): string =>
  `{ apiVersion: v1, kind: Secret, metadata: { name: shop }, type: kubernetes.io/tls, data: { ${data} } }`

test('the data of a Secret can be revealed and shows in no print', () => {
  const file = parseFile({ name: 'f', text: text('tls.key: aHVzaA==, tls.crt: Y2VydA==') })
  assert.deepEqual(
    file.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const object = file.objects[0]?.object
  assert.ok(object !== undefined && isKind(object, 'Secret'))
  assert.equal(object.spec.data['tls.key']?.reveal(), 'hush')
  for (const print of [
    JSON.stringify(object),
    inspect(object, { depth: 9 }),
    stringify(object.spec),
    String(new Sealed('hush')),
  ]) {
    assert.doesNotMatch(print, /hush|aHVzaA/)
  }
})

test('a Secret changes its hash with its data, and stringData is data', () => {
  const hashOf = (data: string): string | undefined =>
    parseFile({ name: 'f', text: text(data) }).objects[0]?.object?.hash
  assert.notEqual(hashOf('tls.key: aHVzaA==, tls.crt: ""'), hashOf('tls.key: aHVzaQ==, tls.crt: ""'))
  const plain = text('tls.key: "", tls.crt: ""').replace(
    ' data:',
    ' stringData: { tls.crt: cert, tls.key: hush }, data:',
  )
  const object = parseFile({ name: 'f', text: plain }).objects[0]?.object
  assert.ok(object !== undefined && isKind(object, 'Secret'))
  assert.equal(object.spec.data['tls.key']?.reveal(), 'hush')
})

test('findings about a Secret never show its values', () => {
  for (const data of ['tls.key: "hush!"', 'tls.key: 1234567', 'tls.key: [hush]', 'tls.crt: aHVzaA==']) {
    const { problems } = parseFile({ name: 'f', text: text(data) })
    assert.ok(problems.length > 0, data)
    assert.doesNotMatch(JSON.stringify(problems), /hush|1234567|aHVzaA/)
  }
})
