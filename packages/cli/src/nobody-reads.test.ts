import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

test('a command whose reader has gone ends without a word, as one that SIGPIPE ended', () => {
  const main = join(import.meta.dirname, 'main.ts')
  const bookstore = join(import.meta.dirname, '../../../examples/bookstore')
  // The reader is gone before the command has loaded, and more is written than a pipe holds.
  const line =
    '"$0" --disable-warning=ExperimentalWarning "$1" translate "$2" --proxy web-0 -o json | true; echo "${PIPESTATUS[0]}"'
  const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, main, bookstore], { encoding: 'utf8' })
  assert.equal(stderr, '')
  assert.equal(stdout, '141\n')
})
