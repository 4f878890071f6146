// Schema of ReferenceGrant.
import { doc, list, object, type Schema, text } from '../../schema/schema.ts'

const group = doc('API group; "" is that of Service and Secret.', text('reference-group'))
const kind = doc('Kind.', text('reference-kind'))

/** Schema of `spec`. */
export const referenceGrantSchema: Schema = object(
  {
    from: doc(
      'Kinds of other namespaces that may refer to objects here.',
      list(
        object(
          { group, kind, namespace: doc('Namespace of those who refer.', text('reference-namespace')) },
          { required: ['group', 'kind', 'namespace'] },
        ),
        { min: 1, max: 16 },
      ),
    ),
    to: doc(
      'Objects of this namespace that may be referred to.',
      list(
        object(
          { group, kind, name: doc('Name; all of the kind unless written.', text('object-name')) },
          { required: ['group', 'kind'] },
        ),
        { min: 1, max: 16 },
      ),
    ),
  },
  { required: ['from', 'to'] },
)
