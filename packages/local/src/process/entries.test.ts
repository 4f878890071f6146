import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { entryOf } from './entries.ts'

/** What a program says that is run by Node as a proxy is. */
function asProxy(program: string, environment: Readonly<Record<string, string>>): string {
  const { command, args, env } = entryOf('proxy')
  const flags = args.slice(0, -1)
  const options = { encoding: 'utf8', timeout: 30_000, env: { ...process.env, ...environment, ...env } } as const
  return execFileSync(command, [...flags, '-p', program], options).trim()
}

test('a proxy can be told to trust the roots of the machine, and reads no others that the environment names', () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-entries-'))
  try {
    const [one, two] = ['one.pem', 'two.pem'].map((name) => join(dir, name)) as [string, string]
    mkdirSync(join(dir, 'none'))
    writeFileSync(one, rootCertificates[0] as string)
    writeFileSync(two, rootCertificates.slice(1, 3).join('\n'))
    const count = "['system', 'extra'].map((kind) => require('node:tls').getCACertificates(kind).length).join(' ')"
    const environment = { SSL_CERT_FILE: one, SSL_CERT_DIR: join(dir, 'none'), NODE_EXTRA_CA_CERTS: two }
    assert.equal(asProxy(count, environment), '1 0')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('a proxy has the function that collects what its start has left behind', () => {
  assert.equal(asProxy('typeof gc', {}), 'function')
})
