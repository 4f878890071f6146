#!/usr/bin/env node
// Runs a TypeScript entry with the pinned Node, installing the dependencies first when they are missing or stale.
// Plain JavaScript, because it must run on whatever Node the machine has (20 or newer), before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const lock = join(root, 'package-lock.json')
const stampFile = join(root, 'node_modules/.weft-install')
const node = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.status === 0) return
  process.stderr.write(
    `weft: \`${command} ${args.join(' ')}\` failed${result.error ? `: ${result.error.message}` : ''}\n`,
  )
  process.exit(result.status ?? 1)
}

const want = createHash('sha256').update(readFileSync(lock)).digest('hex')
const installed = existsSync(node) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === want
if (!installed) {
  process.stderr.write('weft: installing dependencies (once; about a minute)\n')
  // Not `npm ci`: it refuses a lock file without download addresses, and ours names no registry. `--no-save` leaves the
  // lock file alone; versions and integrity hashes in it are honoured all the same.
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stampFile, want)
}
run(node, [join(root, 'packages/xds/scripts/generate.ts')])
run(node, [join(root, 'scripts/build.ts')])

// stdin, signals and exit code pass straight through; the child is the program the user asked for.
const child = spawn(
  node,
  ['--disable-warning=ExperimentalWarning', join(root, process.argv[2]), ...process.argv.slice(3)],
  { stdio: 'inherit', env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}` } },
)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
