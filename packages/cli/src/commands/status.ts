// `weft status`: every proxy, what it accepted, warms or refused and why, its identity; and what is wrong with the files.
import { type Command, Option } from 'commander'
import type { FindingReport, OriginPlace, ProxyReport, StatusReport } from '@weft/control'
import type { Position } from '@weft/core'
import { conditionNotes, type ProxyCondition, proxyConditions } from '../proxy-conditions.ts'
import { printTable, printUntil } from '../print-table.ts'
import { EXIT } from '../program.ts'
import { type LocalIdentity, type MeshOptions, runningMesh, withMeshOptions } from '../running-mesh.ts'

/** Adds `weft status`. */
export function registerStatus(program: Command): void {
  withMeshOptions(
    program
      .command('status')
      .description('every proxy: what it accepted, warms or refused and why, its identity and isolation'),
  )
    .addOption(new Option('-o, --output <format>', 'print the whole report').choices(['json']))
    .addHelpText(
      'after',
      `
Examples:
  weft status
  weft status --dir examples/bookstore -o json

Exit code 0: every proxy has what it should have; 1: one does not, or the configuration has errors, or no mesh answers.`,
    )
    .action(showStatus)
}

async function showStatus(options: MeshOptions): Promise<void> {
  const mesh = runningMesh(options)
  const status = await mesh.api.status()
  if (!status.ok) {
    process.stderr.write(`${status.error}\nIs it running? weft up DIR starts it.\n`)
    process.exitCode = EXIT.failed
    return
  }
  const report = status.value
  const [supervisor, conditions] = await Promise.all([mesh.supervisor(), proxyConditions(report.proxies)])
  const identities = new Map((supervisor?.identities ?? []).map((identity) => [identity.id, identity]))
  if (options.output === 'json') {
    const proxies = report.proxies.map((proxy) => ({ ...proxy, condition: conditions.get(proxy.id) }))
    const all = { ...report, proxies, identities: [...identities.values()] }
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`)
  } else {
    printReport(report, { identities, conditions, api: mesh.url }, Date.now())
  }
  if (!isHealthy(report, conditions)) process.exitCode = EXIT.failed
}

/** Whether every proxy has all it should have, listens where it should, and every file is in force. */
export function isHealthy(report: StatusReport, conditions: Conditions = new Map()): boolean {
  const errors = [...report.store.problems, ...report.store.blocking].some((finding) => finding.severity === 'error')
  return report.ready && !errors && report.proxies.every((proxy) => proxyState(proxy, conditions) === 'ok')
}

type Conditions = ReadonlyMap<string, ProxyCondition>

const typeColumns = ['LDS', 'RDS', 'CDS', 'EDS']

/** What others than the control plane know. */
interface Beside {
  readonly identities: ReadonlyMap<string, LocalIdentity>
  readonly conditions: Conditions
  readonly api: string
}

function printReport(report: StatusReport, { identities, conditions, api }: Beside, nowMs: number): void {
  const rows = report.proxies.map((proxy) => {
    const known = identities.get(proxy.identity.expected)
    const expiresMs = known?.notAfterMs ?? proxy.identity.notAfterMs
    return [
      proxy.id,
      proxy.kind,
      proxyState(proxy, conditions),
      ...typeColumns.map((type) => typeCell(proxy, type)),
      proxy.identity.spiffeId ?? known?.id ?? `${proxy.identity.expected} (not shown yet)`,
      printUntil(expiresMs, nowMs),
      proxy.isolation,
    ]
  })
  const head = ['PROXY', 'KIND', 'STATE', ...typeColumns, 'IDENTITY', 'EXPIRES', 'ISOLATION']
  printTable(head, rows, process.stdout)
  const notes = [
    ...report.proxies.flatMap(refusals),
    ...report.proxies.flatMap(({ id, olderBootstrap }) =>
      olderBootstrap === true
        ? [`older bootstrap: ${id} runs without what EnvoyFilters for BOOTSTRAP say now; it holds from its next start`]
        : [],
    ),
    ...[...conditions].flatMap(([id, condition]) => conditionNotes(id, condition)),
    ...report.store.blocking.map((finding) => findingLine(finding)),
    ...report.store.problems
      .filter((one) => !report.store.blocking.includes(one))
      .map((finding) => findingLine(finding)),
    ...(report.store.relations ?? []).map((finding) => findingLine(finding)),
    ...report.store.stale.map(({ object, reason }) => `stale: ${object} is served in its last good version: ${reason}`),
    ...report.store.unenforceable.map(
      ({ object, reason }) => `denied: ${object} cannot be enforced, so what it selects is denied: ${reason}`,
    ),
    ...report.losers.map(
      (loser) =>
        `without effect: ${place(loser.from)}: ${loser.detail}${loser.by === undefined ? '' : ` (${place(loser.by)})`}`,
    ),
    ...report.notes.map((note) => `note: ${place(note.from)}: ${note.message}`),
  ]
  for (const line of [...new Set(notes)]) process.stdout.write(`${line}\n`)
  const { version = 'none', store, trustDomain } = report
  process.stdout.write(`snapshot ${version}, ${store.objects} objects, trust domain ${trustDomain}, ${api}\n`)
}

/** One word per proxy. */
function proxyState(
  proxy: ProxyReport,
  conditions: Conditions,
): 'ok' | 'refused' | 'warming' | 'disconnected' | 'unbound' {
  if (!proxy.connected) return 'disconnected'
  if (proxy.types.some((type) => type.state === 'refused')) return 'refused'
  if (proxy.types.some((type) => type.state === 'warming')) return 'warming'
  return (conditions.get(proxy.id)?.unbound.length ?? 0) > 0 ? 'unbound' : 'ok'
}

/** Version and state of a type; the version alone means: accepted. */
function typeCell(proxy: ProxyReport, type: string): string {
  const found = proxy.types.find((one) => one.type === type)
  if (found === undefined) return '-'
  const version = found.version.slice(0, 8)
  if (found.state === 'accepted') return version
  return `${version} ${found.state}${found.refused.length > 0 ? `(${found.refused.length})` : ''}`
}

function refusals(proxy: ProxyReport): string[] {
  return proxy.types.flatMap((type) =>
    type.refused.map(({ name, reason, from }) => {
      const origins = from.map(place).join(', ')
      return `refused: ${proxy.id} ${type.type} ${name}: ${reason}${origins === '' ? '' : ` (from ${origins})`}`
    }),
  )
}

function findingLine(finding: FindingReport): string {
  const where = finding.position === undefined ? (finding.object ?? '') : at(finding.position)
  const place = [where, finding.field].filter((part) => part !== '').join(' ')
  return `${finding.severity}: ${place === '' ? '' : `${place}: `}${finding.message}. ${finding.mend}`
}

function place({ origin, position }: OriginPlace): string {
  return position === undefined ? origin : `${at(position)} ${origin}`
}

function at(position: Position): string {
  return `${position.file}:${position.line}`
}
