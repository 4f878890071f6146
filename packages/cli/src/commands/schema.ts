// `weft schema [KIND]`: the schema of a kind, for editors and for Kubernetes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  allKinds,
  crdOf,
  groupOfKind,
  jsonSchemaOf,
  type KindDefinition,
  kindsNamed,
  printDocuments,
  writtenKind,
} from '@weft/resources'
import type { Command } from 'commander'
import { printTable } from '../print-table.ts'
import { EXIT } from '../program.ts'

interface SchemaOptions {
  readonly output: string
  readonly crd?: boolean
  readonly dir?: string
}

const ownGroup = 'weft.dev'

/** Adds `weft schema`. Exit code 0, or 2 when the command line is wrong. */
export function registerSchema(program: Command): void {
  program
    .command('schema')
    .argument(
      '[kind]',
      'a kind, its plural or a short name, with .group where two groups share the name; all kinds without',
    )
    .description('print the JSON Schema of a kind, for completion in editors')
    .option('-o, --output <format>', 'for the list of kinds: text or json', 'text')
    .option('--crd', `print the CustomResourceDefinitions of the kinds of ${ownGroup} instead, as YAML`)
    .option('--dir <dir>', 'write one file per kind into a directory')
    .addHelpText(
      'after',
      `
Example:
  weft schema                                    the kinds, their groups and short names
  weft schema httproute > httproute.json
  weft schema Gateway.gateway.networking.k8s.io
  weft schema --dir .vscode/schemas              one file per kind
  weft schema --crd | kubectl apply -f -`,
    )
    .action((kind: string | undefined, options: SchemaOptions, command: Command) => {
      if (options.output !== 'text' && options.output !== 'json') {
        command.error(`error: -o must be text or json, not ${options.output}`, { exitCode: EXIT.usage })
      }
      const chosen = kind === undefined ? [...allKinds()] : [oneOf(kind, command)]
      if (options.crd === true) printCrds(chosen, kind, command)
      else if (options.dir !== undefined) writeAll(chosen, options.dir)
      else if (kind === undefined) listKinds(chosen, options.output)
      else process.stdout.write(`${JSON.stringify(jsonSchemaOf(chosen[0] as KindDefinition), undefined, 2)}\n`)
    })
}

function oneOf(kind: string, command: Command): KindDefinition {
  const found = kindsNamed(kind)
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const names = found.map((each) => `${writtenKind(each.kind)}.${groupOfKind[each.kind]}`)
  const why =
    only === undefined ? `there is no kind ${kind} (weft schema lists them)` : `${kind} may be ${names.join(' or ')}`
  return command.error(`error: ${why}`, { exitCode: EXIT.usage })
}

function printCrds(chosen: readonly KindDefinition[], kind: string | undefined, command: Command): void {
  const own = chosen.filter((definition) => groupOfKind[definition.kind] === ownGroup)
  if (own.length === 0) {
    command.error(
      `error: ${kind} is not a kind of ${ownGroup}: its own project publishes its CustomResourceDefinition`,
      { exitCode: EXIT.usage },
    )
  }
  process.stdout.write(printDocuments(own.map(crdOf)))
}

function writeAll(chosen: readonly KindDefinition[], dir: string): void {
  mkdirSync(dir, { recursive: true })
  for (const definition of chosen) {
    const group = groupOfKind[definition.kind]
    const name = `${writtenKind(definition.kind)}${group === '' ? '' : `.${group}`}.json`
    writeFileSync(join(dir, name), `${JSON.stringify(jsonSchemaOf(definition), undefined, 2)}\n`)
  }
  process.stdout.write(`${chosen.length} files in ${dir}\n`)
}

function listKinds(chosen: readonly KindDefinition[], output: string): void {
  const rows = chosen.map((definition) => ({
    kind: writtenKind(definition.kind),
    group: groupOfKind[definition.kind] === '' ? 'core' : groupOfKind[definition.kind],
    versions: definition.versions.join(', '),
    names: (definition.names ?? []).join(', '),
  }))
  if (output === 'json') process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`)
  else {
    const table = rows.map(({ kind, group, versions, names }) => [kind, group, versions, names])
    printTable(['KIND', 'GROUP', 'VERSIONS', 'NAMES'], table, process.stdout)
  }
}
