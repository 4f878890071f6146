// What the linter cannot say: purity of folders, names that tell nothing, sizes, leftovers. Prints each finding as
// file:line and exits 1 when there is one.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

interface Rule {
  readonly name: string
  readonly files: (path: string) => boolean
  readonly pattern: RegExp
  readonly why: string
}

const isTest = (path: string): boolean => /\.(test|fuzz)\.ts$|\/(test|golden)-[^/]+\.ts$/.test(path)
/** Tests and what they share. */
const isTestCode = (path: string): boolean => /^tests\/|^packages\/.*\.test\.ts$/.test(path)
const isSource = (path: string): boolean => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !isTest(path)

/** Decisions are pure: these folders see time, randomness and the outside world only as arguments. */
const pureFolders =
  /^packages\/(core\/src\/(?!node\/)|resources\/src\/|engine\/src\/|xds\/src\/|control\/src\/(snapshot|generators|policies|gateway-api|status)\/)/

/** Time, randomness, timers and sockets come from the Runtime that main.ts hands in. */
const runtimeFolders = /^packages\/(control|proxy)\/src\/(?!main\.ts)/

const rules: Rule[] = [
  {
    name: 'pure',
    files: (path) => isSource(path) && pureFolders.test(path),
    pattern:
      /\b(new Date\b|Date\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.(?!stdout\b)\w+|performance\.now)|from 'node:(?!test|assert)/,
    why: 'pure code gets time, randomness and the outside world as arguments',
  },
  {
    name: 'runtime',
    files: (path) => isSource(path) && runtimeFolders.test(path),
    pattern:
      /\b(Date\.now|Math\.random|setTimeout\(|setInterval\(|process\.(env|argv)|performance\.now|randomUUID|randomBytes)|from 'node:(fs|net|tls|timers)/,
    why: 'control and proxy take time, randomness, timers, sockets and files from the Runtime',
  },
  {
    name: 'leftover',
    files: isSource,
    pattern: /\b(TODO|FIXME|XXX|HACK)\b|\bnot implemented/,
    why: 'finish it or leave it out',
  },
  {
    name: 'silenced',
    files: (path) => path.endsWith('.ts') && path !== 'scripts/tidy.ts',
    pattern: /@ts-ignore|@ts-nocheck/,
    why: 'use a type, or @ts-expect-error with a reason',
  },
  {
    name: 'endless',
    files: isTestCode,
    pattern: /^import \{.*\bonce\b.*\} from 'node:events'/,
    why: 'waits for ever; `once` of @weft/testkit/once fails after a minute',
  },
  {
    name: 'held',
    files: isTestCode,
    pattern: /stdio:.*'inherit'/,
    why: 'a program that is left over holds the output of the run open; use startProgram of @weft/testkit/start-program',
  },
  {
    name: 'only',
    files: isTest,
    pattern: /\b(test|it|describe)\.only\(|\{ only: true/,
    why: 'a test left alone hides the others',
  },
]

/** Findings that are right as they are: path prefix -> rule -> reason. */
const exceptions: { path: string; rule: string; reason: string }[] = JSON.parse(
  readFileSync(new URL('./tidy-exceptions.json', import.meta.url), 'utf8'),
)

function trackedFiles(): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
}

/** Blanks comments so that prose does not trip a rule; line numbers stay. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (block) => block.replace(/[^\n]/g, ' ')).replace(/(^|\s)\/\/[^\n]*/g, '$1')
}

function check(): string[] {
  const found: string[] = []
  for (const path of trackedFiles()) {
    if (/(^|\/)(utils?|helpers?|common|misc|manager)\.ts$/.test(path))
      found.push(`${path}: a name that tells nothing; name it after what it exports`)
    if (/^package-lock\.json$/.test(path) && /"resolved": "http/.test(readFileSync(path, 'utf8')))
      found.push(`${path}: names a registry host; run scripts/strip-lock.ts`)
    const applying = rules.filter((rule) => rule.files(path))
    if (applying.length === 0) continue
    const lines = withoutComments(readFileSync(path, 'utf8')).split('\n')
    for (const rule of applying) {
      if (exceptions.some((exception) => exception.rule === rule.name && path.startsWith(exception.path))) continue
      lines.forEach((line, index) => {
        if (rule.pattern.test(line))
          found.push(`${path}:${index + 1}: ${rule.name}: ${line.trim().slice(0, 100)}  (${rule.why})`)
      })
    }
  }
  return found
}

const findings = check()
for (const finding of findings) console.error(finding)
process.exit(findings.length === 0 ? 0 : 1)
