// `weft config <workload> listeners|routes|clusters|endpoints|secrets`: what a proxy was given, and which YAML it came from.
import { Argument, type Command, Option } from 'commander'
import type { ApiClient, ProxyReport } from '@weft/control'
import { err, ok, type Result } from '@weft/core'
import { clusterRows, endpointRows, listenerRows, type Rows, routeRows } from '../config-rows.ts'
import { printTable, printUntil } from '../print-table.ts'
import { EXIT } from '../program.ts'
import { type MeshOptions, runningMesh, type RunningMeshClient, withMeshOptions } from '../running-mesh.ts'

const kinds = {
  listeners: { type: 'LDS', rows: listenerRows },
  routes: { type: 'RDS', rows: routeRows },
  clusters: { type: 'CDS', rows: clusterRows },
  endpoints: { type: 'EDS', rows: endpointRows },
} as const

type What = keyof typeof kinds | 'secrets'

/** Adds `weft config`. */
export function registerConfig(program: Command): void {
  withMeshOptions(
    program
      .command('config')
      .description('what a proxy was given: listeners, routes, clusters, endpoints, secrets')
      .argument('<workload>', 'a workload (web), an instance (web-0) or a proxy (web-0.bookstore)')
      .addArgument(new Argument('<what>', 'the part to show').choices([...Object.keys(kinds), 'secrets'])),
  )
    .addOption(new Option('-o, --output <format>', 'print the resources in proto JSON').choices(['json']))
    .addHelpText(
      'after',
      `
Examples:
  weft config web routes
  weft config catalog-v1-0 endpoints
  weft config gateway listeners -o json`,
    )
    .action(showConfig)
}

async function showConfig(workload: string, what: What, options: MeshOptions): Promise<void> {
  const mesh = runningMesh(options)
  const shown = await show(mesh, workload, what, options)
  if (shown.ok) return
  process.stderr.write(`${shown.error}\n`)
  process.exitCode = EXIT.failed
}

async function show(
  mesh: RunningMeshClient,
  workload: string,
  what: What,
  options: MeshOptions,
): Promise<Result<void>> {
  const status = await mesh.api.status()
  if (!status.ok) return status
  const proxy = findProxy(status.value.proxies, workload)
  if (!proxy.ok) return proxy
  if (what === 'secrets') return showSecrets(mesh, proxy.value, options)
  const report = await mesh.api.resources(proxy.value.id)
  if (!report.ok) return report
  const resources = report.value.types[kinds[what].type] ?? []
  if (options.output === 'json') {
    process.stdout.write(
      `${JSON.stringify(
        resources.map(({ name, version, from, resource }) => ({ name, version, from, resource })),
        null,
        2,
      )}\n`,
    )
    return ok(undefined)
  }
  const { head, rows } = kinds[what].rows(resources)
  const printed = await withPlaces(mesh.api, { head, rows })
  printTable(printed.head, printed.rows, process.stdout)
  return ok(undefined)
}

/** The proxy that a name means; the first instance of a workload. */
export function findProxy(proxies: readonly ProxyReport[], name: string): Result<ProxyReport> {
  const matching = proxies.filter(
    (proxy) =>
      proxy.id === name ||
      proxy.instance === name ||
      proxy.workload === name ||
      `${proxy.workload}.${proxy.namespace}` === name,
  )
  const [first] = matching
  if (first === undefined) {
    return err(`no workload ${name} has a proxy; there are ${proxies.map((proxy) => proxy.instance).join(', ')}`)
  }
  if (matching.some((proxy) => proxy.namespace !== first.namespace)) {
    return err(`${name} is in several namespaces: ${matching.map((proxy) => proxy.id).join(', ')}`)
  }
  return ok(first)
}

async function showSecrets(mesh: RunningMeshClient, proxy: ProxyReport, options: MeshOptions): Promise<Result<void>> {
  const supervisor = await mesh.supervisor()
  const { expected, serial, notAfterMs } = proxy.identity
  const known = supervisor?.identities.find((identity) => identity.id === expected)
  const secret = {
    name: 'default',
    id: expected,
    serial: known?.serial ?? serial,
    notAfterMs: known?.notAfterMs ?? notAfterMs,
    renewAtMs: known?.renewAtMs,
    problem: known?.problem,
  }
  if (options.output === 'json') {
    process.stdout.write(`${JSON.stringify([secret], null, 2)}\n`)
    return ok(undefined)
  }
  const nowMs = Date.now()
  const row = [
    secret.name,
    secret.id,
    secret.serial ?? '-',
    printUntil(secret.notAfterMs, nowMs),
    printUntil(secret.renewAtMs, nowMs),
    secret.problem ?? '',
  ]
  printTable(['NAME', 'ID', 'SERIAL', 'EXPIRES', 'RENEWS', 'PROBLEM'], [row], process.stdout)
  return ok(undefined)
}

/** Replaces the origin in the last column by file:line, asking in portions that fit a request line. */
async function withPlaces(api: ApiClient, { head, rows }: Rows): Promise<Rows> {
  const origins = [...new Set(rows.map((row) => row.at(-1) ?? '').filter((origin) => origin !== ''))]
  const places = new Map<string, string>()
  for (let from = 0; from < origins.length; from += 50) {
    const answer = await api.positions(origins.slice(from, from + 50))
    if (!answer.ok) continue
    for (const { origin, position } of answer.value.positions) {
      if (position !== undefined) places.set(origin, `${position.file}:${position.line}`)
    }
  }
  return { head, rows: rows.map((row) => [...row.slice(0, -1), places.get(row.at(-1) ?? '') ?? row.at(-1) ?? '']) }
}
