// Headers whose lines Envoy joins with `,` as they arrive (its O(1) headers, measured with Envoy 1.40): rules see one value.

const names: ReadonlySet<string> = new Set(
  [
    'accept accept-encoding access-control-request-method authorization cache-control connection content-length',
    'content-type expect grpc-timeout if-none-match origin pragma referer user-agent via x-client-trace-id',
    'x-envoy-attempt-count x-envoy-decorator-operation x-envoy-original-path x-forwarded-client-cert x-forwarded-for',
    'x-forwarded-host x-forwarded-proto x-request-id',
  ].flatMap((line) => line.split(' ')),
)

/** Whether a header, by lower-case name, is one value however many lines it came in. */
export function isJoined(name: string): boolean {
  return names.has(name)
}
