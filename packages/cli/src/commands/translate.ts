// `weft translate PATH... --proxy NAME`: the xDS that a proxy would get, with the YAML behind each resource.
import { buildOffline, type OfflineMesh, resourceToJson } from '@weft/control'
import { type Command, Option } from 'commander'
import { err, ok, type Origin, type Position, type Result } from '@weft/core'
import { isConfigured } from '@weft/resources'
import { typeUrl } from '@weft/xds'
import { stringify } from 'yaml'
import { printTable } from '../print-table.ts'
import { EXIT } from '../program.ts'
import { readPaths } from '../read-paths.ts'

const types = {
  listeners: typeUrl.listener,
  routes: typeUrl.routeConfiguration,
  clusters: typeUrl.cluster,
  endpoints: typeUrl.clusterLoadAssignment,
} as const

type TypeName = keyof typeof types

interface TranslateOptions {
  readonly proxy: string
  readonly type?: TypeName
  readonly name?: string
  readonly flavor: 'weft' | 'envoy'
  readonly interception: 'explicit' | 'redirect'
  readonly output?: 'table' | 'yaml' | 'json'
}

interface TranslatedResource {
  readonly type: TypeName
  readonly name: string
  readonly version: string
  readonly from: readonly { readonly origin: Origin; readonly position: Position | undefined }[]
  readonly resource: unknown
}

/** Adds `weft translate`. */
export function registerTranslate(program: Command): void {
  program
    .command('translate')
    .argument('<path...>', 'directories (DIR/mesh if it exists, else DIR) and files; - is standard input')
    .description('print the xDS a proxy would get, and which YAML each resource comes from')
    .requiredOption('--proxy <name>', 'a workload (web), an instance (web-0) or a proxy (web-0.bookstore)')
    .addOption(new Option('--type <type>', 'of this type only').choices(Object.keys(types)))
    .option('--name <text>', 'only resources whose name contains this')
    .addOption(
      new Option('--flavor <proxy>', 'the data plane it is made for').choices(['weft', 'envoy']).default('weft'),
    )
    .addOption(
      new Option('--interception <how>', 'how traffic reaches the proxy')
        .choices(['explicit', 'redirect'])
        .default('explicit'),
    )
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'yaml', 'json']))
    .addHelpText(
      'after',
      `
On a terminal it is a table of the resources, unless something else is asked for; in a pipe, YAML.
Objects that are refused are left out; they are told on standard error.

Exit code: 0 when all is printed, 1 when objects were left out or the proxy does not exist, 2 when the command line is wrong.

Examples:
  weft translate examples/bookstore --proxy web
  weft translate examples/bookstore --proxy web --type clusters --name catalog
  weft translate mesh --proxy gateway --flavor envoy --type listeners -o json`,
    )
    .action(async (paths: string[], options: TranslateOptions, command: Command) => {
      const files = await readPaths(paths)
      if (!files.ok) return command.error(`error: ${files.error}`, { exitCode: EXIT.usage })
      const mesh = buildOffline(files.value, { flavor: options.flavor, interception: options.interception })
      const refused = mesh.problems.filter(({ severity }) => severity === 'error').length
      if (refused > 0) {
        const named = paths.join(' ')
        process.stderr.write(`${refused} errors leave objects out; weft validate ${named} shows them\n`)
        // What goes on to a proxy from here may lack a policy.
        process.exitCode = EXIT.failed
      }
      const resources = translated(mesh, options)
      if (!resources.ok) {
        process.stderr.write(`${resources.error}\n`)
        process.exitCode = EXIT.failed
        return
      }
      const { output = process.stdout.isTTY ? 'table' : 'yaml' } = options
      if (output === 'table') printResources(resources.value, process.stdout)
      else process.stdout.write(output === 'json' ? asJson(resources.value) : asYaml(resources.value))
    })
}

function translated(mesh: OfflineMesh, { proxy, type, name }: TranslateOptions): Result<TranslatedResource[]> {
  const id = findProxyId(mesh, proxy)
  if (!id.ok) return id
  const table = mesh.resourcesFor(id.value)
  if (table === undefined) return err(`${proxy} has no proxy (proxy: none)`)
  const wanted = type === undefined ? (Object.keys(types) as TypeName[]) : [type]
  return ok(
    wanted.flatMap((each) =>
      [...table.get(types[each]).values()]
        .filter((resource) => name === undefined || resource.name.includes(name))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name: resourceName, version, origin = [], body }) => ({
          type: each,
          name: resourceName,
          version,
          from: origin.map((one) => ({ origin: one, position: mesh.sourceMap.positionOf(one) })),
          resource: resourceToJson(types[each], body),
        })),
    ),
  )
}

/** The proxy that a name means: the first instance of a workload. */
function findProxyId({ instances }: OfflineMesh, name: string): Result<string> {
  const matching = instances.filter(
    (each) =>
      `${each.name}.${each.namespace}` === name ||
      each.name === name ||
      each.workload === name ||
      `${each.workload}.${each.namespace}` === name,
  )
  const [first] = matching
  if (first === undefined) {
    const known = instances.filter(isConfigured).map((each) => `${each.name}.${each.namespace}`)
    return err(`there is no proxy ${name}; there are: ${known.slice(0, 50).join(', ') || 'none'}`)
  }
  if (matching.some(({ namespace }) => namespace !== first.namespace)) {
    return err(
      `${name} is in several namespaces: ${matching.map((each) => `${each.name}.${each.namespace}`).join(', ')}`,
    )
  }
  return ok(`${first.name}.${first.namespace}`)
}

/** A row for each resource; `-o yaml` shows what is in it. */
function printResources(resources: readonly TranslatedResource[], out: Parameters<typeof printTable>[2]): void {
  const rows = resources.map(({ type, name, version, from }) => {
    const places = from.map(({ origin, position }) =>
      position === undefined ? origin : `${position.file}:${position.line}`,
    )
    return [type, name, version, [...new Set(places)].join(', ') || '-']
  })
  printTable(['TYPE', 'NAME', 'VERSION', 'FROM'], rows, out)
}

function asJson(resources: readonly TranslatedResource[]): string {
  return `${JSON.stringify(resources, undefined, 2)}\n`
}

/** One document for each resource; comments say what it is and where it comes from. */
function asYaml(resources: readonly TranslatedResource[]): string {
  return resources
    .map(({ type, name, version, from, resource }) => {
      const places = from.map(({ origin, position }) =>
        position === undefined ? `# from ${origin}` : `# from ${position.file}:${position.line} ${origin}`,
      )
      const head = [`# ${type}: ${name} (${version})`, ...places].join('\n')
      return `${head}\n${stringify(resource, { lineWidth: 140, aliasDuplicateObjects: false })}`
    })
    .join('---\n')
}
