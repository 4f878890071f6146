// Bundles each binary into one file under dist/: what users run. A bundle starts faster than a tree of modules, and it
// shows exactly what a process loads (dist/<name>.meta.json, read by the tests that keep the proxy lean).
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')

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
const withRequire: BuildOptions = {
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
  },
}

mkdirSync(join(root, 'dist'), { recursive: true })
await Promise.all(
  Object.entries(binaries)
    .filter(([, entry]) => existsSync(join(root, entry)))
    .map(async ([name, entry]) => {
      const result = await build({
        entryPoints: { [name]: join(root, entry) },
        outdir: join(root, 'dist'),
        outExtension: { '.js': '.mjs' },
        bundle: true,
        platform: 'node',
        format: 'esm',
        target: 'node24',
        metafile: true,
        // Smaller source text is less memory in every proxy; names stay, for stack traces.
        minifyWhitespace: true,
        minifySyntax: true,
        plugins: [bareBuiltins],
        logLevel: 'warning',
        ...(name.startsWith('proxy') ? lean : withRequire),
      })
      writeFileSync(join(root, `dist/${name}.meta.json`), JSON.stringify(result.metafile))
    }),
)
