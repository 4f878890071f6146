// Fields that Envoy has had since the release which the installed .proto files are of, as Envoy 1.40 numbers them. Each is written after a
// line of its file; when that line is not there any more, or the field has come with a newer package, generating fails and tells.

interface Newer {
  /** A line of the file, without what stands around it, that the field follows. */
  readonly after: string
  readonly field: string
  readonly imports: readonly string[]
}

const newer: Readonly<Record<string, Newer>> = {
  'envoy/config/cluster/v3/circuit_breaker.proto': {
    after: 'google.protobuf.UInt32Value min_retry_concurrency = 2;',
    field: 'google.protobuf.Duration budget_interval = 3;',
    imports: ['google/protobuf/duration.proto'],
  },
  'envoy/type/tracing/v3/custom_tag.proto': {
    after: 'Metadata metadata = 5;',
    field: 'string value = 6;',
    imports: [],
  },
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto': {
    after: 'google.protobuf.BoolValue spawn_upstream_span = 10;',
    field: 'bool no_context_propagation = 13;',
    imports: [],
  },
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto': {
    after: 'config.core.v3.TypedExtensionConfig header_validation_config = 7;',
    field: `message OutlierDetection {
    config.common.matcher.v3.MatchPredicate error_matcher = 1;
  }
  OutlierDetection outlier_detection = 8;`,
    imports: ['envoy/config/common/matcher/v3/matcher.proto'],
  },
}

/** The text of a .proto file with its newer fields. */
export function withNewerFields(name: string, text: string): string {
  const added = newer[name]
  if (added === undefined) return text
  const { after, field, imports } = added
  const known = /\w+ = \d+;\s*$/.exec(field)?.[0] ?? field
  if (!text.includes(after) || text.includes(known)) {
    throw new Error(`${name}: "${after}" is not where ${known} can be added: look at scripts/newer-fields.ts`)
  }
  const first = /^import /m.exec(text)?.index ?? 0
  const lines = imports.map((path) => `import "${path}";\n`).filter((line) => !text.includes(line))
  return `${text.slice(0, first)}${lines.join('')}${text.slice(first)}`.replace(after, `${after}\n  ${field}`)
}
