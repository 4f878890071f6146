import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withNewerFields } from './newer-fields.ts'

const file = 'envoy/config/cluster/v3/circuit_breaker.proto'
const text =
  'import "validate/validate.proto";\nmessage A {\n  google.protobuf.UInt32Value min_retry_concurrency = 2;\n}\n'

test('a field that is newer than the installed file is added with what it needs', () => {
  const added = withNewerFields(file, text)
  assert.match(added, /^import "google\/protobuf\/duration.proto";\nimport "validate/)
  assert.match(added, /= 2;\n {2}google.protobuf.Duration budget_interval = 3;\n}/)
  assert.equal(withNewerFields('other.proto', text), text)
})

test('a file that has the field by now, or looks different, is told of', () => {
  assert.throws(() => withNewerFields(file, withNewerFields(file, text)), /newer-fields/)
  assert.throws(() => withNewerFields(file, 'message A {}'), /newer-fields/)
})
