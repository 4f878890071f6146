// Schema of Istio's PeerAuthentication.
import { doc, type Finding, mapOf, object, type Schema, word } from '../../schema/schema.ts'
import { selector } from '../selector-schema.ts'

const mtls = object({
  mode: doc(
    'STRICT: mutual TLS only; PERMISSIVE: plaintext too; DISABLE: plaintext only; UNSET: as above.',
    word(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']),
  ),
})

/** Schema of `spec`. */
export const peerAuthenticationSchema: Schema = object(
  {
    selector,
    mtls: doc('What the selected workloads accept.', mtls),
    portLevelMtls: doc('What single ports of the workloads accept.', mapOf(mtls, 'port-text', { min: 1 })),
  },
  { check: checkPortLevel },
)

interface WrittenSpec {
  readonly selector?: { readonly matchLabels?: object }
  readonly portLevelMtls?: object
}

function* checkPortLevel(spec: WrittenSpec): Iterable<Finding> {
  if (spec.portLevelMtls === undefined || Object.keys(spec.selector?.matchLabels ?? {}).length > 0) return
  const message = 'needs a `selector`, since ports belong to workloads'
  yield { at: ['portLevelMtls'], code: 'missing-field', message, mend: 'Add selector: { matchLabels: { app: ... } }.' }
}
