import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { speaksHttp2, speaksHttp2Upstream } from '../protocol/what-weft-speaks.ts'
import { grpcGoCases, type GrpcGoResult } from './grpc-go-cases.ts'
import { missingGoPeers, missingPeers, runPeer } from './peer.ts'

const missing = missingGoPeers('grpc-interop-client', 'grpc-interop-server', 'grpcurl')
const h2 = (await speaksHttp2()) && (await speaksHttp2Upstream())
// The server cannot be told to listen on loopback alone.
const alone = process.getuid?.() === 0 ? missingPeers('unshare', 'ip') : 'needs root for a network namespace of its own'

async function runAll(way: 'direct' | 'plain' | 'mesh'): Promise<ReadonlyMap<string, GrpcGoResult>> {
  const file = join(import.meta.dirname, 'grpc-go-run.ts')
  const script = 'ip link set lo up && exec "$0" "$1" "$2"'
  const run = await runPeer('unshare', ['-n', 'sh', '-c', script, process.execPath, file, way], '', 240_000)
  const lines = run.stdout.split('\n').filter((line) => line.startsWith('{'))
  assert.ok(lines.length > 0, run.stderr)
  return new Map(lines.map((line) => JSON.parse(line) as GrpcGoResult).map((result) => [result.name, result]))
}

const ways = [
  { way: 'direct', title: 'grpc-go without a proxy: the cases pass', needsHttp2: false },
  { way: 'plain', title: 'grpc-go through a proxy', needsHttp2: true },
  { way: 'mesh', title: 'grpc-go through two proxies over mutual TLS', needsHttp2: true },
] as const

for (const { way, title, needsHttp2 } of ways) {
  const yet = needsHttp2 && !h2 ? 'needs HTTP/2, which this proxy does not speak yet' : false
  const skip = missing !== false ? missing : alone !== false ? alone : yet
  describe(title, { skip, timeout: 300_000 }, () => {
    let results: Promise<ReadonlyMap<string, GrpcGoResult>> | undefined
    for (const name of grpcGoCases) {
      test(name, async () => {
        results ??= runAll(way)
        const result = (await results).get(name)
        assert.ok(result !== undefined, 'the case was not run')
        assert.ok(result.passed, result.why)
      })
    }
  })
}
