// Metrics in typed arrays: one number per series, found once and then added to by index. Rendering walks the families;
// nothing else allocates.
import type { FamilySnapshot, MetricsSnapshot } from '@weft/core'

/** Milliseconds or bytes: Envoy's default histogram buckets, the ones Istio's dashboards expect. */
const defaultBuckets: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
]

/** What a family is called, and what tells its series apart. */
export interface MetricSpec {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /**
   * Series kept at most; further label values share one series whose labels are all `overflow`, so that no peer can
   * make the proxy's memory grow. Default 2,000.
   */
  readonly maxSeries?: number
}

type Kind = 'counter' | 'gauge' | 'histogram'

/** All series of one name. */
export class MetricFamily {
  readonly spec: MetricSpec
  readonly kind: Kind
  readonly #buckets: readonly number[]
  /** Numbers per series: 1, or for histograms one per bucket, then +Inf, then the sum. */
  readonly #stride: number
  readonly #slots = new Map<string, number>()
  readonly #labelTexts: string[] = []
  #values: Float64Array

  constructor(kind: Kind, spec: MetricSpec, buckets: readonly number[]) {
    this.kind = kind
    this.spec = spec
    this.#buckets = buckets
    this.#stride = kind === 'histogram' ? buckets.length + 2 : 1
    this.#values = new Float64Array(this.#stride * 8)
  }

