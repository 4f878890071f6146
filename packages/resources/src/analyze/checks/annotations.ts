// Annotations that are misspelt, misplaced, have no fitting value, or will not stay.
import { didYouMean } from '../../schema/did-you-mean.ts'
import type { Check, Fault } from '../check.ts'
import { dig, itemsOf, labelsOf, textOf, type WrittenObject } from '../written-object.ts'
import { knownAnnotations } from './known-annotations.ts'

function* checkAnnotations(object: WrittenObject): Iterable<Fault> {
  const injected = object.id.kind === 'Pod' && isInjected(object)
  yield* faultsOf(object.annotations, 'metadata.annotations', object.id.kind, injected)
  const template = labelsOf(dig(object.spec, 'template', 'metadata', 'annotations'))
  if (object.id.kind !== 'Pod') yield* faultsOf(template, 'spec.template.metadata.annotations', 'Pod', false)
}

/** A pod that was injected has annotations that nobody wrote. */
function isInjected({ spec }: WrittenObject): boolean {
  const containers = [...itemsOf(spec['containers']), ...itemsOf(spec['initContainers'])]
  return containers.some(({ name }) => ['istio-proxy', 'istio-init', 'istio-validation'].includes(textOf(name)))
}

function* faultsOf(
  annotations: Readonly<Record<string, string>>,
  at: string,
  kind: string,
  injected: boolean,
): Iterable<Fault> {
  for (const [name, value] of Object.entries(annotations)) {
    const field = `${at}[${JSON.stringify(name)}]`
    const known = knownAnnotations.get(name)
    if (known === undefined) {
      const [domain = ''] = name.split('/')
      if (!/(^|\.)istio\.io$/.test(domain) || domain === 'internal.istio.io') continue
      const meant = didYouMean(name, knownAnnotations.keys())
      const mend = meant === undefined ? 'Remove it, or correct the name.' : `Did you mean ${meant}?`
      yield { code: 'IST0108', field, message: 'is not an annotation anybody reads', mend }
      continue
    }
    if (known.on.length > 0 && !known.on.includes(kind)) {
      const message = `is read on ${known.on.join(' or ')} only, so on a ${kind} it has no effect`
      const mend = known.on.includes('Pod') && kind === 'Deployment' ? 'Move it to spec.template.metadata.' : 'Move it.'
      yield { code: 'IST0107', field, message, mend }
    } else {
      const wanted = known.check?.(value)
      if (wanted !== undefined) {
        const message = `${JSON.stringify(value)} is not ${wanted}, so it has no effect`
        yield { code: 'IST0125', field, message, mend: `Write ${wanted}.` }
      }
    }
    if (known.state === 'deprecated')
      yield { code: 'IST0135', field, message: 'is deprecated and will go', mend: 'Remove it.' }
    else if (known.state === 'alpha' && !injected) {
      yield { code: 'IST0136', field, message: 'belongs to a feature that is not settled', mend: 'Do not rely on it.' }
    }
  }
}

/** The check. */
export const annotations: readonly Check[] = [
  { name: 'annotations', kinds: ['Namespace', 'Service', 'Pod', 'Deployment.apps'], run: checkAnnotations },
]
