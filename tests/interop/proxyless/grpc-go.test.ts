import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { missingGoPeers, missingPeers, runPeer } from '../peers/peer.ts'

interface Played {
  readonly name: string
  readonly passed: boolean
  readonly why: string
}

const missing = missingGoPeers('grpc-xds-interop-client', 'grpc-xds-interop-server')
// Neither can be told to listen on loopback alone.
const alone = process.getuid?.() === 0 ? missingPeers('unshare', 'ip') : 'needs root for a network namespace of its own'

describe("grpc-go's xDS interop programs without a proxy", { skip: missing || alone, timeout: 260_000 }, () => {
  let played: Promise<ReadonlyMap<string, Played>> | undefined

  async function play(): Promise<ReadonlyMap<string, Played>> {
    const file = join(import.meta.dirname, 'grpc-go-run.ts')
    const script = 'ip link set lo up && exec "$0" "$1"'
    const run = await runPeer('unshare', ['-n', 'sh', '-c', script, process.execPath, file], '', 240_000)
    const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'))
    assert.ok(lines.length > 0, run.stderr)
    return new Map(lines.map((line) => JSON.parse(line) as Played).map((result) => [result.name, result]))
  }

  for (const [name, title] of [
    ['followsChanges', 'shares and endpoints change under load, and no call fails'],
    [
      'speaksMutualTls',
      'client and server speak mutual TLS by certificates of the agent; plaintext and who is denied get nothing',
    ],
  ] as const) {
    test(title, async () => {
      played ??= play()
      const result = (await played).get(name)
      assert.ok(result !== undefined, 'the case was not played')
      assert.ok(result.passed, result.why)
    })
  }
})
