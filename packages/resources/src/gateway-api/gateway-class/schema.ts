// Schema of GatewayClass and XMesh.
import { doc, object, pending, type Schema, text } from '../../schema/schema.ts'
import { objectReference } from '../references.ts'

/** Schema of `spec`. */
export const gatewayClassSchema: Schema = object(
  {
    controllerName: doc('Who serves it: `weft.dev/gateway-controller` is this mesh.', text('controller-name')),
    description: doc('What it is for.', text('short-description')),
    parametersRef: pending(
      'nothing reads the settings',
      doc('Settings of one implementation; Weft has none.', objectReference),
    ),
  },
  { required: ['controllerName'] },
)
