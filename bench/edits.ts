// From rename(2) of an edited file to the first answer that follows it: 100 edits of a running mesh, one request after the other
// all the while. No request may fail.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { median, percentile } from './statistics.ts'
import { startMesh } from './weft-arm.ts'

/** Milliseconds of each edit, and requests that failed meanwhile. */
export interface EditReport {
  readonly followedMs: readonly number[]
  readonly medianMs: number
  readonly p99Ms: number
  readonly requests: number
  readonly failures: number
}

const limitMs = 10_000
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

interface Answer {
  readonly status: number
  readonly by: string
}

function ask(url: string): Promise<Answer> {
  return new Promise((resolve) => {
    const request = get(url, { agent, headers: { host: 'echo.bench', 'x-bench': '1' } }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, by: String(response.headers['x-proxied-by']) }),
      )
    })
    request.on('error', () => resolve({ status: 0, by: '' }))
  })
}

/** Edits the response header that the mesh adds, `edits` times. */
export async function measureEdits(edits = 100): Promise<EditReport> {
  const mesh = await startMesh({ name: 'weft', kind: 'plain', proxy: 'weft' })
  const followedMs: number[] = []
  let requests = 0
  let failures = 0
  try {
    const file = join(mesh.dir, 'mesh/mesh.yaml')
    const original = readFileSync(file, 'utf8')
    for (let edit = 0; edit < edits; edit += 1) {
      const wanted = `weft-${edit}`
      writeFileSync(`${file}.next`, original.replace('x-proxied-by: weft', `x-proxied-by: ${wanted}`))
      renameSync(`${file}.next`, file)
      const renamed = performance.now()
      for (;;) {
        const { status, by } = await ask(mesh.url)
        requests += 1
        if (status !== 200) failures += 1
        if (by === wanted) break
        if (performance.now() - renamed > limitMs) throw new Error(`edit ${edit} is not followed within ${limitMs} ms`)
      }
      followedMs.push(performance.now() - renamed)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    agent.destroy()
    await mesh.stop()
  }
  const report = { followedMs, medianMs: median(followedMs), p99Ms: percentile(followedMs, 0.99), requests, failures }
  console.log(
    `\nlive edits: rename to first new answer, median ${report.medianMs.toFixed(0)} ms, p99 ${report.p99Ms.toFixed(0)} ms of ${edits}; ${failures} of ${requests} requests failed`,
  )
  return report
}
