// Reads the cases of llhttp's own tests (Markdown; the format is described in their README).
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a case says of its input. */
export interface LlhttpCase {
  /** `request/method#PRI method`, with ` 2` and so on when a heading has several. */
  readonly name: string
  readonly side: 'request' | 'response'
  /** The parser was told to tolerate something. */
  readonly lenient: boolean
  /** The input ends here. */
  readonly finish: boolean
  /** latin1. */
  readonly input: string
  /** The fault llhttp reports; undefined: none. */
  readonly fault: string | undefined
  /** All bodies, without line ends, which the log writes in several ways. */
  readonly bodies: string
  /** Messages it takes as complete. */
  readonly whole: number
  /** The parser was told that the message has no body, as after HEAD. */
  readonly skipBody: boolean
}

const escapes: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', f: '\f' }

function inputOf(block: string): string {
  return block
    .replace(/\n$/, '')
    .replaceAll('\\\n', '')
    .replaceAll(/\r\n|\n/g, '\r\n')
    .replaceAll(/\\(?:([rntf])|x([0-9A-Fa-f]{2})|([0-7]{1,3}))/g, (_, letter, hex, octal) =>
      letter !== undefined
        ? (escapes[letter as string] ?? '')
        : String.fromCharCode(Number.parseInt(hex ?? octal, hex === undefined ? 8 : 16)),
    )
}

function caseOf(
  name: string,
  meta: { readonly type: string; readonly skipBody?: boolean },
  input: string,
  log: string,
): LlhttpCase {
  const errors = [...log.matchAll(/^off=\d+ error code=(\d+) reason="(.*)"$/gm)]
  const fault = errors.find(([, code]) => !['21', '22', '23'].includes(code as string))
  return {
    name,
    side: meta.type.startsWith('request') ? 'request' : 'response',
    lenient: meta.type.includes('-lenient-'),
    finish: meta.type.endsWith('-finish'),
    input,
    fault: fault?.[2],
    bodies: [...log.matchAll(/^off=\d+ len=\d+ span\[body\]="(.*)"$/gm)].map(([, text]) => text).join(''),
    whole: log.match(/^off=\d+ message complete$/gm)?.length ?? 0,
    skipBody: meta.skipBody === true,
  }
}

/** Every message case below `dir`, in order of file and place. */
export function llhttpCases(dir: string): LlhttpCase[] {
  const cases: LlhttpCase[] = []
  const names = new Map<string, number>()
  for (const file of globSync('{request,response}/*.md', { cwd: dir }).sort()) {
    const text = readFileSync(join(dir, file), 'utf8')
    const pattern =
      /^##+ (.+)$|<!-- meta=(\{.*?\}) -->\s*```http\n([^]*?\n)```\n(?:(?!<!-- meta)[^])*?```log\n([^]*?)```/gm
    let heading = ''
    for (const [, title, meta, input, log] of text.matchAll(pattern)) {
      if (title !== undefined) heading = title
      else {
        const base = `${file.replace('.md', '')}#${heading}`
        const count = (names.get(base) ?? 0) + 1
        names.set(base, count)
        const name = count === 1 ? base : `${base} ${count}`
        cases.push(caseOf(name, JSON.parse(meta as string), inputOf(input as string), log as string))
      }
    }
  }
  return cases
}
