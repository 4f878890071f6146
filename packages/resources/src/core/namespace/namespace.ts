// The kind Namespace (v1).
import { defineKind } from '../../kind-definition.ts'
import { context, list, object, text } from '../../schema/schema.ts'

/** Kubernetes' Namespace; the mesh reads its labels and annotations. */
export const namespaceKind = defineKind({
  kind: 'Namespace',
  versions: ['v1'],
  scope: 'cluster',
  names: ['namespaces', 'ns'],
  description: 'Labels that selectors of namespaces look at.',
  spec: object({ finalizers: context('What must be done before it goes away.', list(text())) }),
  withDefaults: (spec) => spec,
})
