// payments: asks the card company.
import { bindAddress } from '../platform/environment.ts'
import { startHttpService } from '../platform/http-service.ts'
import { openDatabase } from '../platform/open-database.ts'
import { paymentRoutes, paymentSchema } from './routes.ts'

const database = openDatabase('payments', paymentSchema)
const onClose = (): void => database.close()
await startHttpService({ name: 'payments', ...bindAddress(8080), routes: paymentRoutes(database), onClose })
