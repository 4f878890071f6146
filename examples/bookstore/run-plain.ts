// `node run-plain.ts [port]`: the bookstore on this machine, without a mesh. `--check` runs the check table against it and exits 0 or 1.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checks, openCheckContext } from './check.ts'
import { startPlainShop } from './plain-shop.ts'

const { values, positionals } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-'))
const quiet = values.check
const shop = await startPlainShop({
  dataDir,
  port: Number(positionals[0] ?? 0),
  ...(quiet ? {} : { onLine: (line) => process.stdout.write(`${line}\n`) }),
})

async function end(code: number): Promise<void> {
  await shop.stop()
  rmSync(dataDir, { recursive: true, force: true })
  process.exit(code)
}

if (values.check) await end((await runChecks()) ? 0 : 1)
process.stdout.write(`\nThe shop is open: ${shop.shopUrl}/\n`)
process.once('SIGINT', () => void end(0))
process.once('SIGTERM', () => void end(0))

async function runChecks(): Promise<boolean> {
  const context = openCheckContext(shop.shopUrl)
  let allOk = true
  for (const check of checks.filter((candidate) => candidate.needs === 'shop')) {
    const outcome = await check.run(context).catch((error: unknown) => ({ seen: String(error), ok: false }))
    allOk &&= outcome.ok
    process.stdout.write(
      `${outcome.ok ? 'ok  ' : 'FAIL'} ${check.name}: expected ${check.expected}, saw ${outcome.seen}\n`,
    )
  }
  context.close()
  return allOk
}
