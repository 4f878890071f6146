// What customers answers.
import { HttpError, type Call, type Reply, type Route } from '../platform/http-service.ts'
import { parseFields, textField } from '../platform/json-fields.ts'
import type { CustomerStore, Profile } from './customer-store.ts'
import { hashPassword, verifyPassword } from './password.ts'

const namePattern = /^[a-z][a-z0-9._-]{1,30}$/
const passwordLengthMin = 8

/** The routes of customers. */
export function customerRoutes(store: CustomerStore): readonly Route[] {
  return [
    { method: 'POST', path: '/customers', handle: (call) => register(store, call) },
    { method: 'POST', path: '/sessions', handle: (call) => logIn(store, call) },
    { method: 'GET', path: '/customers/:name', handle: (call) => ({ status: 200, json: profileOf(store, call) }) },
    { method: 'POST', path: '/customers/:name/addresses', handle: (call) => addAddress(store, call) },
    { method: 'PUT', path: '/customers/:name/favourites/:isbn', handle: (call) => setFavourite(store, call, true) },
    { method: 'DELETE', path: '/customers/:name/favourites/:isbn', handle: (call) => setFavourite(store, call, false) },
  ]
}

async function register(store: CustomerStore, call: Call): Promise<Reply> {
  const fields = parseFields(await call.body())
  const name = textField(fields, 'name', 31).toLowerCase()
  const password = textField(fields, 'password')
  if (!namePattern.test(name))
    throw new HttpError(422, 'a name has 2 to 31 letters, digits, dots, dashes or underscores, a letter first')
  if (password.length < passwordLengthMin)
    throw new HttpError(422, `a password has at least ${passwordLengthMin} characters`)
  if (!store.add(name, await hashPassword(password))) throw new HttpError(409, 'this name is taken')
  return { status: 201, json: { name } }
}

async function logIn(store: CustomerStore, call: Call): Promise<Reply> {
  const fields = parseFields(await call.body())
  const name = textField(fields, 'name').toLowerCase()
  if (!(await verifyPassword(textField(fields, 'password'), store.passwordHash(name)))) {
    throw new HttpError(401, 'name or password is wrong')
  }
  return { status: 200, json: { name } }
}

async function addAddress(store: CustomerStore, call: Call): Promise<Reply> {
  const { name } = profileOf(store, call)
  const fields = parseFields(await call.body())
  store.addAddress(name, {
    recipient: textField(fields, 'recipient'),
    street: textField(fields, 'street'),
    postcode: textField(fields, 'postcode', 12),
    city: textField(fields, 'city'),
  })
  return { status: 204 }
}

function setFavourite(store: CustomerStore, call: Call, wanted: boolean): Reply {
  store.setFavourite(profileOf(store, call).name, call.params['isbn'] ?? '', wanted)
  return { status: 204 }
}

function profileOf(store: CustomerStore, call: Call): Profile {
  const profile = store.profile(call.params['name'] ?? '')
  if (profile === undefined) throw new HttpError(404, 'there is no such customer')
  return profile
}
