import { err, ok, type Result } from '@weft/core'
import type { Compile, CompileError, CompileOptions, RegexCompiler } from '@weft/engine'
import { typeUrl } from '@weft/xds'

/** Turns one encoded resource into its compiled form, or says why it cannot be taken. */
export type ResourceReader = (name: string, body: Uint8Array) => Result<unknown> | Promise<Result<unknown>>

/** Readers by type URL. */
export type ResourceReaders = ReadonlyMap<string, ResourceReader>

type Compiler = (bytes: Uint8Array, options: CompileOptions) => Result<{ readonly name: string }, CompileError>

/**
 * The readers of everything a proxy takes over ADS: the engine's compilers, with errors as one line of text. The regular
 * expression library is loaded when the first resource needs it: most proxies never do, and it is a megabyte of memory.
 */
export function resourceReaders(compile: Compile, loadRegex: () => Promise<RegexCompiler>): ResourceReaders {
  let regex: RegexCompiler | undefined
  const reader =
    (compiler: Compiler): ResourceReader =>
    (name, body) => {
      const outcome = compiler(body, { regex })
      if (outcome.ok || outcome.error.needsRegex !== true || regex !== undefined) return finish(name, outcome)
      return loadRegex().then((loaded) => {
        regex = loaded
        return finish(name, compiler(body, { regex }))
      })
    }
  return new Map<string, ResourceReader>([
    [typeUrl.listener, reader(compile.compileListener)],
    [typeUrl.routeConfiguration, reader(compile.compileRouteConfig)],
    [typeUrl.cluster, reader(compile.compileCluster)],
    [typeUrl.clusterLoadAssignment, reader((bytes) => compile.compileEndpoints(bytes))],
  ])
}

function finish(name: string, outcome: Result<{ readonly name: string }, CompileError>): Result<unknown> {
  if (!outcome.ok) return err(`${outcome.error.field}: ${outcome.error.message}`)
  // The name outside is what ACKs and references are about: a resource under another name is a server's mistake.
  return outcome.value.name === name ? ok(outcome.value) : err(`is named ${outcome.value.name} inside`)
}
