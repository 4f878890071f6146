// web: the shop's pages. It keeps no state but the key that signs sessions; everything else it asks of the other services.
import { bindAddress, testEndpoints } from '../platform/environment.ts'
import { HttpError, startHttpService, type Call, type Reply } from '../platform/http-service.ts'
import { errorPage } from './pages/error-page.ts'
import { accountRoutes } from './routes/account-routes.ts'
import { apiRoutes, testRoutes } from './routes/api-routes.ts'
import { assetRoutes } from './routes/asset-routes.ts'
import { basketRoutes } from './routes/basket-routes.ts'
import { browseRoutes } from './routes/browse-routes.ts'
import { liveRoutes } from './routes/live-routes.ts'
import { orderRoutes } from './routes/order-routes.ts'
import { pageReply } from './routes/page-reply.ts'
import { makeWebRoute } from './routes/web-route.ts'
import { openSessions } from './session.ts'
import { visitorOf } from './visitor.ts'

const sessions = openSessions()
const route = makeWebRoute(sessions)

// What is wrong between the services is not told to readers; it is in the log.
function onError(error: unknown, call: Call): Reply {
  const status = error instanceof HttpError ? error.status : 500
  const detail = error instanceof HttpError && status < 500 ? error.message : 'the shop cannot do this now'
  if (/^\/(api|test)\//.test(call.url.pathname)) return { status, json: { error: detail } }
  const body = errorPage(status, detail.charAt(0).toUpperCase() + detail.slice(1), call.passOn['x-request-id'] ?? '')
  return pageReply({ title: 'Sorry', visitor: visitorOf(call, sessions), body, status })
}

await startHttpService({
  name: 'web',
  ...bindAddress(8080),
  routes: [
    ...browseRoutes(route),
    ...basketRoutes(route),
    ...accountRoutes(route, sessions),
    ...orderRoutes(route),
    ...apiRoutes(route),
    ...assetRoutes(),
    ...(testEndpoints() ? testRoutes(route) : []),
  ],
  live: liveRoutes(sessions),
  onError,
})
