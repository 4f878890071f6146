// Tables for people: aligned on a terminal, tab-separated in a pipe (so that cut and awk work).

/** Writes rows under a head. */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  out: { readonly isTTY?: boolean; write(text: string): unknown },
): void {
  const all = [head, ...rows]
  if (out.isTTY !== true) {
    for (const row of all) out.write(`${row.join('\t')}\n`)
    return
  }
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  for (const row of all) {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
    out.write(`${cells.join('  ').trimEnd()}\n`)
  }
}

/** `5m`, `23h`, `in the past`: how long until a wall-clock time. */
export function printUntil(atMs: number | undefined, nowMs: number): string {
  if (atMs === undefined) return '-'
  const seconds = Math.round((atMs - nowMs) / 1000)
  if (seconds < 0) return 'expired'
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`
  return `${Math.round(seconds / 3600)}h`
}
