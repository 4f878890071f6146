// delivery: brings parcels, and hands out electronic editions. DELIVERY_STAGE_MS says how long each stage lasts.
import { bindAddress, numberFrom, serviceUrl } from '../platform/environment.ts'
import { startHttpService } from '../platform/http-service.ts'
import { deliveryRoutes } from './routes.ts'
import { openShipmentStore } from './shipment-store.ts'

const store = openShipmentStore()
const routes = deliveryRoutes(store, {
  catalogUrl: serviceUrl('catalog'),
  stageMs: numberFrom('DELIVERY_STAGE_MS', 3000),
})
await startHttpService({ name: 'delivery', ...bindAddress(8080), routes, onClose: () => store.close() })
