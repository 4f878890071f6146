// Bundles each binary into one file under dist/: what users run. A bundle starts faster than a tree of modules, and it
// shows exactly what a process loads (dist/<name>.meta.json, read by the tests that keep the proxy lean).
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** Bundle name -> entry. */
const binaries: Readonly<Record<string, string>> = {
  proxy: 'packages/proxy/src/main.ts',
  control: 'packages/control/src/main.ts',
  watchdog: 'packages/local/src/watchdog/main.ts',
  weft: 'packages/cli/src/main.ts',
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
        // What the proxy imports when it first needs it (regular expressions) is a file of its own.
        splitting: name === 'proxy',
        chunkNames: `${name}-[name]`,
        platform: 'node',
        format: 'esm',
        target: 'node24',
        metafile: true,
        // Smaller source text is less memory in every proxy; names stay, for stack traces.
        minifyWhitespace: true,
        minifySyntax: true,
        logLevel: 'warning',
        // CommonJS dependencies (grpc-js, ajv, yaml) call require at run time; an ES module has none of its own.
        banner: {
          js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
        },
      })
      writeFileSync(join(root, `dist/${name}.meta.json`), JSON.stringify(result.metafile))
    }),
)
