// orders: baskets, and everything that makes an order of one.
import { bindAddress, numberFrom, serviceUrl, testEndpoints } from '../platform/environment.ts'
import { startHttpService } from '../platform/http-service.ts'
import { makeInventoryClient } from './inventory-client.ts'
import { openOrderStore } from './order-store.ts'
import { orderRoutes, testRoutes } from './routes.ts'
import { makeStockClient } from './stock-client.ts'

const store = openOrderStore()
const inventory = makeInventoryClient(
  process.env['INVENTORY_SERVICE_HOST'] ?? 'inventory',
  numberFrom('INVENTORY_SERVICE_PORT', 7000),
)
const stock = makeStockClient(process.env['INVENTORY_GRPC_TARGET'] ?? 'inventory:9000')
const services = {
  store,
  inventory,
  stock,
  catalogUrl: serviceUrl('catalog'),
  paymentsUrl: serviceUrl('payments'),
  deliveryUrl: serviceUrl('delivery'),
}
const routes = [...orderRoutes(services), ...(testEndpoints() ? testRoutes(store, stock) : [])]
const onClose = (): void => {
  inventory.close()
  stock.close()
  store.close()
}
await startHttpService({ name: 'orders', ...bindAddress(8080), routes, onClose })
