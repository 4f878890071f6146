// Schema of Istio's Telemetry.
import { oneSelection } from '../../networking/match-schema.ts'
import { targetFields } from '../../networking/target-reference.ts'
import {
  boolean,
  doc,
  exactlyOne,
  type Finding,
  list,
  mapOf,
  number,
  object,
  pending,
  pendingOnWeft,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { selector } from '../../security/selector-schema.ts'

const nothing = 'metrics are those of the proxy'
const noSpans = 'no spans are reported, and trace headers are passed on as they are'
const side = word(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER'])
const mode = doc('On which side of a call.', side)
const providers = doc(
  'Providers, by their names in the mesh settings.',
  list(object({ name: doc('Name of the provider.', text('short-text')) }, { required: ['name'] })),
)

const named = (what: string): Schema =>
  object(
    { name: doc(what, text('short-text')), defaultValue: doc('Value when there is none.', text('no-nul')) },
    { required: ['name'] },
  )
const valued = object({ value: doc('The value.', text('short-text')) }, { required: ['value'] })

/** Tags of spans by name. */
export const customTags: Schema = mapOf(
  object(
    {
      literal: doc('A fixed value.', valued),
      environment: doc('A variable of the environment.', named('Name of the variable.')),
      header: doc('A header of the request.', named('Name of the header.')),
      formatter: doc('An access-log format.', valued),
    },
    { check: exactlyOne(['literal', 'environment', 'header', 'formatter'], 0) },
  ),
  'not-empty',
)

const tracing = object({
  match: doc('Calls it is for.', object({ mode })),
  providers,
  randomSamplingPercentage: doc('Share of the requests that is traced, in percent.', number(0, 100)),
  disableSpanReporting: doc('Sends no spans.', boolean),
  disableContextPropagation: doc('Sends no trace headers on.', boolean),
  enableIstioTags: doc("Adds Istio's tags to spans.", boolean),
  useRequestIdForTraceSampling: doc('Lets the request id decide about sampling.', boolean),
  customTags: doc('Further tags of spans.', customTags),
})

const tagOverride = object(
  {
    operation: doc('Adds or changes the tag, or removes it.', word(['UPSERT', 'REMOVE'])),
    value: doc('Expression for its value.', text('not-empty')),
  },
  { check: checkTag },
)

function* checkTag(tag: { readonly operation?: string; readonly value?: string }): Iterable<Finding> {
  if (tag.operation === 'REMOVE') {
    if (tag.value === undefined) return
    const message = 'must not be written when the tag is removed'
    yield { at: ['value'], code: 'conflicting-fields', message, mend: 'Remove it, or write operation: UPSERT.' }
  } else if (tag.value === undefined) {
    yield { code: 'missing-field', message: 'has no `value`', mend: 'Add `value`, or write operation: REMOVE.' }
  }
}

const metrics = object({
  providers,
  overrides: doc(
    'Changes to metrics, in order.',
    list(
      object({
        match: doc(
          'Metrics it is for.',
          object(
            {
              metric: doc(
                "One of Istio's metrics.",
                word([
                  'ALL_METRICS',
                  'REQUEST_COUNT',
                  'REQUEST_DURATION',
                  'REQUEST_SIZE',
                  'RESPONSE_SIZE',
                  'TCP_OPENED_CONNECTIONS',
                  'TCP_CLOSED_CONNECTIONS',
                  'TCP_SENT_BYTES',
                  'TCP_RECEIVED_BYTES',
                  'GRPC_REQUEST_MESSAGES',
                  'GRPC_RESPONSE_MESSAGES',
                ]),
              ),
              customMetric: doc('Another metric by name.', text('short-text')),
              mode,
            },
            { check: exactlyOne(['metric', 'customMetric'], 0) },
          ),
        ),
        disabled: doc('Whether the metric is left out.', boolean),
        tagOverrides: doc('Changes to its labels.', mapOf(tagOverride, 'not-empty')),
      }),
    ),
  ),
  reportingInterval: doc('How often TCP metrics are reported while connections last.', text('positive-duration')),
})

const accessLogging = object({
  match: doc('Calls it is for.', object({ mode })),
  providers,
  disabled: doc('Whether there is no log.', boolean),
  filter: doc(
    'What is logged.',
    pendingOnWeft(
      'every request is logged',
      object({ expression: doc("CEL expression over Envoy's attributes that must be true.", text('cel')) }),
    ),
  ),
})

/** Schema of `spec`. */
export const telemetrySchema: Schema = object(
  {
    selector,
    ...targetFields,
    tracing: doc('Traces.', pendingOnWeft(noSpans, list(tracing))),
    metrics: doc('Metrics.', pending(nothing, list(metrics))),
    accessLogging: doc('Access logs.', list(accessLogging)),
  },
  { check: oneSelection },
)
