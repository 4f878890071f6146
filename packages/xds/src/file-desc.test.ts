import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry } from '@bufbuild/protobuf'
import { fileDesc as theirs, messageDesc } from '@bufbuild/protobuf/codegenv2'
import { file_google_protobuf_any } from '@bufbuild/protobuf/wkt'
import { file_envoy_config_cluster_v3_cluster } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { file_envoy_config_core_v3_address } from '@weft/xds/es/envoy/config/core/v3/address'
import { fileDesc } from './file-desc.ts'

// file "c.proto": imports b.proto; message C { A a = 1; }. File "b.proto": imports a.proto publicly. File "a.proto": message A.
const descriptor = (name: string, rest: Buffer): string =>
  Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name), rest]).toString('base64')
const messageA = Buffer.from([0x22, 3, 0x0a, 1, 0x41])
const publicImport = Buffer.from([0x50, 0])
const fieldA = Buffer.from([0x0a, 1, 0x61, 0x18, 1, 0x20, 1, 0x28, 11, 0x32, 2, 0x2e, 0x41])
const messageC = Buffer.from([0x22, 3 + 2 + fieldA.length, 0x0a, 1, 0x43, 0x12, fieldA.length, ...fieldA])

test('a file keeps the files that it imports, and every type they lead to is found', () => {
  const file = file_envoy_config_cluster_v3_cluster
  assert.ok(file.dependencies.includes(file_envoy_config_core_v3_address))
  assert.deepEqual(
    file.dependencies.map(({ proto }) => proto.name),
    file.proto.dependency,
  )
  assert.ok(createRegistry(file).getMessage('envoy.config.cluster.v3.Cluster'))
})

test('a type that an import imports publicly can be named, as with the library', () => {
  for (const make of [theirs, fileDesc]) {
    const a = make(descriptor('a.proto', messageA))
    const b = make(descriptor('b.proto', publicImport), [a])
    const c = make(descriptor('c.proto', messageC), [b, file_google_protobuf_any])
    assert.equal(messageDesc(c, 0).fields[0]?.message, a.messages[0])
    assert.deepEqual(c.dependencies, [b, file_google_protobuf_any])
  }
})

test('a type of a file that is imported behind an import, not publicly, cannot be named', () => {
  const a = fileDesc(descriptor('a.proto', messageA))
  const b = fileDesc(descriptor('b.proto', Buffer.alloc(0)), [a])
  assert.throws(() => fileDesc(descriptor('c.proto', messageC), [b]), /A/)
})
