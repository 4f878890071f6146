// Where each kind writes which workloads it is about.
import { dig, fullKind, labelsOf, type WrittenObject } from './written-object.ts'

const places: Readonly<Record<string, readonly string[]>> = {
  Service: ['selector'],
  'Gateway.networking.istio.io': ['selector'],
  'Sidecar.networking.istio.io': ['workloadSelector', 'labels'],
  'EnvoyFilter.networking.istio.io': ['workloadSelector', 'labels'],
  'ServiceEntry.networking.istio.io': ['workloadSelector', 'labels'],
  'DestinationRule.networking.istio.io': ['workloadSelector', 'matchLabels'],
}

const usual = ['selector', 'matchLabels']

/** The labels an object selects workloads by; none when it writes none. */
export function selectorOf(object: WrittenObject): Readonly<Record<string, string>> {
  return labelsOf(dig(object.spec, ...placeOf(object)))
}

/** The field path of the selector: `spec.selector.matchLabels`. */
export function selectorField(object: WrittenObject): string {
  return ['spec', ...placeOf(object)].join('.')
}

function placeOf(object: WrittenObject): readonly string[] {
  return places[fullKind(object.id)] ?? usual
}

/** `app=catalog, version=v1`. */
export function shownLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')
}
