// A request that belongs to a session, where its route has such.
import { filterOverride, sessionLine, type SessionState } from '@weft/engine'
import type { EngineProxy, Explained } from './engine-proxy.ts'
import type { TestRequest } from './generate-request.ts'
import type { SeededRandom } from './seeded-random.ts'

/** An endpoint that nobody has. */
const nobody = '127.0.0.1:1'

/** The request, mostly asking for one of the endpoints that may answer it, or for one that is gone. */
export function withSession(random: SeededRandom, engine: EngineProxy, request: TestRequest): TestRequest {
  const explained = engine.explain(request)
  const state = sessionOf(explained)
  if (state === undefined || explained.endpoints.length === 0 || random.chance(0.05)) return request
  const key = random.chance(0.1) ? nobody : random.pick(explained.endpoints)
  const [name, value] = sessionLine(state, key, 0)
  if (state.kind === 'header') return { ...request, headers: [...request.headers, [name, value]] }
  const pair = value.split(';')[0] ?? ''
  const kept = request.headers.filter(([header]) => header.toLowerCase() !== 'cookie')
  return { ...request, headers: [...kept, ['cookie', random.chance(0.5) ? `a=1; ${pair}` : pair]] }
}

function sessionOf({ routed, forwarded }: Explained): SessionState | undefined {
  const filter = forwarded?.manager.httpFilters.find(({ kind }) => kind === 'session')
  const override = filter === undefined || routed === undefined ? undefined : filterOverride(filter.name, routed)
  return override?.kind === 'session' ? override.session.state : undefined
}
