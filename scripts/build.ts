// Bundles each binary into one file under dist/: what users run. A bundle starts faster than a tree of modules, and it
// shows exactly what a process loads (dist/<name>.meta.json, read by the tests that keep the proxy lean).
// Nothing is done while what was read for the last build is as it was, and what comes out the same is not written: commands beside a
// running mesh build first, too.
import { existsSync, globSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild'
import { isBuilt, writeStamp, writeWhole } from './build-state.ts'

const root = join(import.meta.dirname, '..')

/** What the bundles are written for. */
const NODE_MAJOR = 24

/** Bundle name -> entry. */
const binaries: Readonly<Record<string, string>> = {
  proxy: 'packages/proxy/src/main.ts',
  'proxy-regex': 'packages/engine/src/regex/compile-regex.ts',
  control: 'packages/control/src/main.ts',
  watchdog: 'packages/local/src/watchdog/main.ts',
  weft: 'packages/cli/src/main.ts',
}

/**
 * Gives Node's own modules as they are. An ES import makes a facade of them, which asks every getter of a module for its
 * value, and some getters load a dozen modules: node:crypto has the Web Crypto API behind one, node:fs readline, in all 5 MB of each proxy;
 * node:http has undici, a tenth of what the control plane takes to load.
 */
const bareBuiltins: Plugin = {
  name: 'bare builtins',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'require-call' ? { external: true } : { path, namespace: 'builtin', sideEffects: false },
    )
    onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => {
      const builtin: unknown = process.getBuiltinModule(path)
      const names = Object.keys(builtin ?? {}).filter((name) => name !== 'default')
      const values = names.map((name, at) => `const v${at} = /* @__PURE__ */ take(${JSON.stringify(name)})`)
      const list = names.map((name, at) => `v${at} as ${name}`)
      // Asked once: a call for each value would be compiled for being so frequent.
      const take = `const module = process.getBuiltinModule(${JSON.stringify(path)})\nconst take = (name) => module[name]`
      const all = [take, ...values, 'export default module']
      return { contents: `${all.join('\n')}\nexport { ${list.join(', ')} }` }
    })
  },
}

/**
 * What the proxy imports when it first needs it is a file of its own. Nothing is shared between the two: what they had in common would be a third,
 * and to look for a module costs more than to read it.
 */
const laterFiles: Plugin = {
  name: 'later files',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^@weft\/engine\/regex$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './proxy-regex.mjs', external: true } : undefined,
    ),
}

const lean: BuildOptions = { plugins: [bareBuiltins, laterFiles] }

/** CommonJS dependencies (grpc-js, ajv, yaml) call require at run time; an ES module has none of its own. */
const ownRequire =
  "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);"
const withRequire: BuildOptions = { plugins: [bareBuiltins], banner: { js: ownRequire } }

/** What people start themselves may meet an older Node than the one that `npx weft` brings. Said before anything is loaded that such a Node does not have. */
const nodeCheck = `if(Number(process.versions.node.split('.')[0])<${NODE_MAJOR}){process.stderr.write('weft: this is Node '+process.versions.node+', and the program needs Node ${NODE_MAJOR} or newer: run npx weft in the clone instead, which brings its own\\n');process.exit(1)}`

/** The options that hold for a bundle of this name. */
function optionsOf(name: string): BuildOptions {
  if (name.startsWith('proxy')) return lean
  return name === 'weft' ? { ...withRequire, banner: { js: ownRequire + nodeCheck } } : withRequire
}

/** What decides about a bundle besides the modules in it. */
const settings = [
  'package-lock.json',
  'tsconfig.json',
  ...globSync('{packages/*/package.json,scripts/build*.ts}', { cwd: root }),
]

async function bundle(name: string, entry: string): Promise<Metafile> {
  const result = await build<BuildOptions & { write: false; metafile: true }>({
    ...optionsOf(name),
    entryPoints: { [name]: join(root, entry) },
    absWorkingDir: root,
    outdir: join(root, 'dist'),
    outExtension: { '.js': '.mjs' },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: `node${NODE_MAJOR}`,
    metafile: true,
    // Smaller source text is less memory in every proxy; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  })
  for (const { path, contents } of result.outputFiles) writeWhole(path, contents)
  writeWhole(join(root, `dist/${name}.meta.json`), JSON.stringify(result.metafile))
  return result.metafile
}

/** Files that went into a bundle; modules that a plugin makes have no file. */
function filesOf({ inputs }: Metafile): readonly string[] {
  return Object.keys(inputs).filter((path) => existsSync(join(root, path)))
}

const stampFile = 'dist/build.json'
const outputs = Object.keys(binaries).flatMap((name) => [`dist/${name}.mjs`, `dist/${name}.meta.json`])
if (!isBuilt(root, stampFile, outputs)) {
  mkdirSync(join(root, 'dist'), { recursive: true })
  const begun = Date.now()
  const metafiles = await Promise.all(Object.entries(binaries).map(([name, entry]) => bundle(name, entry)))
  const inputs = [...new Set([...settings, ...metafiles.flatMap(filesOf)])].sort()
  writeStamp(root, stampFile, inputs, begun)
}
