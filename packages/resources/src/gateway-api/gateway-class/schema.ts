// Schema of GatewayClass and XMesh.
import { doc, object, type Schema, text } from '../../schema/schema.ts'
import { objectReference } from '../references.ts'

/** Schema of `spec`. */
export const gatewayClassSchema: Schema = object(
  {
    controllerName: doc('Who serves it: `weft.dev/gateway-controller` is this mesh.', text('controller-name')),
    description: doc('What it is for.', text('short-description')),
    parametersRef: doc(
      'ConfigMap about what a cluster makes for Gateways, as Istio has it; anything else makes the status Accepted false.',
      objectReference,
    ),
  },
  { required: ['controllerName'] },
)
