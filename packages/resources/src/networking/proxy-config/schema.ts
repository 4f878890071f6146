// Schema of Istio's ProxyConfig.
import { doc, type Finding, integer, mapOf, object, pending, type Schema, text } from '../../schema/schema.ts'
import { selector } from '../../security/selector-schema.ts'
import { mostConcurrency } from '../../plan/proxy-settings.ts'

/** Schema of `spec`. */
export const proxyConfigSchema: Schema = object({
  selector,
  concurrency: doc(
    `Processes of a proxy, threads of Envoy; 0: one per core, ${mostConcurrency} at most. What a Workload says of itself goes before.`,
    { ...integer(0, 2_147_483_647), 'x-check': checkConcurrency },
  ),
  environmentVariables: doc('Variables for the processes of a proxy.', mapOf(text('no-nul'), 'env-name')),
  image: doc(
    'Image of a proxy.',
    pending('proxies run from no image', object({ imageType: doc('Variant of the image.', text('not-empty')) })),
  ),
})

function* checkConcurrency(value: number): Iterable<Finding> {
  if (value <= mostConcurrency) return
  const message = `is more than ${mostConcurrency}, which is what a proxy has at most`
  yield { severity: 'warning', code: 'out-of-range', message, mend: `Write ${mostConcurrency} or less.` }
}
