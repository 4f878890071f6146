// Schema of Istio's ProxyConfig.
import { doc, integer, mapOf, object, pending, type Schema, text } from '../../schema/schema.ts'
import { selector } from '../../security/selector-schema.ts'

/** Schema of `spec`. */
export const proxyConfigSchema: Schema = object({
  selector: pending('nothing of this object is applied to any proxy', selector),
  concurrency: doc(
    'Worker threads of a proxy; 0: one per core.',
    pending("a Workload's `concurrency` says how many processes its proxy has", integer(0, 2_147_483_647)),
  ),
  environmentVariables: doc(
    'Environment of a proxy.',
    pending('proxies get no further variables', mapOf(text('no-nul'), 'env-name')),
  ),
  image: doc(
    'Image of a proxy.',
    pending('proxies run from no image', object({ imageType: doc('Variant of the image.', text('not-empty')) })),
  ),
})
