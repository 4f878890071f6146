// Telemetry objects and the providers they name.
import { didYouMean } from '../../schema/did-you-mean.ts'
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

/** Providers that every mesh has, as Istio's does. */
const builtIn = ['envoy', 'prometheus', 'stackdriver']
const withoutProvider = {
  accessLogging: 'nothing is logged because of it',
  tracing: 'no spans are reported because of it',
  metrics: 'it changes no metrics',
} as const

/** A provider that the mesh settings do not have takes the place of those in force, and does nothing. */
function* checkUnknownProviders({ spec }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const known = [...builtIn, ...itemsOf(meshConfigOf(mesh)['extensionProviders']).map(({ name }) => textOf(name))]
  for (const [list, effect] of Object.entries(withoutProvider)) {
    for (const [i, entry] of itemsOf(spec[list]).entries()) {
      for (const [j, provider] of itemsOf(entry['providers']).entries()) {
        const name = textOf(provider['name'])
        if (name === '' || known.includes(name)) continue
        const message = `the mesh settings have no provider ${name}: ${effect}`
        const meant = didYouMean(name, known)
        const mend =
          meant === undefined ? 'Add it to `extensionProviders`, or correct the name.' : `Did you mean ${meant}?`
        yield { code: 'WEFT0112', field: `spec.${list}[${i}].providers[${j}].name`, message, mend }
      }
    }
  }
}

const kinds = ['Telemetry.telemetry.istio.io']

/** Checks of Telemetry. */
export const telemetry: readonly Check[] = [
  { name: 'telemetry-providers', kinds, run: checkProviders },
  { name: 'telemetry-lightstep', kinds, run: checkLightstep },
  { name: 'telemetry-unknown-providers', kinds, run: checkUnknownProviders },
]
