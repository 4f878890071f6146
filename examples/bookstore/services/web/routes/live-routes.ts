// Where an order is, told as it happens.
import { HttpError, type LiveRoute } from '../../platform/http-service.ts'
import type { Sessions } from '../session.ts'
import { getOrder } from '../shop-api.ts'
import { visitorOf } from '../visitor.ts'

const askEveryMs = 500

/** `/api/orders/:id/live`: a WebSocket that tells each stage of the parcel as `{ stage, delivered }`, and closes when it is delivered. */
export function liveRoutes(sessions: Sessions): readonly LiveRoute[] {
  return [
    {
      path: '/api/orders/:id/live',
      async handle(call, accept) {
        const visitor = visitorOf(call, sessions)
        if (visitor.name === undefined) throw new HttpError(401, 'please log in')
        const id = call.params['id'] ?? ''
        let { shipment } = await getOrder(id, visitor.passOn)
        const live = accept()
        for (let told = ''; ; { shipment } = await getOrder(id, visitor.passOn)) {
          const { stage, delivered } = shipment
          if (stage !== told && !live.send(JSON.stringify({ stage, delivered }))) return live.close(1008)
          told = stage
          if (delivered) return live.close(1000)
          await new Promise((resolve) => setTimeout(resolve, askEveryMs))
          if (live.ended.aborted) return
        }
      },
    },
  ]
}
