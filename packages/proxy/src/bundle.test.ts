import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'esbuild'

const forbiddenPackages =
  /node_modules\/(@bufbuild|@grpc|@peculiar|protobufjs|reflect-metadata|yaml|ajv|prom-client|commander)\//
const forbiddenBuiltins = new Set([
  'http',
  'https',
  'http2',
  'child_process',
  'worker_threads',
  'sqlite',
  'inspector',
  // Loads readline and more, 0.7 MB.
  'fs/promises',
])
const forbiddenSources = /packages\/(control|local|cli|resources|testkit)\/|packages\/xds\/gen\/es\//
/** Re-exported by the engine, but a proxy decides without them. */
const onlyForExplain = /packages\/engine\/src\/(prove|explain)\//

test('the proxy process loads no protobuf runtime, gRPC, HTTP or X.509 library, nothing of the control plane, and no proofs', async () => {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, 'main.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  const inputs = Object.keys(metafile.inputs)
  assert.ok(inputs.length > 20, 'the bundle holds the proxy')
  assert.deepEqual(
    inputs.filter((path) => forbiddenPackages.test(path) || forbiddenSources.test(path)),
    [],
  )
  const builtins = Object.values(metafile.outputs).flatMap((output) =>
    output.imports.filter(({ external }) => external === true).map(({ path }) => path.replace(/^node:/, '')),
  )
  assert.deepEqual(
    builtins.filter((name) => forbiddenBuiltins.has(name)),
    [],
  )
  const [output] = Object.values(metafile.outputs)
  assert.ok(output !== undefined)
  const kept = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
  assert.deepEqual(
    kept.map(([path]) => path).filter((path) => onlyForExplain.test(path)),
    [],
  )
  assert.ok(output.bytes < 1_500_000, `${output.bytes} bytes`)
})
