// Schema of Istio's WasmPlugin. Weft's own proxy runs no modules: there plugins that check who asks are refused.
import { oneSelection, workloadMode } from '../../networking/match-schema.ts'
import { targetFields } from '../../networking/target-reference.ts'
import {
  anything,
  doc,
  duplicates,
  type Finding,
  integer,
  list,
  object,
  pending,
  pendingOnWeft,
  portNumber,
  refused,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { selector } from '../../security/selector-schema.ts'
import { isModuleFile, type WasmPluginSpec } from './types.ts'

const notRun = 'the module is not run'

const variable = object(
  {
    name: doc('Its name.', text('short-text')),
    valueFrom: doc('Whether the value is written here or taken from the proxy.', word(['INLINE', 'HOST'])),
    value: doc('Its value.', text('no-nul')),
  },
  { required: ['name'], check: checkVariable },
)

function* checkVariable(value: { readonly valueFrom?: string; readonly value?: string }): Iterable<Finding> {
  if (value.valueFrom !== 'HOST' || value.value === undefined) return
  const message = 'must not be written when it is taken from the proxy'
  yield { at: ['value'], code: 'conflicting-fields', message, mend: 'Remove it, or write valueFrom: INLINE.' }
}

function* checkNames(variables: readonly { readonly name: string }[]): Iterable<Finding> {
  yield* duplicates(
    variables.map((each) => each.name),
    'name',
    ['name'],
  )
}

const noImages = 'Nothing is pulled from registries of images: write file:///path.'
const noSignatures = 'Signatures are not verified: verify the module when it is put beside the proxies.'

const isCheck = 'A check that is left out lets everybody through; use AuthorizationPolicy.'

const fields: Readonly<Record<string, Schema>> = {
  url: doc('Where the module is.', text('wasm-url')),
  sha256: doc('SHA-256 of the module.', pending('nobody compares a file with its digest', text('sha256'))),
  imagePullPolicy: doc(
    'When the image is fetched again.',
    pending('modules are files, of which nothing is pulled', word(['UNSPECIFIED_POLICY', 'IfNotPresent', 'Always'])),
  ),
  imagePullSecret: doc('Secret to fetch the image with.', refused(noImages, text('dns-name'))),
  verificationKey: doc('Key that the module must be signed with.', refused(noSignatures, text('no-nul'))),
  pluginConfig: doc('Configuration handed to the module.', { ...anything, type: 'object' }),
  pluginName: doc('Name of the plugin inside the module.', text('short-text')),
  phase: doc('Where among the filters it goes.', {
    ...word(['UNSPECIFIED_PHASE', 'AUTHN', 'AUTHZ', 'STATS']),
    'x-refused-weft-values': { AUTHN: isCheck, AUTHZ: isCheck },
  }),
  priority: doc('Order within the phase.', integer(-2_147_483_648, 2_147_483_647)),
  failStrategy: doc(
    'What happens when the module fails.',
    word(['FAIL_CLOSE', 'FAIL_OPEN'], { FAIL_RELOAD: 'Write FAIL_CLOSE: requests fail until the proxy is restarted.' }),
  ),
  vmConfig: doc(
    'Where the module runs.',
    object({ env: doc('Its environment.', list(variable, { max: 256, check: checkNames })) }),
  ),
  match: doc(
    'Traffic it is for.',
    list(
      object({
        mode: doc('On which side of a call.', workloadMode),
        ports: doc(
          'Ports it is for.',
          list(object({ number: doc('Number of the port.', portNumber) }, { required: ['number'] })),
        ),
      }),
    ),
  ),
  type: doc(
    'Kind of filter.',
    word(['UNSPECIFIED_PLUGIN_TYPE', 'HTTP'], { NETWORK: 'Insert envoy.filters.network.wasm with an EnvoyFilter.' }),
  ),
}

/** Schema of `spec`. */
export const wasmPluginSchema: Schema = object(
  {
    selector: pendingOnWeft(notRun, selector),
    targetRef: pendingOnWeft(notRun, targetFields.targetRef),
    targetRefs: pendingOnWeft(notRun, targetFields.targetRefs),
    ...Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        field['x-pending'] === undefined ? pendingOnWeft(notRun, field) : field,
      ]),
    ),
  },
  { required: ['url'], check: checkPlugin },
)

function* checkPlugin({ url = '', failStrategy, ...spec }: Partial<WasmPluginSpec>): Iterable<Finding> {
  yield* oneSelection(spec)
  if (isModuleFile(url)) return
  const what = /^https?:\/\//i.test(url) ? 'is not fetched' : 'is an image, and none is pulled'
  const then = failStrategy === 'FAIL_OPEN' ? 'pass without it' : 'are refused with 403'
  const message = `${what}, so the module is never loaded: requests ${then}`
  const mend = 'Put the module beside the proxies and write file:///path.'
  yield { at: ['url'], severity: 'warning', code: 'no-effect', message, mend }
}
