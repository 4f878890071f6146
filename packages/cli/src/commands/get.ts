// `weft get KIND [NAME]`: the configuration as the mesh holds it, with the status it gives to each object.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { buildOffline, meshStatuses, type ObjectReport, objectReports } from '@weft/control'
import { err, ok, type Result } from '@weft/core'
import { groupOfKind, type KindDefinition, kindsNamed, writtenKind } from '@weft/resources'
import { stringify } from 'yaml'
import { meshFiles } from '../mesh-views.ts'
import { objectColumns } from '../object-columns.ts'
import { printTable } from '../print-table.ts'
import { EXIT } from '../program.ts'
import { type MeshOptions, runningMesh, withMeshOptions } from '../running-mesh.ts'

interface GetOptions extends Omit<MeshOptions, 'output'> {
  readonly namespace?: string
  readonly file?: string
  readonly output: 'table' | 'yaml' | 'json'
}

/** Adds `weft get`. */
export function registerGet(program: Command): void {
  withMeshOptions(
    program
      .command('get')
      .description('objects of a kind as the mesh holds them: defaults filled in, and their status')
      .argument('<kind>', 'as kubectl takes it: httproutes, gateway, vs, gateways.networking.istio.io', parseKinds)
      .argument('[name]', 'only the object of this name'),
  )
    .option('-n, --namespace <namespace>', 'only those of this namespace (default: of all)')
    .option('-f, --file <dir>', 'read the files of this directory; nothing needs to run')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'yaml', 'json']).default('table'))
    .addHelpText(
      'after',
      `
Examples:
  weft get gateways
  weft get httproute books -n shop -o yaml
  weft get httproutes -f examples/bookstore

Exit code 0: printed (maybe none); 1: no object of the name, or no mesh answers; 2: wrong usage.`,
    )
    .action(async (kinds: readonly KindDefinition[], name: string | undefined, options: GetOptions) => {
      const done = await get(kinds, name, options)
      if (done.ok) return
      process.stderr.write(`${done.error}\n`)
      process.exitCode = EXIT.failed
    })
}

function parseKinds(text: string): readonly KindDefinition[] {
  const kinds = kindsNamed(text)
  if (kinds.length === 0) throw new InvalidArgumentError('No kind has this name; write it like httproutes or gateway.')
  return kinds
}

async function get(
  kinds: readonly KindDefinition[],
  name: string | undefined,
  options: GetOptions,
): Promise<Result<void>> {
  const query = {
    kinds: kinds.map(({ kind }) => `${groupOfKind[kind] || 'core'}/${writtenKind(kind)}`),
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(name === undefined ? {} : { name }),
  }
  const found = options.file === undefined ? await askMesh(query, options) : readDirectory(query, options.file)
  if (!found.ok) return found
  const [first] = found.value
  if (name !== undefined && first === undefined) {
    const where = options.namespace === undefined ? '' : ` in namespace ${options.namespace}`
    return err(`there is no ${kinds.map(({ kind }) => writtenKind(kind)).join(' or ')} ${name}${where}`)
  }
  print(found.value, name !== undefined && found.value.length === 1, options)
  return ok(undefined)
}

type Query = Parameters<typeof objectReports>[2]

async function askMesh(
  query: Query,
  { output: _output, ...options }: GetOptions,
): Promise<Result<readonly ObjectReport[]>> {
  const report = await runningMesh(options).api.objects(query)
  return report.ok ? ok(report.value.objects) : err(`${report.error}\nOffline: add -f DIR.`)
}

/** As if every planned instance were there. */
function readDirectory(query: Query, dir: string): Result<readonly ObjectReport[]> {
  const files = meshFiles(dir)
  if (!files.ok) return files
  const { objects, snapshot } = buildOffline(files.value)
  return ok(objectReports(objects, meshStatuses(snapshot, { time: new Date().toISOString() }), query))
}

function print(objects: readonly ObjectReport[], single: boolean, { output }: GetOptions): void {
  const manifests = objects.map(({ manifest }) => manifest)
  const whole = single ? manifests[0] : { apiVersion: 'v1', kind: 'List', items: manifests }
  if (output === 'json') process.stdout.write(`${JSON.stringify(whole, null, 2)}\n`)
  else if (output === 'yaml') process.stdout.write(stringify(whole, { lineWidth: 0, aliasDuplicateObjects: false }))
  else if (objects.length === 0) process.stderr.write('none found\n')
  else {
    const { head, rows } = objectColumns(objects)
    printTable(head, rows, process.stdout)
  }
}
