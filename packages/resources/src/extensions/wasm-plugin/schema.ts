// Schema of Istio's WasmPlugin. Plugins that check who asks are refused: left out, they would let everybody through.
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
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { selector } from '../../security/selector-schema.ts'

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

const isCheck = 'A check that is left out lets everybody through; use AuthorizationPolicy.'

const fields: Readonly<Record<string, Schema>> = {
  url: doc('Where the module is.', text('wasm-url')),
  sha256: doc('SHA-256 of the module.', text('sha256')),
  imagePullPolicy: doc('When the image is fetched again.', word(['UNSPECIFIED_POLICY', 'IfNotPresent', 'Always'])),
  imagePullSecret: doc('Secret to fetch the image with.', text('dns-name')),
  verificationKey: doc('Key that the module must be signed with.', text('no-nul')),
  pluginConfig: doc('Configuration handed to the module.', { ...anything, type: 'object' }),
  pluginName: doc('Name of the plugin inside the module.', text('short-text')),
  phase: doc(
    'Where among the filters it goes.',
    word(['UNSPECIFIED_PHASE', 'STATS'], { AUTHN: isCheck, AUTHZ: isCheck }),
  ),
  priority: doc('Order within the phase.', integer(-2_147_483_648, 2_147_483_647)),
  failStrategy: doc('What happens when the module fails.', word(['FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD'])),
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
  type: doc('Kind of filter.', word(['UNSPECIFIED_PLUGIN_TYPE', 'HTTP', 'NETWORK'])),
}

/** Schema of `spec`. */
export const wasmPluginSchema: Schema = object(
  {
    selector: pending(notRun, selector),
    targetRef: pending(notRun, targetFields.targetRef),
    targetRefs: pending(notRun, targetFields.targetRefs),
    ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, pending(notRun, field)])),
  },
  { required: ['url'], check: oneSelection },
)
