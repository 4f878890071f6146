// What policies may be attached to.
import { repeated, sectionName } from '../../gateway-api/references.ts'
import type { TargetReference } from '../../gateway-api/types.ts'
import { byDefault, doc, type Finding, list, object, type Schema, text, word } from '../../schema/schema.ts'
import type { Attached } from './types.ts'

/** API group of each kind that policies are attached to. */
const groupOfTarget: Readonly<Record<string, string>> = {
  Service: '',
  ServiceEntry: 'networking.istio.io',
  Gateway: 'gateway.networking.k8s.io',
  HTTPRoute: 'gateway.networking.k8s.io',
  GRPCRoute: 'gateway.networking.k8s.io',
}

/** The list of targets, of these kinds. */
export function policyTargets(description: string, kinds: readonly string[] = Object.keys(groupOfTarget)): Schema {
  const groups = [...new Set(kinds.map((kind) => groupOfTarget[kind] ?? ''))]
  const target = object(
    {
      group: doc('API group; "" is that of Services.', byDefault('', word(groups))),
      kind: doc('Kind of the target.', byDefault('Service', word(kinds))),
      name: doc('Name of an object of the namespace.', text('object-name')),
      sectionName: sectionName('Part of it: the name of a port, a listener or a rule; all unless written.'),
    },
    { required: ['name'], check: checkGroup },
  )
  return doc(
    description,
    list(target, {
      min: 1,
      max: 16,
      check: (refs: readonly TargetReference[]) =>
        repeated(refs, ({ group, kind, name, sectionName: part = '' }) => [group, kind, name, part], 'target', [
          'name',
        ]),
    }),
  )
}

/** A policy as written; where no targets are, routes name it. */
export function withTargets<S extends Attached>(written: unknown): S {
  return { targetRefs: [], ...(written as Omit<S, 'targetRefs'>) } as unknown as S
}

function* checkGroup({ group, kind }: TargetReference): Iterable<Finding> {
  const wanted = groupOfTarget[kind] ?? ''
  if (group === wanted) return
  const mend = `Write group: ${wanted === '' ? '""' : wanted}.`
  yield { at: ['group'], code: 'conflicting-fields', message: `is not the API group of ${kind}`, mend }
}
