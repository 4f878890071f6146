// `weft bootstrap --proxyless WORKLOAD`: what a gRPC library has to be told to ask the control plane itself.
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { err, ok, type Result } from '@weft/core'
import { grpcBootstrapFile, statePaths } from '@weft/local'
import { parseRegistry, type WorkloadInstance } from '@weft/resources'
import { EXIT } from '../program.ts'
import { meshDirectory } from '../running-mesh.ts'

interface BootstrapOptions {
  readonly proxyless: string
  readonly dir?: string
}

/** Adds `weft bootstrap`. */
export function registerBootstrap(program: Command): void {
  program
    .command('bootstrap')
    .description('print the xDS bootstrap of a workload whose gRPC library asks for itself (proxy: grpc)')
    .requiredOption('--proxyless <workload>', 'a workload (caller, shop/caller) or one instance (caller-0) that runs')
    .option('--dir <dir>', 'directory that `weft up` was given (default: the nearest one with .weft)')
    .addHelpText(
      'after',
      `
\`weft up\` sets GRPC_XDS_BOOTSTRAP for such workloads; this is for programs that you start yourself, as the same user. They speak
as the workload: its certificate is used on the way to the control plane, and for mutual TLS.

Examples:
  weft bootstrap --proxyless caller > caller.json
  GRPC_XDS_BOOTSTRAP=caller.json grpcurl -plaintext xds:///inventory.shop:9000 list

Exit code 0: printed; 1: nothing of that name runs, or it has a proxy.`,
    )
    .action(({ proxyless, dir }: BootstrapOptions) => {
      const printed = bootstrapOf(proxyless, meshDirectory(dir))
      if (printed.ok) process.stdout.write(printed.value)
      else {
        process.stderr.write(`${printed.error}\n`)
        process.exitCode = EXIT.failed
      }
    })
}

/** The document of the first instance of that name. */
function bootstrapOf(name: string, dir: string | undefined): Result<string> {
  if (dir === undefined) return err('no mesh runs here or above: write --dir DIR; weft up DIR starts one')
  const paths = statePaths(dir)
  if (!existsSync(paths.registryFile)) return err(`nothing runs in ${dir}: weft up ${dir} starts it`)
  const registry = parseRegistry(readFileSync(paths.registryFile, 'utf8'))
  if (!registry.ok) return err(`${paths.registryFile}: ${registry.error}`)
  const found = registry.value.instances.find((instance) => namesOf(instance).includes(name))
  if (found === undefined) return err(`no workload or instance ${name} runs; see weft status`)
  if (found.proxy !== 'grpc') {
    return err(
      `${name} says proxy: ${found.proxy}; write proxy: grpc in its Workload, so that its gRPC library may ask`,
    )
  }
  const file = grpcBootstrapFile(paths.state, found)
  return existsSync(file) ? ok(readFileSync(file, 'utf8')) : err(`${name} is not started yet: ${file} is missing`)
}

function namesOf({ name, workload, namespace }: WorkloadInstance): string[] {
  return [workload, name].flatMap((own) => [own, `${namespace}/${own}`])
}
