/** One line on standard output. */
export function log(service: string, message: string): void {
  process.stdout.write(`${service} ${message}\n`)
}
