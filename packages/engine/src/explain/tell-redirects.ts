import type { RedirectPredicate, RouteAction } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'

const conditions: Readonly<Record<RedirectPredicate['kind'], string>> = {
  'previous-routes': 'to no route twice',
  'allow-listed-routes': 'to routes that are listed',
  'safe-cross-scheme': 'not from http to https',
}

/** Says which answers the proxy would follow in the client's place: where to, only the answer says. */
export function tellRedirects({ internalRedirects: redirects }: RouteAction, recorder: Recorder): void {
  if (redirects === undefined) return
  const statuses = [...redirects.statuses].sort((a, b) => a - b).join(', ')
  const follows = redirects.most > 0 && statuses !== ''
  const only = redirects.predicates.map(({ kind }) => conditions[kind])
  const where = [...(redirects.crossScheme ? [] : ['in the same scheme']), ...only]
  const times = redirects.most === 1 ? 'once' : `up to ${redirects.most} times`
  recorder.step({
    decision: 'redirect',
    chosen: follows ? statuses : undefined,
    summary: follows
      ? [`an answer ${statuses} with a location is followed by the proxy, ${times}`, ...where].join(', ')
      : 'no answer is followed by the proxy',
    origins: {},
    losers: [],
  })
}
