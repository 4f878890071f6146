import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WorkloadInstance } from '@weft/resources'
import { reserveAddressBlock } from './address-block.ts'

function instanceAt(appAddress: string): WorkloadInstance {
  return {
    name: 'a-0',
    workload: 'a',
    namespace: 'n',
    labels: {},
    serviceAccount: 'a',
    proxy: 'sidecar',
    address: appAddress.replace('67', '66'),
    appAddress,
    ports: [],
    outboundTcp: {},
    ready: true,
    draining: false,
  }
}

test('two meshes hold different blocks, and a freed block is taken again', async () => {
  const first = await reserveAddressBlock([instanceAt('127.67.200.1')])
  const second = await reserveAddressBlock([instanceAt('127.67.200.1')])
  assert.ok(first.ok && second.ok)
  assert.equal(first.value.firstIndex, 200 * 254)
  assert.notEqual(second.value.firstIndex, first.value.firstIndex)
  assert.equal(first.value.holds(instanceAt('127.67.200.9')), true)
  assert.equal(second.value.holds(instanceAt('127.67.200.9')), false)
  first.value.release()
  second.value.release()
  await new Promise((resolve) => setTimeout(resolve, 10))
  const again = await reserveAddressBlock([instanceAt('127.67.200.1')])
  assert.ok(again.ok)
  assert.equal(again.value.firstIndex, 200 * 254)
  again.value.release()
})