  /** The series with these label values (in the order of the spec), made when new. */
  series(values: readonly string[]): number {
    const key = values.join('\u0000')
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    const limit = this.spec.maxSeries ?? 2_000
    if (this.#slots.size >= limit - 1 && this.spec.labels.length > 0) return this.#overflow()
    return this.#add(key, values)
  }

  /** Adds to a counter or gauge. */
  add(series: number, amount: number): void {
    this.#values[series] = (this.#values[series] as number) + amount
  }

  /** Sets a gauge. */
  set(series: number, value: number): void {
    this.#values[series] = value
  }

  /** The present value of a counter or gauge; for a histogram, the number of observations. */
  get(series: number): number {
    const base = series * this.#stride
    if (this.kind !== 'histogram') return this.#values[base] as number
    let count = 0
    for (let at = 0; at <= this.#buckets.length; at++) count += this.#values[base + at] as number
    return count
  }

  /** Adds one observation to a histogram. */
  observe(series: number, value: number): void {
    const base = series * this.#stride
    const buckets = this.#buckets
    let at = 0
    while (at < buckets.length && value > (buckets[at] as number)) at++
    const values = this.#values
    values[base + at] = (values[base + at] as number) + 1
    const sum = base + this.#stride - 1
    values[sum] = (values[sum] as number) + value
  }

  /** All series as plain data. */
  snapshot(): FamilySnapshot {
    const { name, help, labels } = this.spec
    const stride = this.#stride
    // A family without labels has one series, whose key is the empty text.
    const valuesOf = (key: string): string[] => (labels.length === 0 ? [] : key.split('\u0000'))
    const series = [...this.#slots].map(
      ([key, slot]) => [valuesOf(key), [...this.#values.subarray(slot * stride, (slot + 1) * stride)]] as const,
    )
    return { kind: this.kind, name, help, labels, buckets: this.#buckets, series }
  }

  /** Adds the series of another process; of one that counts otherwise (another version), nothing. */
  absorb({ kind, labels, buckets, series }: FamilySnapshot): void {
    if (kind !== this.kind || !equal(labels, this.spec.labels) || !equal(buckets, this.#buckets)) return
    for (const [values, numbers] of series) {
      const base = this.series(values) * this.#stride
      for (let at = 0; at < this.#stride; at++) {
        this.#values[base + at] = (this.#values[base + at] as number) + (numbers[at] ?? 0)
      }
    }
  }

  /** What stands in front of the series in Prometheus' text format 0.0.4. */
  header(): string {
    const { name, help } = this.spec
    return `# HELP ${name} ${help}\n# TYPE ${name} ${this.kind}\n`
  }

  /** The series in Prometheus' text format. */
  render(): string {
    const { name } = this.spec
    let text = ''
    for (let series = 0; series < this.#labelTexts.length; series++) {
      const labels = this.#labelTexts[series] as string
      if (this.kind === 'histogram') text += this.#renderHistogram(series, labels)
      else text += `${name}${labels === '' ? '' : `{${labels}}`} ${this.#values[series] as number}\n`
    }
    return text
  }

  #renderHistogram(series: number, labels: string): string {
    const name = this.spec.name
    const base = series * this.#stride
    const prefix = labels === '' ? '' : `${labels},`
    const suffix = labels === '' ? '' : `{${labels}}`
    let text = ''
    let count = 0
    for (let at = 0; at <= this.#buckets.length; at++) {
      count += this.#values[base + at] as number
      text += `${name}_bucket{${prefix}le="${this.#buckets[at] ?? '+Inf'}"} ${count}\n`
    }
    const sum = this.#values[base + this.#stride - 1] as number
    return `${text}${name}_sum${suffix} ${sum}\n${name}_count${suffix} ${count}\n`
  }

  #overflow(): number {
    const values = this.spec.labels.map(() => 'overflow')
    return this.#slots.get(values.join('\u0000')) ?? this.#add(values.join('\u0000'), values)
  }

  #add(key: string, values: readonly string[]): number {
    const series = this.#labelTexts.length
    const needed = (series + 1) * this.#stride
    if (needed > this.#values.length) {
      const grown = new Float64Array(Math.max(needed, this.#values.length * 2))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#slots.set(key, series)
    this.#labelTexts.push(this.spec.labels.map((label, at) => `${label}="${escapeLabel(values[at] ?? '')}"`).join(','))
    return series
  }
}

/**
 * Sets of labels that one name may have at once. They come from the configuration; of more than these the oldest but the first is dropped,
 * which nobody has asked for since many edits.
 */
const maxLabelSets = 64

/** Every metric of one proxy. Asking for a name with the same labels again gives the same family. */
export class MetricsRegistry {
  /** By name; of families with the same name the one with the usual labels comes first. */
  readonly #families = new Map<string, MetricFamily[]>()

  counter(spec: MetricSpec): MetricFamily {
    return this.#family('counter', spec, [])
  }

  gauge(spec: MetricSpec): MetricFamily {
    return this.#family('gauge', spec, [])
  }

  histogram(spec: MetricSpec, buckets: readonly number[] = defaultBuckets): MetricFamily {
    return this.#family('histogram', spec, buckets)
  }

  /** Everything as plain data. */
  snapshot(): MetricsSnapshot {
    return [...this.#families.values()].flat().map((family) => family.snapshot())
  }

  /**
   * Adds what another process counted. `gauges: false` for one that is gone: what it had open is open no more, what it
   * counted stays counted.
   */
  absorb(snapshot: MetricsSnapshot, { gauges }: { readonly gauges: boolean }): void {
    for (const family of snapshot) {
      if (family.kind === 'gauge' && !gauges) continue
      const { kind, name, help, labels, buckets } = family
      this.#family(kind, { name, help, labels }, buckets).absorb(family)
    }
  }

  /** Everything in Prometheus' text format, families in order of name. */
  render(): string {
    const names = [...this.#families.keys()].sort()
    return names.map((name) => renderTogether(this.#families.get(name) ?? [])).join('')
  }

  /** One `name{labels}: value` per line, as people read it. */
  renderPlain(): string {
    const lines = this.render().split('\n')
    return lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => `${line.slice(0, line.lastIndexOf(' '))}:${line.slice(line.lastIndexOf(' '))}\n`)
      .join('')
  }

  #family(kind: Kind, spec: MetricSpec, buckets: readonly number[]): MetricFamily {
    let families = this.#families.get(spec.name)
    if (families === undefined) this.#families.set(spec.name, (families = []))
    const [first] = families
    // Of one kind is what has one name; what counts otherwise (another version's) is not taken over.
    if (first !== undefined && first.kind !== kind) return first
    const known = families.find((family) => equal(family.spec.labels, spec.labels))
    if (known !== undefined) return known
    const family = new MetricFamily(kind, spec, buckets)
    if (families.length >= maxLabelSets) families.splice(1, 1)
    families.push(family)
    return family
  }
}

/** The families of one name: what stands in front of the series stands there once. */
function renderTogether(families: readonly MetricFamily[]): string {
  const series = families.map((family) => family.render()).join('')
  return series === '' ? '' : `${families[0]?.header() ?? ''}${series}`
}

function equal<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at])
}

function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value) ? value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`)) : value
}
