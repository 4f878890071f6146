// Generates everything in packages/xds/gen from the .proto files that npm packages carry: the full protobuf-es types
// (control plane, CLI, tests) and the lean readers (engine, proxy). Runs at install; the output is never committed.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withNewerFields } from './newer-fields.ts'

const here = dirname(fileURLToPath(import.meta.url))
const packageDir = join(here, '..')
const rootDir = join(packageDir, '../..')
const genDir = join(packageDir, 'gen')
const require = createRequire(import.meta.url)

/** Folders of .proto files, first wins: the newer validate.proto must shadow the one bundled with the Envoy tree. */
function protoRoots(): { dir: string; prefix: string }[] {
  const deps = join(dirname(require.resolve('@grpc/grpc-js-xds/package.json')), 'deps')
  return [
    { dir: join(dirname(require.resolve('protoc-gen-validate/package.json')), 'src/proto'), prefix: 'validate' },
    { dir: join(deps, 'envoy-api'), prefix: '' },
    { dir: join(deps, 'xds'), prefix: '' },
    { dir: join(deps, 'googleapis'), prefix: '' },
    { dir: join(packageDir, 'proto'), prefix: '' },
  ].filter((root) => existsSync(root.dir))
}

function* walk(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.name.endsWith('.proto')) yield path
  }
}

/** All v3 files that resolve: a file whose imports (of any depth) are not available is left out. */
function collect(): Map<string, string> {
  const files = new Map<string, string>()
  for (const { dir, prefix } of protoRoots()) {
    for (const path of walk(dir)) {
      const name = join(prefix, relative(dir, path))
      if (files.has(name)) continue
      files.set(name, withNewerFields(name, readFileSync(path, 'utf8').replaceAll('\r\n', '\n')))
    }
  }
  for (let removed = true; removed; ) {
    removed = false
    for (const [name, text] of files) {
      const imports = [...text.matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)].map((match) => match[1] as string)
      if (imports.every((path) => path.startsWith('google/protobuf/') || files.has(path))) continue
      files.delete(name)
      removed = true
    }
  }
  return files
}

/** What is generated: Envoy's v3 API, what it imports, and our own services; the rest of googleapis is noise. */
function wanted(files: Map<string, string>): string[] {
  return [...files.keys()].filter((name) => /^(envoy\/.*\/v3\/|weft\/)/.test(name)).sort()
}

function closure(files: Map<string, string>, names: string[]): Set<string> {
  const seen = new Set<string>()
  const visit = (name: string): void => {
    const text = files.get(name)
    if (text === undefined || seen.has(name)) return
    seen.add(name)
    for (const match of text.matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)) visit(match[1] as string)
  }
  for (const name of names) visit(name)
  return seen
}

function stamp(): string {
  const hash = createHash('sha256')
  const inputs = [fileURLToPath(import.meta.url), join(rootDir, 'package-lock.json'), ...ownInputs()]
  for (const path of inputs) if (existsSync(path)) hash.update(path.slice(rootDir.length)).update(readFileSync(path))
  return hash.digest('hex')
}

function ownInputs(): string[] {
  const list: string[] = []
  for (const dir of ['scripts', 'proto', 'lean']) {
    const path = join(packageDir, dir)
    if (!existsSync(path)) continue
    for (const name of readdirSync(path, { recursive: true }) as string[]) {
      if (statSync(join(path, name)).isFile()) list.push(join(path, name))
    }
  }
  return list.sort()
}

function generate(): void {
  const want = stamp()
  const stampFile = join(genDir, 'stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === want) return
  const files = collect()
  const names = closure(files, wanted(files))
  const work = join(packageDir, 'gen.next')
  rmSync(work, { recursive: true, force: true })
  const protoDir = join(work, 'proto')
  for (const name of names) {
    mkdirSync(dirname(join(protoDir, name)), { recursive: true })
    writeFileSync(join(protoDir, name), files.get(name) as string)
  }
  writeFileSync(join(protoDir, 'buf.yaml'), 'version: v2\n')
  const bin = join(rootDir, 'node_modules/.bin')
  const plugins: Record<string, unknown>[] = [
    {
      local: join(bin, 'protoc-gen-es'),
      out: join(work, 'es'),
      opt: ['target=js+dts', 'import_extension=js', 'js_import_style=module'],
      strategy: 'all',
      include_imports: true,
    },
  ]
  const lean = join(here, 'protoc-gen-weft-lean.ts')
  if (existsSync(lean))
    plugins.push({ local: [join(bin, 'node'), lean], out: join(work, 'lean'), strategy: 'all', include_imports: true })
  const template = join(work, 'buf.gen.yaml')
  writeFileSync(template, JSON.stringify({ version: 'v2', plugins }))
  execFileSync(join(bin, 'buf'), ['generate', '--template', template, protoDir], {
    stdio: 'inherit',
    cwd: work,
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  })
  useOwnFileDesc(join(work, 'es'))
  writeFileSync(join(work, 'stamp'), want)
  rmSync(genDir, { recursive: true, force: true })
  renameSync(work, genDir)
}

/** Has the generated modules build their descriptors by our `fileDesc`, which does the same in less time. */
function useOwnFileDesc(dir: string): void {
  for (const name of readdirSync(dir, { recursive: true }) as string[]) {
    if (!name.endsWith('_pb.js')) continue
    const path = join(dir, name)
    const text = readFileSync(path, 'utf8')
    const imported = /^import \{ (.*)\bfileDesc\b(?:, )?(.*) \} from "@bufbuild\/protobuf\/codegenv2";$/m
    if (!imported.test(text))
      throw new Error(`${name} imports no fileDesc: its generator writes other code than it did`)
    const own = relative(dirname(path), join(dir, '../../src/file-desc.ts'))
    const replaced = text.replace(imported, (_line, before: string, after: string) => {
      const others = `${before}${after}`.replace(/, $/, '')
      const theirs = others === '' ? '' : `import { ${others} } from "@bufbuild/protobuf/codegenv2";\n`
      return `${theirs}import { fileDesc } from "${own}";`
    })
    writeFileSync(path, replaced)
  }
}

generate()
