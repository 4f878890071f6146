// Schema of Istio's Telemetry.
import { valueFinding } from './value-finding.ts'
import { istioMetrics, type MetricName } from './types.ts'
import { oneSelection } from '../../networking/match-schema.ts'
import { didYouMean } from '../../schema/did-you-mean.ts'
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
  pendingOnEnvoy,
  pendingOnWeft,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { selector } from '../../security/selector-schema.ts'

const uncounted =
  "Envoy as it is released lacks the filter that counts Istio's metrics (istio.stats), and keeps to its own"
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
    value: doc('Expression for its value.', text('cel')),
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
  } else {
    const finding = valueFinding(tag.value)
    if (finding !== undefined) yield { ...finding, at: ['value'] }
  }
}

function* checkMetric(match: { readonly metric?: string; readonly customMetric?: string }): Iterable<Finding> {
  yield* exactlyOne(['metric', 'customMetric'], 0)(match)
  const { customMetric } = match
  const known: readonly string[] = Object.values(istioMetrics)
  if (customMetric === undefined || known.includes(customMetric)) return
  const message = `no metric has the name ${JSON.stringify(customMetric)}: nothing is changed because of it`
  const meant = didYouMean(customMetric, known)
  const mend = meant === undefined ? `Write one of ${known.join(', ')}.` : `Did you mean ${meant}?`
  yield { at: ['customMetric'], severity: 'warning', code: 'WEFT0112', message, mend }
}

const metricNames = ['ALL_METRICS', ...(Object.keys(istioMetrics) as MetricName[])]

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
              metric: doc("One of Istio's metrics.", word(metricNames)),
              customMetric: doc('A metric by its name, without `istio_`.', text('short-text')),
              mode,
            },
            { check: checkMetric },
          ),
        ),
        disabled: doc('Whether the metric is left out.', boolean),
        tagOverrides: doc('Changes to its labels.', mapOf(tagOverride, 'not-empty')),
      }),
    ),
  ),
  reportingInterval: doc(
    'How often bytes of TCP connections and messages of gRPC calls are reported while they last.',
    text('positive-duration'),
  ),
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
    metrics: doc('Metrics.', pendingOnEnvoy(uncounted, list(metrics))),
    accessLogging: doc('Access logs.', list(accessLogging)),
  },
  { check: oneSelection },
)
