// Telemetry objects and the providers they name.
import type { Check, Fault } from '../check.ts'
import { meshConfigOf } from '../mesh-config.ts'
import type { MeshView } from '../mesh-view.ts'
import { dig, itemsOf, listOf, textOf, type WrittenObject } from '../written-object.ts'

function* checkProviders({ spec }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const defaults = listOf(dig(meshConfigOf(mesh), 'defaultProviders', 'accessLogging'))
  if (defaults.length > 0) return
  for (const [i, entry] of itemsOf(spec['accessLogging']).entries()) {
    if (listOf(entry['providers']).length > 0) continue
    const message = 'names no provider, and the mesh has no default one: nothing is logged because of it'
    yield { code: 'IST0157', field: `spec.accessLogging[${i}]`, message, mend: 'Add `providers`.' }
  }
}

function* checkLightstep({ spec }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const old = itemsOf(meshConfigOf(mesh)['extensionProviders'])
    .filter((provider) => provider['lightstep'] !== undefined)
    .map((provider) => textOf(provider['name']))
  if (old.length === 0) return
  for (const [i, entry] of itemsOf(spec['tracing']).entries()) {
    for (const [j, { name }] of itemsOf(entry['providers']).entries()) {
      if (!old.includes(textOf(name))) continue
      const message = `provider ${textOf(name)} is of the kind lightstep, which is deprecated`
      const mend = 'Use the provider kind opentelemetry.'
      yield { code: 'IST0002', field: `spec.tracing[${i}].providers[${j}].name`, message, mend }
    }
  }
}

const kinds = ['Telemetry.telemetry.istio.io']

/** Checks of Telemetry. */
export const telemetry: readonly Check[] = [
  { name: 'telemetry-providers', kinds, run: checkProviders },
  { name: 'telemetry-lightstep', kinds, run: checkLightstep },
]
