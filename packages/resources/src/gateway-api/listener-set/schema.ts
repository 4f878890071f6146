// Schema of ListenerSet.
import { doc, object, type Schema } from '../../schema/schema.ts'
import { listeners } from '../gateway/listener-schema.ts'
import { gatewayReference } from '../references.ts'

/** Schema of `spec`. */
export const listenerSetSchema: Schema = object(
  { parentRef: doc('Gateway that the listeners are added to.', gatewayReference), listeners },
  { required: ['parentRef', 'listeners'] },
)
