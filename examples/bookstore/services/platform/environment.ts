// What a service is told by its environment.

/** `HOST` and `PORT`; PORT 0 takes any free one. */
export function bindAddress(portDefault: number): { host: string; port: number } {
  return { host: process.env['HOST'] ?? '127.0.0.1', port: numberFrom('PORT', portDefault) }
}

/** Where another service is: `CATALOG_URL`, or its plain name, `http://catalog`. */
export function serviceUrl(name: string): string {
  return (process.env[`${name.toUpperCase()}_URL`] ?? `http://${name}`).replace(/\/$/, '')
}

/** A number from the environment; throws if what is there is not one. */
export function numberFrom(variable: string, fallback: number): number {
  const text = process.env[variable]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isFinite(value) || value < 0) throw new Error(`${variable}=${text} is not a number`)
  return value
}

/** Whether endpoints that only tests use are there. */
export function testEndpoints(): boolean {
  return process.env['TEST_ENDPOINTS'] === '1'
}
