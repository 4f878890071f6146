import { err, ok, type Result } from '@weft/core'
import type { Compile, CompileError, CompileOptions } from '@weft/engine'
import { typeUrl } from '@weft/xds'

/** Turns one encoded resource into its compiled form, or says why it cannot be taken. */
export type ResourceReader = (name: string, body: Uint8Array) => Result<unknown>

/** Readers by type URL. */
export type ResourceReaders = ReadonlyMap<string, ResourceReader>

/** The readers of everything a proxy takes over ADS: the engine's compilers, with errors as one line of text. */
export function resourceReaders(compile: Omit<Compile, 'applyChanges'>, options: CompileOptions): ResourceReaders {
  const reader =
    (compileOne: (bytes: Uint8Array) => Result<{ readonly name: string }, CompileError>): ResourceReader =>
    (name, body) => {
      const outcome = compileOne(body)
      if (!outcome.ok) return err(`${outcome.error.field}: ${outcome.error.message}`)
      // The name outside is what ACKs and references are about: a resource under another name is a server's mistake.
      return outcome.value.name === name ? ok(outcome.value) : err(`is named ${outcome.value.name} inside`)
    }
  return new Map<string, ResourceReader>([
    [typeUrl.listener, reader((bytes) => compile.compileListener(bytes, options))],
    [typeUrl.routeConfiguration, reader((bytes) => compile.compileRouteConfig(bytes, options))],
    [typeUrl.cluster, reader((bytes) => compile.compileCluster(bytes, options))],
    [typeUrl.clusterLoadAssignment, reader((bytes) => compile.compileEndpoints(bytes))],
  ])
}
