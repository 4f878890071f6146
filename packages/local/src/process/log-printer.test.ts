import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logPrinter } from './log-printer.ts'

function printed(
  verbose: boolean,
  colours: boolean,
  print: (printer: ReturnType<typeof logPrinter>) => void,
): string[] {
  const lines: string[] = []
  print(logPrinter({ write: (text) => void lines.push(text), colours, verbose }))
  return lines
}

test('a line of a workload comes as it is, after the name of its process', () => {
  const lines = printed(false, false, (printer) => printer.line('web-0', '{"level":"info","msg":"x"}'))
  assert.deepEqual(lines, ['web-0    | {"level":"info","msg":"x"}\n'])
})

test("Weft's own JSON logs are shortened, and only warnings and errors show unless asked", () => {
  const entry = (level: string): string => JSON.stringify({ time: 'now', level, msg: 'told', port: 1, why: 'so' })
  const print = (printer: ReturnType<typeof logPrinter>): void => {
    for (const level of ['info', 'warn', 'error']) printer.weft('control', entry(level))
    printer.weft('control', 'not JSON')
  }
  assert.deepEqual(printed(false, false, print), [
    'control  | warn told port=1 why=so\n',
    'control  | error told port=1 why=so\n',
    'control  | not JSON\n',
  ])
  assert.equal(printed(true, false, print).length, 4)
})

test('colours are used only when asked for', () => {
  const print = (printer: ReturnType<typeof logPrinter>): void => printer.line('web-0', 'x')
  assert.ok(printed(false, true, print)[0]?.includes('\x1b['))
  assert.ok(!printed(false, false, print)[0]?.includes('\x1b['))
})
