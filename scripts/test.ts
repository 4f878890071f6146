// `npm test [path ...]`: every *.test.ts of the repository under node:test, those of the wire suite over each kind of transport. Skips are printed with their reason; with CI set, a skip
// that tests/allowed-skips.json does not name is a failure, since a skipped test looks like a passed one.
import { readFileSync, globSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { watchForHangs } from './hang-watch.ts'

interface AllowedSkip {
  /** Part of "file > test name: reason". */
  readonly match: string
  readonly reason: string
}

interface Skip {
  readonly file: string
  readonly name: string
  readonly reason: string
}

const root = join(import.meta.dirname, '..')
const patterns = [
  'packages/*/src/**/*.test.ts',
  'packages/*/scripts/**/*.test.ts',
  'examples/**/*.test.ts',
  'tests/**/*.test.ts',
  'bench/**/*.test.ts',
  'scripts/**/*.test.ts',
]

function selectedFiles(args: string[]): string[] {
  const all = globSync(patterns, { cwd: root, exclude: (path) => /node_modules/.test(path) }).sort()
  return all
    .filter((file) => args.length === 0 || args.some((arg) => file.includes(arg)))
    .map((file) => join(root, file))
}

function allowedSkips(): AllowedSkip[] {
  return JSON.parse(readFileSync(join(root, 'tests/allowed-skips.json'), 'utf8')) as AllowedSkip[]
}

const files = selectedFiles(process.argv.slice(2))
if (files.length === 0) {
  console.error('no test file matches')
  process.exit(1)
}
/** One test may take this long; the full forms of some take longer than any other. */
const oneTestMs =
  process.env['WEFT_FULL'] === undefined && process.env['WEFT_FUZZ_CASES'] === undefined ? 5 * 60_000 : 14 * 60_000
const skips: Skip[] = []
const hangs: string[] = []
let failures = 0
await runAll(files)
// What a connection looks like on the wire must not depend on what carries it: once more over each other kind of transport.
const wire = files.filter((file) => file.startsWith(join(root, 'tests/wire/')))
for (const transport of wire.length > 0 && process.env['WEFT_TRANSPORT'] === undefined ? ['gathered', 'socket'] : []) {
  console.log(`\ntests/wire once more, with WEFT_TRANSPORT=${transport}`)
  process.env['WEFT_TRANSPORT'] = transport
  await runAll(wire)
}
finish()

async function runAll(chosen: string[]): Promise<void> {
  const execArgv = ['--disable-warning=ExperimentalWarning', `--test-timeout=${oneTestMs}`]
  const stream = run({ files: chosen, concurrency: 2, timeout: 15 * 60_000, execArgv })
  const stopWatching = watchForHangs(stream, { silentMs: oneTestMs + 60_000, endingMs: 2 * 60_000, tell: toldAtOnce })
  stream.on('test:fail', (event) => {
    if (event.todo === undefined) failures += 1
  })
  stream.on('test:pass', (event) => {
    if (event.skip === undefined) return
    const file = (event.file ?? '').slice(root.length + 1)
    skips.push({ file, name: event.name, reason: String(event.skip) })
  })
  const report = stream.compose(spec)
  report.pipe(process.stdout, { end: false })
  await once(report, 'end')
  stopWatching()
}

/** At once, since a person waits; and once more at the end, where it is read. */
function toldAtOnce(line: string): void {
  hangs.push(line)
  console.error(line)
}

function finish(): void {
  const allowed = allowedSkips()
  let unexpected = 0
  for (const skip of skips) {
    const line = `${skip.file} > ${skip.name}: ${skip.reason}`
    const known = allowed.find((entry) => line.includes(entry.match))
    if (known === undefined) unexpected += 1
    console.log(`SKIPPED ${line}${known === undefined ? ' (not on tests/allowed-skips.json)' : ''}`)
  }
  for (const line of hangs) console.log(line)
  const failed = failures > 0 || (process.env['CI'] !== undefined && unexpected > 0)
  if (unexpected > 0 && process.env['CI'] !== undefined)
    console.log(`${unexpected} skips are not on the committed list`)
  process.exitCode = failed ? 1 : 0
}
